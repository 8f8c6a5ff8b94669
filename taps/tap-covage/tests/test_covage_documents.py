"""PDFs of invoices: when they are fetched, and what is remembered of them."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING

from conftest import queries_to
from singer_rest_core import RunIncomplete

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from conftest import Reading, ReadTap
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
