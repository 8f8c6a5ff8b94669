"""Documents that no rows can be made of: told with their fault, and read again by a newer version, free of charge."""

from __future__ import annotations

import copy
import json
from itertools import islice
from typing import TYPE_CHECKING, Any

from sandbox.invoicetronic.fatturapa import invoices
from tap_invoicetronic.tap import TapInvoicetronic

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from conftest import Reading
    from documents.conftest import Account

    Warnings = Callable[[], list[str]]
    InvoicesOf = Callable[[list[dict[str, Any]]], set[tuple[str, int]]]

VERSION = TapInvoicetronic.plugin_version
GOOD = next(made.content for made in islice(invoices(seed=21), 50) if made.plan.wrapping == "none")
BROKEN = "<html><body>niente</body></html>"


def spoil(account: Account, row_id: int) -> None:
    account.live.update("receive", row_id, {"payload": BROKEN, "encoding": "Xml"})


def repair(account: Account, row_id: int) -> None:
    """Put a file that can be read into the place of one that could not: as if the tap could read it now."""
    (account.folder / "live" / "receive" / f"{row_id}.bin").unlink()
    (account.folder / "live" / "receive" / f"{row_id}.xml").write_bytes(GOOD)


def of_version(state: dict[str, Any], version: str) -> dict[str, Any]:
    """Return a state as another version would have left it."""
    written: dict[str, Any] = json.loads(json.dumps(state).replace(json.dumps(VERSION), json.dumps(version)))
    assert written != state
    return written


def of_a_version_without_faults(state: dict[str, Any]) -> dict[str, Any]:
    """Return a state as version 0.1.0 left it: it kept no faults, and had fewer streams."""
    earlier = copy.deepcopy(state)
    bookmarks = earlier["bookmarks"]
    younger = ("fattura_withholding", "fattura_pension_fund", "fattura_reference", "fattura_line_discount")
    for name in younger:
        bookmarks.pop(name, None)
    for kept in bookmarks.values():
        kept.pop("refused", None)
        kept.pop("faults_kept_since", None)
    return earlier


def faults(reading: Reading) -> dict[int, tuple[str | None, str | None]]:
    return {row["id"]: (row["fault"], row["rows_made_by"]) for row in reading.records["document"]}


def about_refused(lines: list[str]) -> list[str]:
    return [line for line in lines if "stay without rows" in line]


def test_a_document_says_why_it_has_no_rows_and_which_version_read_it(account: Account) -> None:
    good, broken = account.keep_oldest("receive", 2)
    spoil(account, broken)

    reading = account.read(payloads="receive")

    assert reading.error is None
    found = faults(reading)
    assert found[good] == (None, VERSION)
    fault, version = found[broken]
    assert fault is not None
    assert "not a FatturaPA invoice" in fault
    assert "niente" not in fault
    assert version == VERSION


def test_the_fault_is_the_same_if_no_stream_of_invoices_is_selected(account: Account) -> None:
    _, broken = account.keep_oldest("receive", 2)
    spoil(account, broken)

    alone = account.read("document", payloads="receive")
    together = account.read(payloads="receive")

    assert alone.records["document"] == together.records["document"]
    assert faults(alone)[broken][0] is not None


def test_an_archive_and_a_file_without_an_invoice_have_neither_fault_nor_version(account: Account) -> None:
    account.live.put("behaviour", {"export_members": {"IT01234567890/receive/stray.xml": "PHgvPg=="}})

    reading = account.read("document", export_periods=["2025-02"])

    without_invoice = [row for row in reading.records["document"] if row["id"] is None]
    assert len(without_invoice) == 2
    assert {(row["fault"], row["rows_made_by"]) for row in without_invoice} == {(None, None)}


def test_a_second_run_of_the_same_version_says_once_how_many_stay_without_rows(
    account: Account, warnings: Warnings, caplog: pytest.LogCaptureFixture
) -> None:
    _, *broken = account.keep_oldest("receive", 3)
    for row_id in broken:
        spoil(account, row_id)
    first = account.read(payloads="receive")
    assert about_refused(warnings()) == []
    caplog.clear()

    second = account.read(payloads="receive", state=first.state)

    assert second.error is None
    assert second.records == {}
    (line,) = about_refused(warnings())
    assert line.startswith(f"2 documents stay without rows, as version {VERSION} of the tap cannot read them (")
    for row_id in broken:
        assert f"live/receive/{row_id}" in line
    assert not [each for each in warnings() if "no rows are made from it" in each]


def test_a_newer_version_reads_refused_documents_again_from_the_folder_and_pays_nothing(
    account: Account, warnings: Warnings, caplog: pytest.LogCaptureFixture, invoices_of: InvoicesOf
) -> None:
    _, mended, still_broken = account.keep_oldest("receive", 3)
    for row_id in (mended, still_broken):
        spoil(account, row_id)
    first = account.read(payloads="receive")
    left = account.balance()
    repair(account, mended)
    account.sandbox.admin.clear_requests()
    caplog.clear()

    second = account.read(payloads="receive", state=of_version(first.state, "0.0.9"))

    assert second.error is None
    found = faults(second)
    assert set(found) == {mended, still_broken}
    assert found[mended] == (None, VERSION)
    assert found[still_broken][0] is not None
    for stream in ("fattura", "fattura_line"):
        assert invoices_of(second.records[stream]) == {("receive", mended)}
    assert account.requested() == ["/receive"]
    assert account.balance() == left
    assert about_refused(warnings()) == []
    caplog.clear()

    third = account.read(payloads="receive", state=second.state)

    assert third.records == {}
    (line,) = about_refused(warnings())
    assert line.startswith("1 documents stay")
    assert f"live/receive/{still_broken}" in line


def test_a_refused_document_that_came_with_an_export_is_read_again_too(
    account: Account, invoices_of: InvoicesOf
) -> None:
    first = account.read("document", "fattura", export_periods=["2025-02"], export_type="receive")
    row_id = next(row["id"] for row in first.records["document"] if row["id"] is not None)
    path = next((account.folder / "live" / "receive").glob(f"{row_id}.*"))
    content = path.read_bytes()
    path.write_bytes(BROKEN.encode())
    refused = account.read("document", "fattura", export_periods=["2025-02"], export_type="receive")
    assert faults(refused)[row_id][0] is not None
    path.write_bytes(content)
    left = account.balance()

    second = account.read(
        "document",
        "fattura",
        export_periods=["2025-02"],
        export_type="receive",
        state=of_version(refused.state, "0.0.9"),
    )

    assert faults(second) == {row_id: (None, VERSION)}
    assert invoices_of(second.records["fattura"]) == {("receive", row_id)}
    assert account.balance() == left
    assert account.live.get("reads")["exports"] == 1


def test_a_refused_document_that_is_no_longer_stored_is_not_fetched_but_told(
    account: Account, warnings: Warnings, invoices_of: InvoicesOf
) -> None:
    _, broken = account.keep_oldest("receive", 2)
    spoil(account, broken)
    first = account.read(payloads="receive")
    left = account.balance()
    (account.folder / "live" / "receive" / f"{broken}.bin").unlink()

    second = account.read(payloads="receive", state=of_version(first.state, "0.0.9"))

    assert second.error is None
    assert second.records == {}
    assert account.balance() == left
    (line,) = [line for line in warnings() if "no longer below documents_url" in line]
    assert line.startswith(
        "1 documents that an earlier version of the tap could not read are no longer below documents_url "
        f"(live/receive/{broken})"
    )

    (account.folder / "live" / "receive" / f"{broken}.xml").write_bytes(GOOD)
    third = account.read(payloads="receive", state=second.state)

    assert invoices_of(third.records["fattura"]) == {("receive", broken)}
    assert account.balance() == left


def test_documents_of_a_version_that_kept_no_faults_are_read_once_more_from_the_folder(
    account: Account, invoices_of: InvoicesOf
) -> None:
    kept = account.keep_oldest("receive", 4)
    spoil(account, kept[1])
    first = account.read(payloads="receive")
    repair(account, kept[1])
    left = account.balance()
    account.sandbox.admin.clear_requests()

    second = account.read(payloads="receive", state=of_a_version_without_faults(first.state))

    assert second.error is None
    assert faults(second) == dict.fromkeys(kept, (None, VERSION))
    for stream in ("fattura", "fattura_line"):
        assert invoices_of(second.records[stream]) == {("receive", row_id) for row_id in kept}
    assert second.records["fattura_reference"]
    assert account.requested() == ["/receive"]
    assert account.balance() == left
    third = account.read(payloads="receive", state=second.state)
    assert third.records == {}


def test_reading_once_more_goes_on_where_a_run_was_cut_short_and_pays_for_nothing(account: Account) -> None:
    first = account.read("document", payloads="receive", payload_limit=130)
    state = copy.deepcopy(first.state)
    del state["bookmarks"]["document"]["faults_kept_since"]
    left = account.balance()

    second = account.read("document", payloads="receive", payload_limit=0, state=state)
    states = [message["value"] for message in second.of("STATE")]
    received = [state["bookmarks"]["document"]["receive"] for state in states]
    cut_short = next(
        state for state, each in zip(states, received, strict=True) if "newest" in each and "read_before" in each
    )
    for path in (account.folder / "live" / "receive").iterdir():
        path.unlink()
    third = account.read("document", payloads="receive", payload_limit=1, state=cut_short)

    assert second.records == first.records
    assert [row["id"] for row in third.records["document"]] == account.oldest("receive", 131)[130:]
    assert account.balance() == left - 1
    fourth = account.read("document", payloads="receive", payload_limit=0, state=third.state)
    assert fourth.records == {}
    assert "read_before" not in fourth.state["bookmarks"]["document"]["receive"]


def test_a_younger_stream_does_not_pay_again_for_files_that_were_moved_away(
    account: Account, warnings: Warnings
) -> None:
    kept = account.keep_oldest("receive", 5)
    first = account.read("document", "fattura", payloads="receive", payload_limit=3)
    for path in (account.folder / "live" / "receive").iterdir():
        path.unlink()
    left = account.balance()

    second = account.read(payloads="receive", state=first.state)

    assert second.error is None
    assert [row["id"] for row in second.records["document"]] == kept[3:]
    assert {row["invoicetronic_id"] for row in second.records["fattura_line"]} == set(kept[3:])
    assert account.balance() == left - 2
    (line,) = [line for line in warnings() if "not below documents_url" in line]
    assert line.startswith("3 documents or exports are older than what earlier runs have read and are not below doc")
    third = account.read(payloads="receive", state=second.state)
    assert third.records == {}
    assert account.balance() == left - 2


def test_reading_once_more_pays_for_no_invoice_that_is_older_than_the_first_one_that_was_wanted(
    account: Account,
) -> None:
    kept = account.keep_oldest("receive", 6)
    start = next(row["created"] for row in account.live.records("receive") if row["id"] == kept[4])
    first = account.read("document", payloads="receive", start_date=start)
    assert [row["id"] for row in first.records["document"]] == kept[4:]
    left = account.balance()

    for state in (first.state, of_a_version_without_faults(first.state)):
        again = account.read("document", "fattura", payloads="receive", state=state)

        assert {row["invoicetronic_id"] for row in again.records["fattura"]} == set(kept[4:])
    assert account.balance() == left


def test_the_exports_of_a_version_that_kept_no_faults_are_read_once_more_from_the_folder(account: Account) -> None:
    first = account.read(export_periods=["2025-02"])
    left = account.balance()

    second = account.read(export_periods=["2025-02"], state=of_a_version_without_faults(first.state))
    third = account.read(export_periods=["2025-02"], state=second.state)

    assert second.error is third.error is None
    assert second.records == first.records
    assert third.records == {}
    assert account.balance() == left
    assert account.live.get("reads")["exports"] == 1


def test_an_export_whose_archive_was_moved_away_is_not_made_again_for_a_younger_stream(
    account: Account, warnings: Warnings, caplog: pytest.LogCaptureFixture
) -> None:
    first = account.read("document", export_periods=["2025-02"])
    for path in (account.folder / "live" / "export").iterdir():
        path.unlink()

    for state in (first.state, of_a_version_without_faults(first.state)):
        again = account.read("document", "fattura", export_periods=["2025-02"], state=state)

        assert again.error is None
        assert again.records == {}
        told = [line for line in warnings() if "(live/export/2025-02-both)" in line and "not below" in line]
        assert len(told) == 1  # once, not in every run
        caplog.clear()
        assert account.read("document", "fattura", export_periods=["2025-02"], state=again.state).records == {}
        assert not [line for line in warnings() if "not below" in line]
    assert account.live.get("reads")["exports"] == 1
