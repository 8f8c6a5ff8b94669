"""Lists whose rows come and go while their pages are read, over several runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from conftest import CONCURRENCY
from singer_rest_core import RunIncomplete
from tests.loaded_tables import LoadedTables

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import FakeClock
    from lists.conftest import ReadInvoicetronic
    from sandbox.admin_client import SystemAdmin
    from sandbox.server import RunningSandbox

    Warnings = Callable[[], list[str]]
    Queries = Callable[[str], list[dict[str, str]]]

DAY = 86_400


@CONCURRENCY
@pytest.mark.parametrize("swaps", [[0, 2, 0, 4, 0], [0, 3, 2, 1, 1]])
def test_a_live_row_is_marked_only_if_two_reads_in_a_row_missed_it(
    live: SystemAdmin, read_invoicetronic: ReadInvoicetronic, swaps: list[int], concurrency: int
) -> None:
    """Rows are deleted on pages already read and others created at once: counts stay the same."""
    tables = LoadedTables()
    state: dict[str, Any] = {}
    found: list[set[int]] = []

    def read_once() -> None:
        nonlocal state
        reading = read_invoicetronic("webhookhistory", state=state, page_size=40, concurrency=concurrency)
        assert reading.error is None
        tables.load(reading.messages)
        state = reading.state
        found.append({*reading.ids("webhookhistory")})

    for after in swaps:
        if after:
            gone = [row["id"] for row in live.records("webhookhistory")][:15]
            changes: list[dict[str, Any]] = [
                *({"action": "delete", "resource": "webhookhistory", "id": key} for key in gone),
                *[{"action": "create", "resource": "webhookhistory"}] * 15,
            ]
            live.script_changes("/webhookhistory", after_request=after, changes=changes)
        read_once()
        present = {row["id"] for row in live.records("webhookhistory")}
        assert not tables.deleted("webhookhistory") & present & set().union(*found[-2:])
    read_once()
    read_once()

    assert tables.live("webhookhistory").keys() == {row["id"] for row in live.records("webhookhistory")}


def test_a_list_that_falls_below_half_marks_no_row_before_a_read_a_day_later_agrees(
    live: SystemAdmin, read_invoicetronic: ReadInvoicetronic, clock: FakeClock, warnings: Warnings
) -> None:
    tables, reading = LoadedTables(), read_invoicetronic("webhookhistory")
    tables.load(reading.messages)
    for row in live.records("webhookhistory")[100:]:
        live.delete("webhookhistory", row["id"])

    for _ in range(3):
        clock.advance(DAY / 4)
        reading = read_invoicetronic("webhookhistory", state=reading.state)
        tables.load(reading.messages)
        assert reading.error is None
        assert tables.deleted("webhookhistory") == set()
    assert any("the list has 100 rows; the last complete read found 260" in line for line in warnings())
    clock.advance(DAY)
    reading = read_invoicetronic("webhookhistory", state=reading.state)
    tables.load(reading.messages)

    assert reading.error is None
    assert len(tables.live("webhookhistory")) == 100


def test_a_list_that_has_no_rows_any_more_fails_its_stream_alone(
    live: SystemAdmin, read_invoicetronic: ReadInvoicetronic
) -> None:
    tables, reading = LoadedTables(), read_invoicetronic("company webhookhistory")
    tables.load(reading.messages)
    for row in live.records("webhookhistory"):
        live.delete("webhookhistory", row["id"])

    reading = read_invoicetronic("company webhookhistory", state=reading.state)

    tables.load(reading.messages)
    assert isinstance(reading.error, RunIncomplete)
    assert str(reading.error).startswith("1 of 2 streams failed: webhookhistory")
    assert tables.deleted("webhookhistory") == set()
    assert reading.activated == ["company"]


@CONCURRENCY
@pytest.mark.parametrize("new_rows", [1, 3, 7])
def test_new_rows_between_two_pages_read_newest_first_are_no_fault_of_the_api(  # noqa: PLR0913, PLR0917 - fixtures
    sandbox: RunningSandbox,
    live: SystemAdmin,
    read_invoicetronic: ReadInvoicetronic,
    queries: Queries,
    warnings: Warnings,
    new_rows: int,
    concurrency: int,
) -> None:
    """With three rows a page, up to more than two pages of them."""
    first = read_invoicetronic("receive")
    expected = {live.create("receive", {"created": f"2026-03-20T00:00:{each:02}Z"})["id"] for each in range(10)}
    late: list[dict[str, Any]] = [
        {"action": "create", "resource": "receive", "attributes": {"created": f"2026-03-21T00:00:{each:02}Z"}}
        for each in range(new_rows)
    ]
    live.script_changes("/receive", after_request=1, changes=late)
    sandbox.admin.clear_requests()

    second = read_invoicetronic("receive", state=first.state, page_size=3, concurrency=concurrency)

    assert second.error is None
    assert warnings() == []
    assert expected <= set(second.ids("receive"))
    assert len(second.ids("receive")) == len(set(second.ids("receive"))) < 20
    assert len(queries("receive")) < 10
    third = read_invoicetronic("receive", state=second.state)
    assert {*first.ids("receive"), *second.ids("receive"), *third.ids("receive")} == {
        row["id"] for row in live.records("receive")
    }


@CONCURRENCY
def test_send_loses_nothing_when_invoices_come_and_are_answered_between_its_pages(
    sandbox: RunningSandbox,
    live: SystemAdmin,
    read_invoicetronic: ReadInvoicetronic,
    warnings: Warnings,
    concurrency: int,
) -> None:
    """Both reads are in progress: that of what changed, and that of what is new."""
    tables, reading = LoadedTables(), read_invoicetronic("send")
    tables.load(reading.messages)
    for after in (1, 2, 3, 4):
        sandbox.admin.advance_clock(DAY)
        answered = [row["id"] for row in live.records("send")][after]
        for _ in range(4):
            live.create("send")
        live.post("sdi_updates", {"send_id": answered, "state": "Inviato"})
        between: list[dict[str, Any]] = [{"action": "create", "resource": "send"}] * 3
        live.script_changes("/send", after_request=after, changes=between)
        reading = read_invoicetronic("send", state=reading.state, page_size=2, concurrency=concurrency)
        assert reading.error is None
        tables.load(reading.messages)

    tables.load(read_invoicetronic("send", state=reading.state, concurrency=concurrency).messages)

    assert warnings() == []
    rows = {row["id"]: row for row in live.records("send")}
    assert tables.live("send").keys() == rows.keys()
    assert {key: row["latest_state"] for key, row in tables.live("send").items()} == {
        key: row["latest_state"] for key, row in rows.items()
    }
