"""How a JSON:API resource becomes a record, and that declarations and schemas agree."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from singer_rest_core.records import ResourceRows
from tap_productive.refusals import find_refused
from tap_productive.relationships import related_type
from tap_productive.streams import STREAMS

if TYPE_CHECKING:
    from tap_productive.client import ProductiveStream

SCHEMAS = {
    path.name.removesuffix(".json"): json.loads(path.read_text(encoding="utf-8"))
    for path in (files("tap_productive") / "schemas").iterdir()
    if path.is_file()
}


def name_of(stream: type[ProductiveStream]) -> str:
    return str(vars(stream)["name"])


def test_a_resource_becomes_flat() -> None:
    resource = {
        "id": "7",
        "type": "invoices",
        "attributes": {"number": "2016/01", "parent_invoice_id": 5},
        "relationships": {
            "company": {"data": {"type": "companies", "id": "1837"}},
            "issuer": {"data": None},
            "creator": {"meta": {"included": False}},
            "invoice_attributions": {"data": [{"type": "invoice_attributions", "id": "3"}]},
            "template_object": {"data": {"type": "projects", "id": "9"}},
        },
    }

    assert ResourceRows(typed=frozenset({"template_object"})).flat(resource) == {
        "id": "7",
        "number": "2016/01",
        "parent_invoice_id": 5,
        "company_id": "1837",
        "invoice_attributions_ids": ["3"],
        "template_object_id": "9",
        "template_object_type": "projects",
    }


@pytest.mark.parametrize(
    ("relationship", "kind"),
    [
        ("company", "companies"),
        ("deal_status", "deal_statuses"),
        ("approval_statuses", "approval_statuses"),
        ("time_tracking_policy", "time_tracking_policies"),
        ("creator", "people"),
        ("teams", "teams"),
        ("parent_invoice", "invoices"),
    ],
)
def test_the_type_behind_a_relationship_is_known(relationship: str, kind: str) -> None:
    assert related_type(relationship) == kind


def test_a_stream_may_know_better_what_its_relationship_leads_to() -> None:
    assert related_type("section", {"section": "custom_field_sections"}) == "custom_field_sections"


@given(st.data())
def test_find_refused_are_found_by_halves(data: st.DataObject) -> None:
    names = data.draw(st.lists(st.text("abc", min_size=1), min_size=1, unique=True))
    refused = set(data.draw(st.lists(st.sampled_from(names), min_size=1, unique=True)))

    found = find_refused(names, refused.isdisjoint)

    assert found == (refused if len(names) > 1 else set(names))


def test_every_stream_has_a_schema_and_every_schema_a_stream() -> None:
    assert {name_of(stream) for stream in STREAMS} | {"custom_field_values"} == SCHEMAS.keys()


@pytest.mark.parametrize("stream", STREAMS, ids=name_of)
def test_every_requested_relationship_has_its_column(stream: type[ProductiveStream]) -> None:
    properties = SCHEMAS[name_of(stream)]["properties"]

    for reference in stream.references:
        assert f"{reference}_id" in properties or f"{reference}_ids" in properties, reference
    for reference in stream.polymorphic_references:
        assert f"{reference}_type" in properties
    assert list(stream.references) == sorted(stream.references)


@pytest.mark.parametrize("stream", STREAMS, ids=name_of)
def test_no_schema_has_a_column_for_a_secret(stream: type[ProductiveStream]) -> None:
    assert stream.secret_fields.isdisjoint(SCHEMAS[name_of(stream)]["properties"])


@pytest.mark.parametrize("stream", STREAMS, ids=name_of)
def test_a_replication_key_is_a_column_that_the_api_filters_or_sorts_by(stream: type[ProductiveStream]) -> None:
    key = vars(stream).get("replication_key")
    properties = SCHEMAS[name_of(stream)]["properties"]

    assert key is None or key in (*stream.filter_times, *stream.sort_times)
    assert key is None or properties[key]["format"] == "date-time"
    assert stream.evidence in {"documented", "live", "inferred"}
    of_relationships = {f"{name}_id" for name in stream.references}
    assert (stream.evidence == "inferred") == (not properties.keys() - {"id", "_rescued_data"} - of_relationships)
    # A list that is only filtered or only sorted is read in a way that is not documented.
    one_sided = key is not None and not {key} <= {*stream.filter_times} & {*stream.sort_times}
    assert one_sided == ("inferred" in (stream.__doc__ or ""))
