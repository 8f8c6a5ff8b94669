"""Every row arrives once, and the same whatever way it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from conftest import overriding_post_process, warnings_of
from tap_productive.client import ProductiveStream
from tap_productive.streams import STREAMS

if TYPE_CHECKING:
    from conftest import ReadProductive
    from sandbox.server import RunningSandbox

UNKNOWN = {str(vars(stream)["name"]) for stream in STREAMS if stream.evidence == "inferred"}


def test_every_row_of_every_stream_arrives_once(sandbox: RunningSandbox, read_productive: ReadProductive) -> None:
    reading = read_productive(page_size=50)

    assert reading.error is None
    for name in (str(vars(stream)["name"]) for stream in STREAMS):
        expected = {record["id"] for record in sandbox.admin.records(name)}
        ids = reading.ids(name)
        assert expected, name
        assert set(ids) == expected, name
        assert len(ids) == len(set(ids)), name


def test_a_record_is_the_row_and_the_ids_of_its_relationships(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    records = {record["id"]: record for record in read_productive("invoices").records["invoices"]}

    for row in sandbox.admin.records("invoices"):
        record = records[row["id"]]
        assert record["company_id"] == row["relationships"]["company"]
        assert record["creator_id"] == row["relationships"]["creator"]
        assert record["invoice_attributions_ids"] == row["relationships"]["invoice_attributions"]
        assert record["organization_id"] == "1"
        assert record["amount_with_tax"] == row["attributes"]["amount_with_tax"]
        assert record["number"] == row["attributes"]["number"]


@pytest.mark.parametrize("organization", ["1", "recorded"])
@pytest.mark.parametrize("drift", [False, True])
def test_every_stream_is_written_alike_by_pages_and_by_records(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    monkeypatch: pytest.MonkeyPatch,
    organization: str,
    *,
    drift: bool,
) -> None:
    """Pages go from bytes to messages at once; where a stream overrides a hook, the SDK writes record by record."""
    if drift:
        odd: dict[str, Any] = {
            "brand_new": {"a": [1.50, None]},
            "created_at": 17,
            "amount": "12.50",
            "name": 5,
            "tag_list": "x\x00",
        }
        sandbox.admin.set_extra_attributes({str(vars(stream)["name"]): odd for stream in STREAMS})

    by_page = read_productive(organization_id=organization, page_size=150)
    monkeypatch.setattr(ProductiveStream, "post_process", overriding_post_process)
    by_record = read_productive(organization_id=organization, page_size=150)

    assert by_page.timeless == by_record.timeless
    of_lists_and_custom_field_values = len(STREAMS) + 1
    assert len({message["stream"] for message in by_page.of("SCHEMA")}) == of_lists_and_custom_field_values


@pytest.mark.parametrize("concurrency", [pytest.param(2, marks=pytest.mark.slow), 16])
def test_reading_ahead_changes_nothing_in_what_is_written(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    concurrency: int,
) -> None:
    one = read_productive(page_size=20, concurrency=1)
    many = read_productive(page_size=20, concurrency=concurrency)

    assert one.timeless == many.timeless
    assert len(one.messages) > 3000
    assert sandbox.admin.requests()


def test_a_field_the_schema_does_not_know_is_rescued_and_named_once(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sandbox.admin.set_extra_attributes({"payments": {"brand_new": {"a": [1, "x"]}, "amount": "12.345"}})

    reading = read_productive("payments")

    assert reading.error is None
    for record in reading.records["payments"]:
        assert record["_rescued_data"] == {"amount": "12.345", "brand_new": {"a": [1, "x"]}}
        assert record["amount"] is None
    lines = warnings_of(caplog)
    assert len(lines) == 2
    assert any("brand_new" in line for line in lines)


def test_the_generated_world_fits_the_schemas(read_productive: ReadProductive) -> None:
    reading = read_productive()

    rescued = {
        (stream, name)
        for stream, records in reading.records.items()
        for record in records
        for name in record["_rescued_data"] or ()
        if stream not in UNKNOWN
    }
    assert rescued == set()
