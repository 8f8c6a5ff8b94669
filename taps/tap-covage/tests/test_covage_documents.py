"""PDFs of invoices: when they are fetched, and what is remembered of them."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from conftest import CONCURRENCY, queries_to
from singer_rest_core import AccessRefused, RunIncomplete

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import FakeClock, Reading, ReadTap
    from sandbox.admin_client import SystemAdmin
    from sandbox.server import RunningSandbox

BASE = "/covage/api/v1"


def downloads(sandbox: RunningSandbox) -> Counter[str]:
    """How often the PDF of each invoice was requested in the last run."""
    paths = (request["path"].removeprefix(f"{BASE}/invoice/") for request in sandbox.admin.requests())
    return Counter(path.removesuffix("/download/") for path in paths if path.endswith("/download/"))


def numbers(reading: Reading, stream: str) -> list[str]:
    """The invoice numbers of a stream's records, in order."""
    return [record["invoice_number"] for record in reading.records[stream]]


def test_a_document_is_kept_under_its_invoices_number(tmp_path: Path, read_covage: ReadTap) -> None:
    for record in read_covage("invoice_documents").records["invoice_documents"]:
        content = (tmp_path / "documents" / record["name"]).read_bytes()
        assert record["name"].startswith(f"invoices/{record['invoice_number']}")
        assert content.startswith(b"%PDF-")
        assert record["size"] == len(content)


def test_documents_may_be_fetched_later_than_invoices(sandbox: RunningSandbox, read_covage: ReadTap) -> None:
    first = read_covage(documents_url=None)
    assert first.error is None
    assert not downloads(sandbox)
    assert not first.records["invoice_documents"]

    second = read_covage(state=first.state)

    assert len(second.records["invoice_documents"]) == 150
    assert len(second.records["invoices"]) < 150
    third = read_covage(state=second.state)
    assert not third.records["invoice_documents"]
    assert len(queries_to(sandbox, "/invoice/")) == 1


def test_old_documents_are_not_fetched_again_when_all_invoices_are_read_again(read_covage: ReadTap) -> None:
    first = read_covage()
    second = read_covage(state=first.state)
    del second.state["bookmarks"]["invoices"]
    state = {"bookmarks": {"invoice_documents": second.state["bookmarks"]["invoice_documents"]}}

    third = read_covage(state=state)

    assert len(third.records["invoices"]) == 150
    assert not third.records["invoice_documents"]


def test_only_documents_within_the_look_back_are_remembered(covage: SystemAdmin, read_covage: ReadTap) -> None:
    first = read_covage()
    second = read_covage(state=first.state)

    remembered = second.state["bookmarks"]["invoice_documents"]["remembered"]
    bound = (date.fromisoformat(first.bookmark("invoices")) - timedelta(days=60)).isoformat()
    due = {row["invoice_number"] for row in covage.records("invoices") if row["accounting_date"] >= bound}
    assert remembered.keys() == due


def test_all_documents_are_fetched_again_for_another_documents_url(
    sandbox: RunningSandbox, tmp_path: Path, read_covage: ReadTap
) -> None:
    first = read_covage()

    second = read_covage(state=first.state, documents_url=str(tmp_path / "elsewhere"))

    assert len(sandbox.admin.requests()) == 1 + (1 + 2) + 3 + 2 + 1 + 1 + 1 + 150  # invoices once more, and completely

    assert len(second.records["invoice_documents"]) == 150
    assert len(list((tmp_path / "elsewhere/invoices").iterdir())) == 150


def test_a_document_that_is_refused_does_not_hold_up_the_others(sandbox: RunningSandbox, read_covage: ReadTap) -> None:
    sandbox.admin.add_fault("*/download/", skip=40, status=403, body='{"detail": "Permission denied"}')

    first = read_covage("invoices invoice_documents", concurrency=1)
    second = read_covage("invoices invoice_documents", state=first.state, concurrency=1)

    assert isinstance(first.error, RunIncomplete)
    assert len(first.records["invoice_documents"]) == 149
    assert "replication_key_value" not in first.state["bookmarks"]["invoice_documents"]
    assert second.error is None
    assert len(second.records["invoice_documents"]) == 1
    assert second.bookmark("invoice_documents")


def test_a_document_that_is_not_found_is_requested_again(
    sandbox: RunningSandbox, covage: SystemAdmin, read_covage: ReadTap, caplog: pytest.LogCaptureFixture
) -> None:
    newest = max(covage.records("invoices"), key=lambda row: row["accounting_date"])["invoice_number"]
    sandbox.admin.add_fault(f"*/{newest}/download/", status=404, body='{"detail": "Not found."}')

    first = read_covage()
    second = read_covage(state=first.state)

    assert first.error is None
    assert len(first.records["invoice_documents"]) == 149
    assert "1 rows of the list were not found (404)" in caplog.text
    assert numbers(second, "invoice_documents") == [newest]


def test_a_document_that_is_not_found_stays_due_outside_the_look_back(
    sandbox: RunningSandbox, covage: SystemAdmin, read_covage: ReadTap, clock: FakeClock
) -> None:
    oldest = min(covage.records("invoices"), key=lambda row: row["accounting_date"])["invoice_number"]
    sandbox.admin.add_fault(f"*/{oldest}/download/", status=404, body='{"detail": "Not found."}', times=3)
    reading = read_covage("invoices invoice_documents")
    assert reading.error is None

    requested = []
    for _ in range(9):
        clock.advance(86_400)
        reading = read_covage("invoices invoice_documents", state=reading.state)
        assert reading.error is None
        requested.append(downloads(sandbox)[oldest])

    assert requested == [1, 0, 1, 0, 0, 0, 1, 0, 0]
    assert reading.state["bookmarks"]["invoice_documents"]["failed"] == {}


def test_a_document_that_failed_after_it_had_changed_stays_due_outside_the_look_back(
    sandbox: RunningSandbox, covage: SystemAdmin, read_covage: ReadTap, clock: FakeClock
) -> None:
    """Also though it had been fetched once: what is remembered of that is forgotten outside the look-back."""
    first = read_covage("invoice_documents")
    changed = max(covage.records("invoices"), key=lambda row: row["accounting_date"])
    number, newest = changed["invoice_number"], date.fromisoformat(changed["accounting_date"])
    covage.update("invoices", number, {"customer_name": "ANOTHER SA"})
    sandbox.admin.add_fault(f"*/{number}/download/", status=404, body='{"detail": "Not found."}', times=2)
    reading = read_covage("invoice_documents", state=first.state)
    covage.create("invoices", {"accounting_date": (newest + timedelta(days=90)).isoformat()})
    clock.advance(100 * 86_400)

    for _ in range(3):  # the look-back leaves the invoice behind
        reading = read_covage("invoice_documents", state=reading.state)
    clock.advance(2 * 86_400)
    reading = read_covage("invoice_documents", state=reading.state)

    assert numbers(reading, "invoice_documents") == [number]


@CONCURRENCY
@pytest.mark.parametrize("failed_runs", [1, 2])
def test_no_document_is_left_out_when_documents_url_changes_and_runs_fail(
    sandbox: RunningSandbox, tmp_path: Path, read_covage: ReadTap, failed_runs: int, concurrency: int
) -> None:
    reading = read_covage("invoice_documents", concurrency=concurrency)
    assert len(reading.records["invoice_documents"]) == 150
    elsewhere = {"documents_url": str(tmp_path / "elsewhere"), "concurrency": concurrency}
    fetched: list[str] = []

    for _ in range(failed_runs):
        sandbox.admin.add_fault("*/download/", skip=5, status=401, times=1000)
        reading = read_covage("invoice_documents", state=reading.state, **elsewhere)
        assert isinstance(reading.error, AccessRefused)
        fetched += numbers(reading, "invoice_documents")
        sandbox.admin.clear_faults()
    assert len(fetched) < 75
    reading = read_covage("invoice_documents", state=reading.state, **elsewhere)

    assert reading.error is None
    assert len(list((tmp_path / "elsewhere/invoices").iterdir())) == 150
    assert not read_covage("invoice_documents", state=reading.state, **elsewhere).records["invoice_documents"]
    assert not downloads(sandbox)


def test_documents_that_fail_after_documents_url_has_changed_are_fetched_later(
    sandbox: RunningSandbox, tmp_path: Path, read_covage: ReadTap, clock: FakeClock
) -> None:
    reading = read_covage("invoice_documents")
    elsewhere = str(tmp_path / "elsewhere")
    sandbox.admin.add_fault("*/download/", skip=5, status=500, times=6 * 10)
    reading = read_covage("invoice_documents", state=reading.state, documents_url=elsewhere, concurrency=1)
    assert isinstance(reading.error, RunIncomplete)
    assert len(reading.records["invoice_documents"]) == 140
    clock.advance(86_400)

    reading = read_covage("invoice_documents", state=reading.state, documents_url=elsewhere)

    assert reading.error is None
    assert len(reading.records["invoice_documents"]) == 10
    assert len(list((tmp_path / "elsewhere/invoices").iterdir())) == 150


def test_no_document_is_left_out_when_documents_url_changes_back_before_all_were_fetched(
    sandbox: RunningSandbox, covage: SystemAdmin, tmp_path: Path, read_covage: ReadTap
) -> None:
    reading = read_covage("invoice_documents")
    new = covage.create("invoices", {"accounting_date": reading.bookmark("invoice_documents")})["invoice_number"]
    sandbox.admin.add_fault("*/download/", skip=100, status=401, times=1000)
    reading = read_covage(
        "invoice_documents", state=reading.state, documents_url=str(tmp_path / "elsewhere"), concurrency=1
    )
    assert isinstance(reading.error, AccessRefused)
    sandbox.admin.clear_faults()

    reading = read_covage("invoice_documents", state=reading.state)

    assert reading.error is None
    assert new in numbers(reading, "invoice_documents")
    assert len(list((tmp_path / "documents/invoices").iterdir())) == 151


def test_a_document_that_fails_for_good_does_not_hold_the_bookmark_back(
    sandbox: RunningSandbox, covage: SystemAdmin, read_covage: ReadTap, clock: FakeClock
) -> None:
    broken = covage.records("invoices")[70]["invoice_number"]
    sandbox.admin.add_fault(f"*/{broken}/download/", status=500, times=1000)
    reading = read_covage("invoice_documents")
    assert isinstance(reading.error, RunIncomplete)
    for _ in range(2):
        clock.advance(86_400)
        reading = read_covage("invoice_documents", state=reading.state)

    assert reading.error is None
    assert reading.bookmark("invoice_documents") == max(row["accounting_date"] for row in covage.records("invoices"))
    assert reading.state["bookmarks"]["invoice_documents"]["failed"].keys() == {broken}
