"""PDFs of invoices: when they are fetched, and where they are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conftest import queries_to

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from conftest import ReadTap
    from sandbox.admin_client import SystemAdmin
    from sandbox.server import RunningSandbox


def test_documents_follow_the_list_where_details_are_not_read(invobi: SystemAdmin, read_invobi: ReadTap) -> None:
    first = read_invobi("invoice_documents")
    assert len(first.ids("invoice_documents")) == 250
    changed = first.ids("invoice_documents")[9]
    invobi.update("invoices", changed, {"title": "Another"})

    assert read_invobi("invoice_documents", state=first.state).ids("invoice_documents") == [changed]


def test_a_document_is_stored_under_the_id_of_its_invoice(tmp_path: Path, read_invobi: ReadTap) -> None:
    reading = read_invobi("invoice_documents")

    for record in reading.records["invoice_documents"]:
        content = (tmp_path / "documents" / record["name"]).read_bytes()
        assert record["name"] == f"invoices/{record['id']}.pdf"
        assert content.startswith(b"%PDF-")
        assert record["size"] == len(content)
        assert record["media_type"] == "application/pdf"


def test_documents_are_fetched_again_for_another_documents_url(tmp_path: Path, read_invobi: ReadTap) -> None:
    first = read_invobi()

    second = read_invobi(state=first.state, documents_url=str(tmp_path / "elsewhere"))

    assert len(second.ids("invoice_documents")) == 250
    assert len(list((tmp_path / "elsewhere/invoices").iterdir())) == 250


def test_no_documents_are_fetched_without_documents_url(sandbox: RunningSandbox, read_invobi: ReadTap) -> None:
    reading = read_invobi(documents_url=None)

    assert reading.error is None
    assert not reading.ids("invoice_documents")
    assert "invoice_documents" not in reading.activated
    assert not queries_to(sandbox, "/download")


def test_an_answer_that_is_not_a_pdf_is_not_stored(
    sandbox: RunningSandbox, read_invobi: ReadTap, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    html = "<html><body>Sign in</body></html>"
    sandbox.admin.add_fault("*/download", status=200, body=html, headers={"Content-Type": "text/html"})

    reading = read_invobi("invoice_documents")

    assert reading.error is None
    assert len(reading.ids("invoice_documents")) == 249
    assert len(list((tmp_path / "documents/invoices").iterdir())) == 249
    assert "answered with text/html instead of a PDF: not kept" in caplog.text
    assert len(read_invobi("invoice_documents", state=reading.state).ids("invoice_documents")) == 1
