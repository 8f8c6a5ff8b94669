"""Deleted invoices: reported in every stream, and only where it is certain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conftest import paths_requested

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
    first = read_invobi()
    dead = first.ids("invoices")[3:5]
    for key in dead:
        invobi.delete("invoices", key)

    second = read_invobi(state=first.state)

    assert second.error is None
    assert not set(dead) & set(second.ids("invoices"))
    assert "invoices" in second.activated
    for stream in ("invoice_details", "invoice_documents"):
        assert gone(second, stream) == sorted(dead)
        assert not present(second, stream)
        assert stream not in second.activated
        assert not set(dead) & second.state["bookmarks"][stream]["remembered"].keys()
        assert len(second.state["bookmarks"][stream]["remembered"]) == 248
    assert not [path for path in paths_requested(sandbox, BASE) if path.startswith("/invoices/")]
    third = read_invobi(state=second.state)
    assert not third.ids("invoice_details")


def test_an_invoice_deleted_while_one_status_is_read_is_reported_when_all_are_read(
    sandbox: RunningSandbox, invobi: SystemAdmin, read_invobi: ReadTap
) -> None:
    first = read_invobi()
    dead = next(row["id"] for row in invobi.records("invoices") if row["paid_at"] is None)
    invobi.delete("invoices", dead)
    second = read_invobi(invoice_status="paid", state=first.state)

    third = read_invobi(state=second.state)

    assert not gone(second, "invoice_details")
    assert gone(third, "invoice_details") == gone(third, "invoice_documents") == [dead]
    assert not present(third, "invoice_details")
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
    assert gone(third, "invoice_details") == [key]


def test_a_list_that_never_stops_moving_marks_and_forgets_nothing(
    sandbox: RunningSandbox, invobi: SystemAdmin, read_invobi: ReadTap, caplog: pytest.LogCaptureFixture
) -> None:
    first = read_invobi("invoices invoice_details")
    dead = first.ids("invoices")[:2]
    for number, key in enumerate(dead):
        change = {"action": "delete", "resource": "invoices", "id": key}
        invobi.script_changes("/invoices", after_request=2 + 3 * number, changes=[change])

    second = read_invobi("invoices invoice_details", state=first.state, concurrency=1)

    assert "no row is taken as deleted" in caplog.text
    assert second.activated == []
    assert not second.ids("invoice_details")
    assert len(second.state["bookmarks"]["invoice_details"]["remembered"]) == 250
    assert paths_requested(sandbox, BASE)["/invoices"] == 6
