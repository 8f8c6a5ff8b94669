"""The organization `recorded`, with the documentation's own examples."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.productive.catalogue import Attribute, Relationship, Resource, load_catalogue
from sandbox.productive.recorded import FOLDER
from sandbox.server import running_sandbox
from sandbox.tests.productive_client import ProductiveClient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RECORDED = {"X-Organization-Id": "recorded"}
INVOICES = ["25", "27", "29", "34", "40", "41", "42", "46", "54", "64", "66"]


@pytest.fixture(scope="module")
def api() -> Iterator[ProductiveClient]:
    with running_sandbox(scale=0.02) as sandbox:
        sandbox.admin.set_limits([])
        yield ProductiveClient(sandbox.url)


def with_digits(text: str) -> Any:  # noqa: ANN401 - any JSON
    """Parse JSON with every number as the digits it is written in."""
    return json.loads(text, parse_float=str, parse_int=str)


@pytest.mark.parametrize("resource", sorted(path.stem for path in FOLDER.glob("*.json")))
def test_every_example_is_served_digit_for_digit(api: ProductiveClient, resource: str) -> None:
    kept = with_digits((FOLDER / f"{resource}.json").read_text())
    assert kept["_source"]
    served = with_digits(api.get(f"{resource}?page[size]=200", RECORDED).text)["data"]
    by_id = {row["id"]: row for row in served}
    assert set(by_id) == {row["id"] for row in kept["records"]}
    for row in kept["records"]:
        assert by_id[row["id"]] == row


def test_documented_examples_are_served(api: ProductiveClient) -> None:
    assert sorted(map(int, api.ids("invoices?page[size]=200", RECORDED))) == [
        25,
        27,
        29,
        34,
        40,
        41,
        42,
        46,
        54,
        64,
        66,
    ]
    invoice = api.body("invoices/25", RECORDED)["data"]
    assert len(invoice["attributes"]) == 68
    assert invoice["attributes"]["email_key"] == "a41f3dbda9629467915076bed36965fa"
    assert invoice["attributes"]["exchange_rate"] == "1.25"
    assert invoice["attributes"]["updated_at"] == "2025-07-25T06:05:10.043+02:00"
    assert invoice["relationships"]["organization"] == {"data": {"type": "organizations", "id": "650"}}
    line = api.body("line_items/5", RECORDED)["data"]["attributes"]
    assert (line["quantity"], line["unit_price"], line["unit_price_default"]) == ("3.0", 5000, 6250)
    (deleted,) = api.data("deleted_items", RECORDED)
    assert (deleted["id"], deleted["attributes"]["item_id"]) == ("98", 234)
    assert '"budget_total_default":172782.4154497889,' in api.get("services", RECORDED).text
    assert '"budget_total":1000000.0,' in api.get("services", RECORDED).text
    (company,) = api.data("companies", RECORDED)
    assert company["attributes"]["name"] == "<redacted string, 4 chars>"
    assert (company["id"], company["relationships"]["parent_company"]) == ("220246", {"data": None})


def test_linkage_in_an_example_is_kept_and_other_relationships_are_empty(api: ProductiveClient) -> None:
    body = api.body("tasks?include=project,assignee,creator,attachments", RECORDED)
    relationships = body["data"][0]["relationships"]
    assert relationships["project"] == {"data": {"type": "projects", "id": "131"}}
    assert relationships["assignee"] == {"data": {"type": "people", "id": "68"}}
    assert relationships["creator"] == {"data": None}
    assert relationships["attachments"] == {"data": []}
    assert relationships["task_list"] == {"meta": {"included": False}}
    assert body["included"] == []
    (entry,) = api.data("time_entries?include=person,service", RECORDED)
    assert entry["relationships"] == {"person": {"data": None}, "service": {"data": None}}


def test_filters_sorts_and_pages_work_on_recorded_examples(api: ProductiveClient) -> None:
    assert api.ids("invoices?filter[id][not_eq]=25&sort=-created_at&page[size]=2", RECORDED) == ["66", "64"]
    first = api.body("invoices?page[after]=&page[size]=6", RECORDED)
    second = api.body(first["links"]["next"], RECORDED)
    assert [row["id"] for row in [*first["data"], *second["data"]]] == INVOICES
    assert api.ids("invoices?filter[last_activity_at][gt_eq]=2025-07-26", RECORDED) == []


def test_resources_without_examples_are_empty_lists(api: ProductiveClient) -> None:
    for resource in ("organizations", "bank_accounts", "payment_reminders"):
        body = api.body(resource, RECORDED)
        assert (body["data"], body["meta"]["total_count"]) == ([], 0)


def test_a_resource_without_a_recorded_file_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    boats = Resource(
        name="boats",
        show=True,
        attributes={"name": Attribute("string", nullable=False)},
        relationships={},
        filters=frozenset({"name"}),
        sorts=frozenset({"name"}),
        hidden={},
    )
    monkeypatch.setattr("sandbox.productive.api.load_catalogue", lambda: {**load_catalogue(), "boats": boats})
    assert not (FOLDER / "boats.json").exists()
    with running_sandbox(scale=0.02) as sandbox:
        api = ProductiveClient(sandbox.url)
        assert api.data("boats", RECORDED) == []
        sandbox.admin.create("boats", {"name": "Argo"})
        assert [row["attributes"] for row in api.data("boats?filter[name]=Argo")] == [{"name": "Argo"}]


def test_a_resource_that_no_module_generates_has_rows_made_from_its_example(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    boats = Resource(
        name="boats",
        show=False,
        attributes={
            "created_at": Attribute("date-time", nullable=False),
            "name": Attribute("string", nullable=False),
        },
        relationships={"invoice": Relationship("invoices", to_many=False)},
        filters=frozenset(),
        sorts=frozenset(),
        hidden={},
    )
    example = {"id": "7", "attributes": {"created_at": "2020-01-01T00:00:00Z", "name": "Argo"}}
    (tmp_path / "boats.json").write_text(json.dumps({"records": [example]}))
    monkeypatch.setattr("sandbox.productive.recorded.FOLDER", tmp_path)
    monkeypatch.setattr("sandbox.productive.api.load_catalogue", lambda: {**load_catalogue(), "boats": boats})
    with running_sandbox(scale=0.02) as sandbox:
        (row,) = ProductiveClient(sandbox.url).data("boats?include=invoice")
    assert row["attributes"]["name"] == "Argo"
    assert row["attributes"]["created_at"] > "2024"
    assert row["relationships"]["invoice"]["data"]["type"] == "invoices"
