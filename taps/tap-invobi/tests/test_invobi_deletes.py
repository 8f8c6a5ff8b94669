"""Deleted invoices: reported in every stream, and only where it is certain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from conftest import CONCURRENCY, paths_requested
from tests.loaded_tables import LoadedTables

if TYPE_CHECKING:
    from conftest import FakeClock, Reading, ReadTap
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


def test_a_page_that_is_always_empty_is_told_with_how_many_rows_did_not_come(
    sandbox: RunningSandbox, read_invobi: ReadTap, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.admin.add_fault("*/invoices", query="page=3", times=1_000, no_rows=True)

    reading = read_invobi("invoices", page_size=20, concurrency=1)

    missing = len(sandbox.admin.system("invobi").records("invoices")) - len(set(reading.ids("invoices")))
    assert missing == 20
    assert "20 of the rows that the API counts did not come each time they were read" in caplog.text
    assert not reading.of("ACTIVATE_VERSION")


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


@CONCURRENCY
@pytest.mark.parametrize("swaps", [[0, 1, 0, 2, 0], [0, 2, 1, 1, 2]])
def test_a_live_invoice_is_marked_only_if_two_reads_in_a_row_missed_it(
    invobi: SystemAdmin, read_invobi: ReadTap, swaps: list[int], concurrency: int
) -> None:
    """Invoices are deleted on pages already read and others created at once: counts stay the same."""
    for row in invobi.records("invoices")[:190]:
        invobi.delete("invoices", row["id"])
    tables = LoadedTables()
    state: dict[str, Any] = {}
    found: list[set[str]] = []

    def read_once() -> None:
        nonlocal state
        reading = read_invobi("invoices invoice_details", state=state, page_size=20, concurrency=concurrency)
        assert reading.error is None
        tables.load(reading.messages)
        state = reading.state
        found.append({*reading.ids("invoices")})

    def live() -> set[str]:
        return {row["id"] for row in invobi.records("invoices")}

    for after in swaps:
        if after:
            newest = [row["id"] for row in invobi.records("invoices")][-7:]
            changes: list[dict[str, Any]] = [
                *({"action": "delete", "resource": "invoices", "id": key} for key in newest),
                *[{"action": "create", "resource": "invoices"}] * 7,
            ]
            invobi.script_changes("/invoices", after_request=after, changes=changes)
        read_once()
        for stream in ("invoices", "invoice_details"):
            assert not tables.deleted(stream) & live() & set().union(*found[-2:]), stream
    read_once()
    read_once()

    assert tables.live("invoices").keys() == tables.live("invoice_details").keys() == live()


def test_no_stream_takes_its_rows_for_deleted_when_the_list_suddenly_has_none(
    invobi: SystemAdmin, read_invobi: ReadTap, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """As where a token has lost its rights and is answered with 200 and no rows."""
    tables, first = LoadedTables(), read_invobi()
    tables.load(first.messages)
    rows = [invobi.delete("invoices", row["id"]) for row in invobi.records("invoices")]
    clock.advance(86_400)

    second = read_invobi(state=first.state)

    tables.load(second.messages)
    assert str(second.error).startswith("3 of 5 streams failed: invoices, invoice_details, invoice_documents")
    assert "invoices: failed: the list has 0 rows; the last complete read found 250" in caplog.text
    for stream in ("invoices", "invoice_details", "invoice_documents"):
        assert tables.deleted(stream) == set()
    for row in rows:
        invobi.create("invoices", row)
    clock.advance(86_400)
    third = read_invobi(state=second.state)
    tables.load(third.messages)
    assert third.error is None
    assert not third.ids("invoice_details"), "nothing was forgotten"
    assert len(tables.live("invoice_documents")) == 250


def test_a_list_that_stays_small_is_believed_a_day_later(
    invobi: SystemAdmin, read_invobi: ReadTap, clock: FakeClock
) -> None:
    tables, reading = LoadedTables(), read_invobi()
    tables.load(reading.messages)
    for row in invobi.records("invoices")[120:]:
        invobi.delete("invoices", row["id"])
    for _ in range(2):
        clock.advance(3600)
        reading = read_invobi(state=reading.state)
        tables.load(reading.messages)
        assert reading.error is None
        for stream in ("invoices", "invoice_details", "invoice_documents"):
            assert tables.deleted(stream) == set(), stream

    clock.advance(86_400)
    tables.load(read_invobi(state=reading.state).messages)

    for stream in ("invoices", "invoice_details", "invoice_documents"):
        assert len(tables.live(stream)) == 120, stream
