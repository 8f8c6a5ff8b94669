"""Documents fetched one by one: each once, the oldest first, continued by the next run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conftest import CONCURRENCY
from singer_rest_core import RunIncomplete

if TYPE_CHECKING:
    from collections.abc import Callable

    from documents.conftest import Account

    Warnings = Callable[[], list[str]]
    Announced = Callable[[], int]
    InvoicesOf = Callable[[list[dict[str, Any]]], set[tuple[str, int]]]

TAP = str(Path(sys.executable).with_name("tap-invoicetronic"))


def test_the_next_run_continues_with_the_next_documents(account: Account, invoices_of: InvoicesOf) -> None:
    first = account.read(payloads="both", payload_limit=30)
    second = account.read(payloads="both", payload_limit=30, state=first.state)

    assert account.balance() == 950 - 30
    assert len(first.records["document"]) == len(second.records["document"]) == 30
    for stream in account.INVOICES:
        assert invoices_of(first.records[stream]).isdisjoint(invoices_of(second.records[stream])), stream
    fetched = first.records["document"] + second.records["document"]
    assert [record["id"] for record in fetched if record["direction"] == "receive"] == account.oldest("receive", 30)


def test_a_run_with_nothing_new_requests_two_lists_and_nothing_else(account: Account) -> None:
    for direction in ("send", "receive"):
        for row in sorted(account.live.records(direction), key=lambda row: int(row["id"]))[8:]:
            account.live.delete(direction, row["id"])
    first = account.read(payloads="both")
    assert len(first.records["document"]) == 16
    account.sandbox.admin.clear_requests()

    second = account.read(payloads="both", state=first.state)

    assert second.error is None
    assert second.records == {}
    assert sorted(account.requested()) == ["/receive", "/send"]
    assert account.balance() == 950 - 8


def test_a_new_invoice_is_fetched_by_the_next_run(account: Account, invoices_of: InvoicesOf) -> None:
    first = account.read(payloads="receive", start_date="2026-03-16")
    assert 0 < len(first.records["document"]) < 30
    account.sandbox.admin.advance_clock(86_400)
    new = account.live.create("receive")["id"]
    cost = account.balance()

    second = account.read(payloads="receive", start_date="2026-03-16", state=first.state)

    assert [record["id"] for record in second.records["document"]] == [new]
    assert invoices_of(second.records["fattura"]) == {("receive", new)}
    assert account.balance() == cost - 1


@CONCURRENCY
@pytest.mark.slow
def test_new_invoices_between_two_pages_of_their_list_do_no_harm(
    account: Account, warnings: Warnings, concurrency: int
) -> None:
    first = account.read(payloads="send", payload_limit=1000)
    assert first.error is None
    account.sandbox.admin.advance_clock(86_400)
    waiting = {account.live.create("send")["id"] for _ in range(7)}
    late: list[dict[str, Any]] = [{"action": "create", "resource": "send"}] * 4
    account.live.script_changes("/send", after_request=1, changes=late)

    second = account.read(payloads="send", payload_limit=1000, page_size=3, concurrency=concurrency, state=first.state)
    third = account.read(payloads="send", payload_limit=1000, page_size=3, concurrency=concurrency, state=second.state)

    assert second.error is third.error is None
    assert not [line for line in warnings() if "order" in line]
    assert waiting <= {record["id"] for record in second.records["document"]}
    ids = [record["id"] for run in (first, second, third) for record in run.records["document"]]
    assert sorted(ids) == sorted(row["id"] for row in account.live.records("send"))


@pytest.mark.parametrize("lost", ["state", "rows"])
def test_a_stored_document_is_not_paid_for_again(account: Account, lost: str) -> None:
    first = account.read(payloads="both", payload_limit=20)
    left, kept = account.balance(), account.files()
    account.sandbox.admin.clear_requests()

    again = account.read(
        payloads="both", payload_limit=0, state=None if lost == "state" else {"bookmarks": {"document": {}}}
    )

    assert again.records == first.records
    assert account.balance() == left
    assert account.files() == kept
    assert not [path for path in account.requested() if path.count("/") > 1]


def test_a_stream_that_is_selected_later_gets_its_rows_from_stored_documents(
    account: Account, invoices_of: InvoicesOf
) -> None:
    first = account.read("document", payloads="receive", payload_limit=10)
    left = account.balance()

    second = account.read("document", "fattura_line", payloads="receive", payload_limit=0, state=first.state)

    assert "document" not in second.records
    assert invoices_of(second.records["fattura_line"]) == {
        ("receive", row_id) for row_id in account.oldest("receive", 10)
    }
    assert account.balance() == left


def test_a_deleted_file_is_not_paid_for_again_once_its_rows_were_written(account: Account) -> None:
    first = account.read(payloads="receive", payload_limit=10)
    for path in account.folder.rglob("*.*"):
        path.unlink()
    left = account.balance()

    second = account.read(payloads="receive", payload_limit=5, state=first.state)

    assert [record["id"] for record in second.records["document"]] == account.oldest("receive", 15)[10:]
    assert account.balance() == left - 5


def test_a_restricted_key_gets_the_documents_it_may_read(account: Account, warnings: Warnings) -> None:
    account.live.put("restricted_keys", {"ik_live_reader": {"permissions": {"send": "Read", "status": "Read"}}})

    reading = account.read(
        api_key="ik_live_reader", payloads="both", payload_limit=3, export_periods=["2025-02"], export_type="send"
    )

    assert reading.error is None
    for stream in ("document", "fattura"):
        assert {record["direction"] for record in reading.records[stream]} == {"send"}
    assert len(reading.records["document"]) == 3
    told = warnings()
    answered = "answered 403: Forbidden: The key has no access to"
    meant = "(subkey_not_allowed): the API key has no permission for it"
    assert f"documents of receive are skipped: GET /invoicetronic/v1/receive {answered} receive {meant}" in told
    assert f"export of 2025-02 is not made: GET /invoicetronic/v1/export {answered} export {meant}" in told
    assert sum("answered 403" in line for line in told) == 2


def test_an_invoice_that_no_longer_exists_is_requested_in_three_runs_and_then_forgotten(
    account: Account, warnings: Warnings
) -> None:
    gone, *others = account.keep_oldest("receive", 3)
    account.sandbox.admin.add_fault(f"*/receive/{gone}", times=100, status=404)
    state: dict[str, Any] = {}
    read = []

    for run in range(4):
        reading = account.read("document", "fattura", payloads="receive", state=state)
        state = reading.state
        assert reading.error is None
        read += [record["id"] for record in reading.records["document"]]
        assert account.requested().count(f"/receive/{gone}") == min(run + 1, 3)

    assert read == others
    assert sum(line.endswith("the invoice no longer exists") for line in warnings()) == 1


def test_a_document_that_is_not_found_once_is_read_by_the_next_run(account: Account) -> None:
    missing, *others = account.keep_oldest("receive", 3)
    account.sandbox.admin.add_fault(f"*/receive/{missing}", status=404)

    first = account.read("document", payloads="receive")
    second = account.read("document", payloads="receive", state=first.state)
    third = account.read("document", payloads="receive", state=second.state)

    assert first.error is second.error is None
    assert [record["id"] for record in first.records["document"]] == others
    assert [record["id"] for record in second.records["document"]] == [missing]
    assert third.records == {}
    assert account.balance() == 950 - 3


def test_a_document_that_cannot_be_fetched_is_requested_by_one_stream_only(
    account: Account, announced: Announced
) -> None:
    deleted, broken = account.oldest("receive", 3)[1:]
    account.sandbox.admin.add_fault(f"*/receive/{deleted}", times=100, status=404)
    account.sandbox.admin.add_fault(f"*/receive/{broken}", times=100, status=500)

    reading = account.read(payloads="receive", payload_limit=5)

    assert isinstance(reading.error, RunIncomplete)
    read = [row_id for row_id in account.oldest("receive", 7) if row_id not in {deleted, broken}]
    assert [record["id"] for record in reading.records["document"]] == read
    assert [record["invoicetronic_id"] for record in reading.records["fattura"]] == read
    asked = account.requested()
    assert asked.count(f"/receive/{deleted}") == 1
    assert asked.count(f"/receive/{broken}") == 1
    assert announced() == 5


def test_a_document_is_the_file_as_the_sender_made_it(account: Account) -> None:
    signed = next(
        row for row in account.live.records("receive") if row["encoding"] == "Base64" and ".p7m" in row["file_name"]
    )
    reading = account.read("document", payloads="receive", start_date=signed["created"], payload_limit=5)

    record = next(record for record in reading.records["document"] if record["id"] == signed["id"])
    content = (account.folder / record["name"]).read_bytes()
    assert record["name"] == f"live/receive/{signed['id']}.xml.p7m"
    assert record["media_type"] == "application/pkcs7-mime"
    assert record["size"] == len(content)
    assert record["file_name"] == signed["file_name"]
    assert not content.startswith(b"<")


def test_a_payload_that_is_not_an_invoice_is_stored_and_reported_and_not_fetched_again(
    account: Account, warnings: Warnings, invoices_of: InvoicesOf
) -> None:
    odd = account.oldest("receive", 2)
    account.live.update("receive", odd[0], {"payload": "", "encoding": "Xml"})
    account.live.update("receive", odd[1], {"payload": "<html><body>hush</body></html>", "encoding": "Xml"})

    first = account.read(payloads="receive", payload_limit=4)
    again = account.read(payloads="receive", payload_limit=0)

    assert first.error is again.error is None
    assert [record["size"] for record in first.records["document"]][:2] == [0, 30]
    assert invoices_of(first.records["fattura"]) == {("receive", row_id) for row_id in account.oldest("receive", 4)[2:]}
    told = [line for line in warnings() if "no rows are made from it" in line]
    assert len(told) == 4  # once a run and document
    assert "hush" not in "".join(told)
    assert account.balance() == 950 - 4


def test_a_test_of_the_connection_spends_nothing(account: Account, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(
        json.dumps(account.settings | {"payloads": "both", "export_periods": ["2025-Q1"]}), encoding="utf-8"
    )

    done = subprocess.run([TAP, "--config", str(config), "--test"], capture_output=True, text=True, check=False)

    assert done.returncode == 0
    assert account.balance() == 950
    assert account.live.get("reads") == {"payloads": {"send": {}, "receive": {}}, "exports": 0}
    assert account.files() == set()
