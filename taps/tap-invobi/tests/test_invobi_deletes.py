"""Deleted invoices: reported in every stream, and only where it is certain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conftest import paths_requested
from tests.loaded_tables import LoadedTables

if TYPE_CHECKING:
    import pytest

    from conftest import Reading, ReadTap
    from sandbox.admin_client import SystemAdmin
    from sandbox.server import RunningSandbox
BASE = "/invobi/api/v1"


def present(reading: Reading, stream: str) -> list[str]:
    """The ids of a stream's records that are no tombstones."""
    return [record["id"] for record in reading.records[stream] if "_sdc_deleted_at" not in record]


def gone(reading: Reading, stream: str) -> list[str]:
    """The ids of a stream's tombstones."""
    return [record["id"] for record in reading.records[stream] if "_sdc_deleted_at" in record]


def test_deleted_invoices_are_reported_in_every_stream_and_forgotten(
    sandbox: RunningSandbox, invobi: SystemAdmin, read_invobi: ReadTap
) -> None:
    """By the second run that does not find them: the list has three pages."""
    first = read_invobi()
    dead = first.ids("invoices")[3:5]
    for key in dead:
        invobi.delete("invoices", key)
    second = read_invobi(state=first.state)
    for stream in ("invoice_details", "invoice_documents"):
        assert not second.ids(stream)
        assert set(dead) < second.state["bookmarks"][stream]["remembered"].keys()

    third = read_invobi(state=second.state)

    assert third.error is None
    tables = LoadedTables()
    for reading in (first, second, third):
        tables.load(reading.messages)
    for stream in ("invoices", "invoice_details", "invoice_documents"):
        assert tables.deleted(stream) == set(dead), stream
    for stream in ("invoice_details", "invoice_documents"):
        assert gone(third, stream) == sorted(dead)
        assert not present(third, stream)
        assert stream not in third.activated
        assert not set(dead) & third.state["bookmarks"][stream]["remembered"].keys()
        assert len(third.state["bookmarks"][stream]["remembered"]) == 248
    assert not [path for path in paths_requested(sandbox, BASE) if path.startswith("/invoices/")]
    fourth = read_invobi(state=third.state)
    assert not fourth.ids("invoice_details")


def test_a_deleted_invoice_is_reported_at_once_where_the_list_has_one_page(
    invobi: SystemAdmin, read_invobi: ReadTap
) -> None:
    for row in invobi.records("invoices")[90:]:
        invobi.delete("invoices", row["id"])
    first = read_invobi()
    assert {*first.activated} >= {"invoices", "invoice_details", "invoice_documents"}
    dead = first.ids("invoices")[3]
    invobi.delete("invoices", dead)

    second = read_invobi(state=first.state)

    tables = LoadedTables()
    for reading in (first, second):
        tables.load(reading.messages)
    for stream in ("invoices", "invoice_details", "invoice_documents"):
        assert tables.deleted(stream) == {dead}, stream


def test_an_invoice_deleted_while_one_status_is_read_is_reported_when_all_are_read(
    sandbox: RunningSandbox, invobi: SystemAdmin, read_invobi: ReadTap
) -> None:
    first = read_invobi()
    dead = next(row["id"] for row in invobi.records("invoices") if row["paid_at"] is None)
    invobi.delete("invoices", dead)
    second = read_invobi(invoice_status="paid", state=first.state)
    third = read_invobi(state=second.state)

    fourth = read_invobi(state=third.state)

    assert not gone(second, "invoice_details")
    assert not gone(third, "invoice_details")
    assert gone(fourth, "invoice_details") == gone(fourth, "invoice_documents") == [dead]
    assert not present(fourth, "invoice_details")
    assert paths_requested(sandbox, BASE) == {"/invoices": 3, "/prompts": 1, "/prompts/labels": 1}


def test_an_invoice_that_is_deleted_after_the_list_was_read_does_no_harm(
    invobi: SystemAdmin, read_invobi: ReadTap, caplog: pytest.LogCaptureFixture
) -> None:
    first = read_invobi("invoices invoice_details")
    key = first.ids("invoices")[5]
    invobi.update("invoices", key, {"title": "Another"})
    change = {"action": "delete", "resource": "invoices", "id": key}
    invobi.script_changes("/invoices", after_request=3, changes=[change])

    second = read_invobi("invoices invoice_details", state=first.state)

    assert second.error is None
    assert not second.ids("invoice_details")
    assert "1 rows of the list were not found" in caplog.text
    third = read_invobi("invoices invoice_details", state=second.state)
    assert not third.ids("invoice_details")
    assert third.state["bookmarks"]["invoice_details"]["failed"] == {}
    fourth = read_invobi("invoices invoice_details", state=third.state)
    assert gone(fourth, "invoice_details") == [key]


def test_a_list_that_never_stops_moving_marks_and_forgets_nothing(
    sandbox: RunningSandbox, invobi: SystemAdmin, read_invobi: ReadTap, caplog: pytest.LogCaptureFixture
) -> None:
    first = read_invobi("invoices invoice_details")
    dead = first.ids("invoices")[:2]
    for number, key in enumerate(dead):
        change = {"action": "delete", "resource": "invoices", "id": key}
        invobi.script_changes("/invoices", after_request=2 + 3 * number, changes=[change])

    second = read_invobi("invoices invoice_details", state=first.state, concurrency=1)

    assert "rows moved between pages each time they were read" in caplog.text
    tables = LoadedTables()
    for reading in (first, second):
        tables.load(reading.messages)
    assert tables.deleted("invoices") == tables.deleted("invoice_details") == set()
    assert not second.ids("invoice_details")
    assert len(second.state["bookmarks"]["invoice_details"]["remembered"]) == 250
    assert paths_requested(sandbox, BASE)["/invoices"] == 6
