"""Exports of periods: each made once, at the announced cost, its files matched with invoices."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

import pytest

from singer_rest_core import RunIncomplete

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import FakeClock
    from documents.conftest import Account

    Warnings = Callable[[], list[str]]
    Announced = Callable[[], int]
    InvoicesOf = Callable[[list[dict[str, Any]]], set[tuple[str, int]]]

QUARTER = "2025-Q1"


def test_an_export_costs_exactly_what_it_announced_and_is_made_once(
    account: Account, announced: Announced, invoices_of: InvoicesOf
) -> None:
    before = account.balance()

    first = account.read(export_periods=[QUARTER])
    cost = announced()
    account.sandbox.admin.clear_requests()
    second = account.read(export_periods=[QUARTER], state=first.state)
    third = account.read(export_periods=[QUARTER])

    assert first.error is second.error is third.error is None
    assert account.balance() == before - cost
    assert cost > 5
    assert account.live.get("reads")["exports"] == 1
    assert second.records == {}
    assert third.records == first.records
    archive, *files = first.records["document"]
    assert archive["name"] == "live/export/2025-q1-both.zip"
    assert archive["media_type"] == "application/zip"
    assert (archive["id"], archive["period"]) == (None, QUARTER)
    assert {(record["direction"], record["id"]) for record in files} == invoices_of(first.records["fattura"])


def test_a_document_from_an_export_is_not_fetched_by_itself_as_well(account: Account) -> None:
    exported = account.read(export_periods=[QUARTER], export_type="receive").records["document"][1:]
    left = account.balance()
    start = min(
        row["created"] for row in account.live.records("receive") if row["id"] in {each["id"] for each in exported}
    )
    account.sandbox.admin.clear_requests()

    reading = account.read(payloads="receive", start_date=start, payload_limit=3)

    again = {record["name"] for record in reading.records["document"]}
    fetched = [path for path in account.requested() if path.startswith("/receive/")]
    assert len(fetched) == 3
    assert account.balance() == left - 3
    assert len(again & {record["name"] for record in exported}) == len(again) - 3 > 0


def test_an_export_that_would_cost_more_than_the_limit_is_not_made(account: Account, warnings: Warnings) -> None:
    reading = account.read(export_periods=[QUARTER], payload_limit=5)

    assert reading.error is None
    assert reading.records == {}
    assert account.balance() == 950
    assert account.live.get("reads")["exports"] == 0
    (line,) = warnings()
    assert re.match(
        rf"export of {QUARTER} is not made: it would cost \d+ operations; 950 are left, "
        "and payload_limit 5 allows this run 5 more",
        line,
    )


def test_an_export_that_the_balance_does_not_cover_is_not_made(account: Account) -> None:
    account.live.put("billing", {"operation_left": 2})

    assert account.read(export_periods=[QUARTER]).records == {}
    assert account.live.get("reads")["exports"] == 0


def test_an_export_of_sent_invoices_costs_nothing(account: Account) -> None:
    reading = account.read(export_periods=["2025-02"], export_type="send", payload_limit=0)

    assert {record["direction"] for record in reading.records["document"]} == {None, "send"}
    assert account.balance() == 950
    assert "/status" not in account.requested()


def test_a_period_that_is_not_over_or_has_no_invoices_is_not_exported(account: Account, warnings: Warnings) -> None:
    reading = account.read(export_periods=["2031-01", "2001-01"])

    assert reading.error is None
    assert reading.records == {}
    assert account.balance() == 950
    lines = warnings()
    assert "export of 2031-01: the period is not over; it is exported once, when it is" in lines
    assert "export of 2001-01: the API has no invoices for it" in lines


def test_company_id_narrows_exports_and_payloads(account: Account, invoices_of: InvoicesOf) -> None:
    company = account.live.records("receive")[0]["company_id"]

    reading = account.read(payloads="receive", payload_limit=100, export_periods=["2025-02"], company_id=company)

    assert reading.error is None
    companies = {("receive", row["id"]): row["company_id"] for row in account.live.records("receive")}
    companies |= {("send", row["id"]): row["company_id"] for row in account.live.records("send")}
    assert {companies[each] for each in invoices_of(reading.records["fattura"])} == {company}
    (export,) = [request for request in account.sandbox.admin.requests() if request["path"].endswith("/export")]
    assert ["company_id", str(company)] in export["query"]


def test_a_file_with_a_path_outside_the_archive_fails_the_stream(account: Account, warnings: Warnings) -> None:
    evil = base64.b64encode(b"<x/>").decode()
    account.live.put("behaviour", {"export_members": {"../../evil.xml": evil}})

    reading = account.read("document", export_periods=["2025-02"])

    assert isinstance(reading.error, RunIncomplete)
    assert not [path for path in account.folder.parent.rglob("*") if path.name == "evil.xml"]
    assert account.live.get("reads")["exports"] == 1
    assert (
        "document: failed: export of 2025-02: ZIP member '../../evil.xml' has a path outside the archive. "
        "live/export/2025-02-both.zip stays as it is; to continue without it, remove 2025-02 from export_periods"
    ) in warnings()


@pytest.mark.parametrize("fault", [{"times": 6, "status": 500}, {"status": 200, "body": "<html>Wartung</html>"}])
def test_an_export_that_is_not_an_archive_is_not_stored_and_requested_by_one_stream_only(
    account: Account, fault: dict[str, Any]
) -> None:
    account.sandbox.admin.add_fault("*/export", **fault)

    first = account.read(export_periods=["2025-02"])
    second = account.read(export_periods=["2025-02"], state=first.state)

    assert isinstance(first.error, RunIncomplete)
    assert first.records == {}
    assert second.error is None
    assert second.records["document"]
    assert account.live.get("reads")["exports"] == 1


def test_files_of_an_export_are_matched_with_invoices_whatever_their_names(
    account: Account, invoices_of: InvoicesOf
) -> None:
    account.live.put("behaviour", {"export_names": "id"})

    reading = account.read("document", "fattura", export_periods=["2025-02"])

    assert reading.error is None
    _archive, *files = reading.records["document"]
    assert len(files) > 10
    assert {record["direction"] for record in files} == {"send", "receive"}
    assert {(record["direction"], record["id"]) for record in files} == invoices_of(reading.records["fattura"])


def test_a_file_that_matches_no_invoice_is_stored_and_reported(account: Account, warnings: Warnings) -> None:
    stray = base64.b64encode(b"<?xml version='1.0'?><x/>").decode()
    account.live.put("behaviour", {"export_members": {"IT01234567890/receive/stray.xml": stray}})

    reading = account.read(export_periods=["2025-02"])

    assert reading.error is None
    (record,) = [record for record in reading.records["document"] if record["file_name"] == "stray.xml"]
    assert (record["id"], record["direction"], record["period"]) == (None, None, "2025-02")
    assert (account.folder / record["name"]).read_bytes() == base64.b64decode(stray)
    assert "export of 2025-02: stray.xml matches no invoice: no rows are made from it" in warnings()


def test_an_export_waits_for_a_concurrent_export_to_end(account: Account, clock: FakeClock) -> None:
    account.sandbox.admin.add_fault("*/export", status=429, headers={"Retry-After": "1"})

    reading = account.read("document", export_periods=["2025-02"])

    assert reading.error is None
    assert reading.records["document"]
    assert 1 <= sum(clock.waits) < 2
