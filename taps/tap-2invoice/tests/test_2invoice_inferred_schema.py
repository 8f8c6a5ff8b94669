"""Inferred schemas: what becomes of values that the sample did not show, and of columns from run to run."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from conftest import discover, overriding_post_process, read, with_rescued, without_nulls
from singer_rest_core.records import RESCUED_DATA
from tap_2invoice.client import ListStream
from tap_2invoice.streams import DETAILS, LISTS
from tap_2invoice.tap import Tap2Invoice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.admin_client import SystemAdmin
    from sandbox.server import RunningSandbox

run = partial(read, Tap2Invoice)
LIST_NAMES = [str(vars(stream)["name"]) for stream in LISTS]
DETAIL_NAMES = [str(vars(stream)["name"]) for stream in DETAILS]
ODD: dict[str, Any] = {
    "brand_new": {"a": [1.5, None]},
    "name": 5,
    "number": "FCT-7",
    "total": 12.5,
    "client_id": "36",
    "is_default": "true",
    "created_at": "0000-00-00 00:00:00",
    "issue_date": "31.12.2025",
    "due_date": None,
    "products": {"0": "x"},
    "client": [],
    "storno": 1,
    "balance": None,
    "empty": [],
}
"""Values of other types than those of the sample."""


def without_token(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The catalog that discovery makes without a token."""
    return discover(Tap2Invoice, {"api_url": settings["api_url"]})


def properties_of(catalog: Mapping[str, Any], stream: str) -> dict[str, Any]:
    (entry,) = (entry for entry in catalog["streams"] if entry["tap_stream_id"] == stream)
    properties: dict[str, Any] = entry["schema"]["properties"]
    return properties


def test_values_of_another_kind_than_the_sample_has_are_converted_or_rescued(
    two_invoice: SystemAdmin, two_invoice_settings: dict[str, Any]
) -> None:
    catalog = discover(Tap2Invoice, two_invoice_settings)
    two_invoice.set_extra_attributes({"invoices": ODD})

    record = run(two_invoice_settings, select="invoices", catalog=catalog).records["invoices"][0]

    assert record["total"] == "12.5"  # a text column takes a number
    assert record["client_id"] == 36  # a number given as text is one
    assert record["due_date"] is None
    assert record["number"] is record["issue_date"] is record["client"] is record["storno"] is None
    assert record[RESCUED_DATA] == {
        name: ODD[name]
        for name in (
            *("balance", "brand_new", "client", "created_at", "empty", "is_default", "issue_date", "name", "number"),
            *("products", "storno"),
        )
    }


def test_a_schema_inferred_from_odd_values_rescues_none_of_them(
    two_invoice: SystemAdmin, two_invoice_settings: dict[str, Any]
) -> None:
    two_invoice.set_extra_attributes(dict.fromkeys(LIST_NAMES, ODD))

    reading = run(two_invoice_settings)

    for name in LIST_NAMES:
        rescued = [record[RESCUED_DATA] for record in reading.records[name] if record[RESCUED_DATA]]
        assert all(each.keys() <= {"efactura_index"} for each in rescued)
        for record, row in zip(reading.records[name], two_invoice.records(name), strict=True):
            assert with_rescued(record) == without_nulls({**row, **ODD})


@pytest.mark.parametrize(
    "values",
    [
        (1, 1.5, None),
        (1, "x", None),
        (1.5, 2, 2),
        ("2026-01-31", "", None),
        ("2026-01-31 10:00:00", "never", None),
        (None, 5, "5"),
        ([], {"a": 1}, None),
        (True, 1, None),
        ("x", {"a": 1}, None),
    ],
)
@pytest.mark.parametrize("given", [False, True])
def test_a_column_keeps_its_type_from_run_to_run_as_a_table_does(
    two_invoice: SystemAdmin,
    two_invoice_settings: dict[str, Any],
    values: tuple[Any, Any, Any],
    *,
    given: bool,
) -> None:
    """Whether the schema is derived in the run, or by discovery before it, as Meltano does."""
    first, then, expected = values
    two_invoice.set_extra_attributes({"templates": {"odd": first}})
    before = run(two_invoice_settings, select="templates")
    two_invoice.set_extra_attributes({"templates": {"odd": then}})
    catalog = discover(Tap2Invoice, two_invoice_settings) if given else None

    after = run(two_invoice_settings, select="templates", catalog=catalog, state=before.state)

    assert after.error is None
    assert after.columns("templates") == before.columns("templates")
    for record in after.records["templates"]:
        assert record["odd"] == expected
        assert record[RESCUED_DATA] == (None if expected is not None else {"odd": then})


def test_columns_that_the_sample_no_longer_shows_stay_and_new_ones_are_added(
    two_invoice: SystemAdmin, two_invoice_settings: dict[str, Any]
) -> None:
    two_invoice.update("templates", 1, {"old": 1})
    before = run(two_invoice_settings, select="templates")
    two_invoice.delete("templates", 1)
    two_invoice.update("templates", 2, {"new": "x"})

    after = run(two_invoice_settings, select="templates", state=before.state)

    assert after.columns("templates").keys() == before.columns("templates").keys() | {"new"}
    assert [record["new"] for record in after.records["templates"]] == ["x", None, None]
    assert [record["old"] for record in after.records["templates"]] == [None, None, None]
    assert after.state["bookmarks"]["templates"]["columns"]["new"] == "string"


def test_a_list_that_discovery_could_not_read_keeps_its_columns(
    sandbox: RunningSandbox, two_invoice: SystemAdmin, two_invoice_settings: dict[str, Any]
) -> None:
    before = run(two_invoice_settings, select="templates")
    sandbox.admin.add_fault("*/templates", status=404)
    catalog = discover(Tap2Invoice, two_invoice_settings)

    after = run(two_invoice_settings, select="templates", catalog=catalog, state=before.state)

    assert properties_of(catalog, "templates").keys() == {"id", RESCUED_DATA}
    assert after.timeless[2:-1] == before.timeless[2:-1]
    assert after.columns("templates") == before.columns("templates")
    assert len(after.records["templates"]) == len(two_invoice.records("templates"))


def test_a_type_that_somebody_wrote_into_the_catalog_holds(
    two_invoice_settings: dict[str, Any],
) -> None:
    before = run(two_invoice_settings, select="receipts")
    catalog = discover(Tap2Invoice, two_invoice_settings)
    properties_of(catalog, "receipts")["amount"] = {"type": ["number", "null"], "description": "Of `currency`."}

    after = run(two_invoice_settings, select="receipts", catalog=catalog, state=before.state)

    assert after.columns("receipts")["amount"]["type"] == ["number", "null"]
    assert [str(record["amount"]) for record in after.records["receipts"]] == [
        record["amount"] for record in before.records["receipts"]
    ]


def test_a_catalog_made_without_a_token_still_works(
    sandbox: RunningSandbox, two_invoice: SystemAdmin, two_invoice_settings: dict[str, Any]
) -> None:
    catalog = without_token(two_invoice_settings)
    assert sandbox.admin.requests() == []

    reading = run(two_invoice_settings, select=" ".join(LIST_NAMES + DETAIL_NAMES), catalog=catalog)

    assert reading.error is None
    for name in LIST_NAMES:
        rows_ = [{**without_nulls(row), "id": str(row["id"])} for row in two_invoice.records(name)]
        assert [with_rescued(record) for record in reading.records[name]] == rows_
        assert {*reading.records[name][0]} == {"id", RESCUED_DATA}
    assert sorted(reading.activated) == sorted(LIST_NAMES + DETAIL_NAMES)


@pytest.mark.parametrize("wrapped", [False, True])
def test_reading_ahead_and_the_way_of_writing_change_nothing(
    two_invoice: SystemAdmin, two_invoice_settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch, *, wrapped: bool
) -> None:
    """Pages go from bytes to messages at once; where a stream overrides a hook, the SDK writes record by record."""
    catalog = discover(Tap2Invoice, two_invoice_settings)
    if wrapped:
        two_invoice.put("lists", dict.fromkeys(LIST_NAMES, "paginated"))
    two_invoice.set_extra_attributes(dict.fromkeys(LIST_NAMES, ODD))

    by_page = run(two_invoice_settings, select=" ".join(LIST_NAMES + DETAIL_NAMES), catalog=catalog)
    one_by_one = run(
        two_invoice_settings | {"concurrency": 1}, select=" ".join(LIST_NAMES + DETAIL_NAMES), catalog=catalog
    )
    monkeypatch.setattr(ListStream, "post_process", overriding_post_process)
    by_record = run(two_invoice_settings, select=" ".join(LIST_NAMES + DETAIL_NAMES), catalog=catalog)

    assert by_page.error is None
    assert len(by_page.of("RECORD")) == 241 + 140
    assert by_page.timeless == one_by_one.timeless == by_record.timeless
