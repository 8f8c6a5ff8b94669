"""The rows of documents: made once, to the cent, and joined to the lists."""

from __future__ import annotations

import base64
import logging
import stat
import tempfile
from collections import Counter, defaultdict
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fsspec.implementations.local import LocalFileSystem  # type: ignore[import-untyped]

from sandbox.invoicetronic.fatturapa import invoices
from singer_rest_core import RunIncomplete
from tap_invoicetronic import fattura
from tap_invoicetronic.documents.invoice_list import Invoice
from tap_invoicetronic.documents.rows import DocumentRows, RowSettings
from tap_invoicetronic.documents.store import InvoiceStore, StoredDocument
from tap_invoicetronic.documents.warn_once import WarnOnce

if TYPE_CHECKING:
    from collections.abc import Callable

    from documents.conftest import Account

    InvoicesOf = Callable[[list[dict[str, Any]]], set[tuple[str, int]]]


@pytest.mark.slow
def test_totals_are_the_sums_of_lines_and_vat_summaries_to_the_cent(account: Account) -> None:
    account.live.put("billing", {"operation_left": 10_000})
    reading = account.read(payloads="both", payload_limit=10_000)
    assert reading.error is None
    records = reading.records
    assert len(records["document"]) == len(account.live.records("send")) + len(account.live.records("receive")) > 800

    def by_body(stream: str) -> dict[tuple[str, int, int], list[dict[str, Any]]]:
        rows = defaultdict(list)
        for row in records[stream]:
            rows[row["direction"], row["invoicetronic_id"], row["body_number"]].append(row)
        return rows

    lines, summaries = by_body("fattura_line"), by_body("fattura_vat_summary")
    stated = 0
    for invoice in records["fattura"]:
        key = invoice["direction"], invoice["invoicetronic_id"], invoice["body_number"]
        if invoice["importo_totale_documento"] is None:
            continue
        stated += 1
        if invoice["formato_trasmissione"] == "FSM10":
            total = sum(Decimal(line["importo"]) for line in lines[key])
        else:
            total = _total(invoice, summaries[key])
            assert _taxable(invoice, lines[key]) == sum(
                _decimal(row["imponibile_importo"])
                - _decimal(row["spese_accessorie"])
                - _decimal(row["arrotondamento"])
                for row in summaries[key]
            ), key
        assert _decimal(invoice["importo_totale_documento"]) == total, key
    assert stated > 600


def _decimal(value: object) -> Decimal:
    return Decimal(str(value or 0))


def _total(invoice: dict[str, Any], summaries: list[dict[str, Any]]) -> Decimal:
    """Taxable and tax of every rate, discounts of the whole document, rounding."""
    total = sum((_decimal(row["imponibile_importo"]) + _decimal(row["imposta"]) for row in summaries), Decimal())
    for change in invoice["sconto_maggiorazione"] or []:
        amount = _decimal(change["importo"])
        total += amount if change["tipo"] == "MG" else -amount
    return total + _decimal(invoice["arrotondamento"])


def _taxable(invoice: dict[str, Any], lines: list[dict[str, Any]]) -> Decimal:
    funds = invoice["dati_cassa_previdenziale"] or []
    return sum((_decimal(line["prezzo_totale"]) for line in lines), Decimal()) + sum(
        (_decimal(fund["importo_contributo_cassa"]) for fund in funds), Decimal()
    )


def test_rows_join_to_send_and_receive_and_to_each_other(account: Account, invoices_of: InvoicesOf) -> None:
    reading = account.read("send", "receive", *account.DOCUMENTS, payloads="both", payload_limit=60)

    listed = {(direction, row_id) for direction in ("send", "receive") for row_id in reading.ids(direction)}
    bodies = {
        (record["direction"], record["invoicetronic_id"], record["body_number"])
        for record in reading.records["fattura"]
    }
    assert invoices_of(reading.records["fattura"]) <= listed
    for stream in account.INVOICES:
        rows = reading.records[stream]
        assert {(row["direction"], row["invoicetronic_id"], row["body_number"]) for row in rows} <= bodies
        keys = [tuple(row[name] for name in fattura.KEYS[stream]) for row in rows]
        assert len(set(keys)) == len(keys) > 0
    lines = {tuple(row[name] for name in fattura.KEYS["fattura_line"]) for row in reading.records["fattura_line"]}
    discounts = reading.records["fattura_line_discount"]
    assert {tuple(row[name] for name in fattura.KEYS["fattura_line"]) for row in discounts} <= lines


def test_rows_of_invoices_name_their_file_at_the_sdi_and_when_it_was_received(account: Account) -> None:
    reading = account.read("send", "receive", "fattura", payloads="both", payload_limit=20)

    listed = {(each, row["id"]): row for each in ("send", "receive") for row in reading.records[each]}
    seen = set()
    for row in reading.records["fattura"]:
        of_list = listed[row["direction"], row["invoicetronic_id"]]
        assert row["sdi_identifier"] == of_list["identifier"]
        assert row["received_at"] == (of_list["created"] if row["direction"] == "receive" else None)
        assert row["environment"] == "live"
        seen.add((row["direction"], row["sdi_identifier"] is None))
    assert {("send", False), ("receive", False)} <= seen


def test_the_content_of_attachments_is_in_rows_only_if_asked_for(account: Account) -> None:
    without = account.read("fattura", payloads="send", payload_limit=40)
    asked_for = account.read("fattura", payloads="send", payload_limit=0, attachments=True)

    described = [entry for row in without.records["fattura"] for entry in row["allegati"] or ()]
    complete = [entry for row in asked_for.records["fattura"] for entry in row["allegati"] or ()]
    assert len(described) > 5
    assert not [entry for entry in described if "attachment" in entry]
    assert all(len(base64.b64decode(entry["attachment"])) == entry["size"] for entry in complete)
    assert described == [{name: each for name, each in entry.items() if name != "attachment"} for entry in complete]
    assert without.columns("fattura") == asked_for.columns("fattura")


def test_rows_of_documents_are_never_marked_as_deleted(account: Account) -> None:
    assert account.read(payloads="send", payload_limit=5).of("ACTIVATE_VERSION") == []


class Work:
    """Counts what is done to documents."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Count what the folder is asked for, and what is parsed."""
        self.read: Counter[str] = Counter()
        self.parsed: Counter[tuple[str, int]] = Counter()
        fetched, parsed = LocalFileSystem.cat_file, fattura.read

        def cat_file(files: LocalFileSystem, path: str, *place: object, **range_: object) -> bytes:
            self.read[Path(path).name] += 1
            content: bytes = fetched(files, path, *place, **range_)
            return content

        def parse(payload: bytes, origin: fattura.Origin) -> dict[str, list[dict[str, Any]]]:
            self.parsed[origin.direction, origin.invoicetronic_id] += 1
            return parsed(payload, origin)

        monkeypatch.setattr(LocalFileSystem, "cat_file", cat_file)
        monkeypatch.setattr(fattura, "read", parse)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    return Work(monkeypatch)


def test_a_fetched_document_is_parsed_once_for_all_streams_and_not_read_again(account: Account, work: Work) -> None:
    reading = account.read(payloads="receive", payload_limit=10)

    assert all(reading.records[stream] for stream in account.DOCUMENTS)
    assert work.parsed == dict.fromkeys((("receive", row_id) for row_id in account.oldest("receive", 10)), 1)
    assert work.read == {}


def test_a_stored_document_is_read_once_and_parsed_once_for_all_streams(account: Account, work: Work) -> None:
    first = account.read(payloads="receive", payload_limit=10)
    work.parsed.clear()

    again = account.read(payloads="receive", payload_limit=0)

    assert again.records == first.records
    assert work.parsed == dict.fromkeys((("receive", row_id) for row_id in account.oldest("receive", 10)), 1)
    assert work.read == dict.fromkeys((Path(name).name for name in account.files()), 1)


def test_an_archive_is_read_once_and_its_files_are_parsed_once_for_all_streams(account: Account, work: Work) -> None:
    reading = account.read(export_periods=["2025-02"])

    archive, *files = reading.records["document"]
    assert len(files) > 10
    assert set(work.parsed.values()) == {1}
    assert work.read == {Path(archive["name"]).name: 1}


@pytest.mark.slow
def test_a_document_of_an_export_that_is_also_due_by_itself_is_parsed_once(account: Account, work: Work) -> None:
    reading = account.read(export_periods=["2025-02"], export_type="receive", payloads="receive", payload_limit=300)

    names = Counter(record["name"] for record in reading.records["document"])
    assert max(names.values()) == 2
    assert set(work.parsed.values()) == {1}


def test_rows_are_the_same_whichever_streams_are_selected(account: Account) -> None:
    together = account.read(payloads="both", payload_limit=20)

    for stream in account.DOCUMENTS:
        assert account.read(stream, payloads="both", payload_limit=0).records[stream] == together.records[stream]


def test_one_selected_stream_keeps_no_rows_for_others(account: Account, work: Work) -> None:
    reading = account.read("fattura_line", payloads="receive", payload_limit=10)

    assert reading.records.keys() == {"fattura_line"}
    assert work.parsed == dict.fromkeys((("receive", row_id) for row_id in account.oldest("receive", 10)), 1)


@pytest.fixture
def store(tmp_path: Path) -> InvoiceStore:
    return InvoiceStore(str(tmp_path / "documents"), "live")


def stored(store: InvoiceStore, count: int) -> list[StoredDocument]:
    documents = []
    for number, made in enumerate(islice(invoices(seed=3), count), 1):
        invoice = Invoice("receive", number, "2026-03-01T00:00:00Z", made.file_name, is_read=True)
        documents.append(StoredDocument(store.put(invoice, made.content), invoice, made.file_name))
    return documents


@pytest.mark.parametrize("in_memory", [1, 1 << 30])
def test_rows_that_wait_in_a_temporary_file_are_exactly_those_in_memory(store: InvoiceStore, in_memory: int) -> None:
    documents = stored(store, 30)
    streams = ["document", *fattura.KEYS]
    settings = RowSettings("1.0", "live", attachments=True)
    rows = DocumentRows(store, streams, WarnOnce(logging.getLogger()), settings=settings, in_memory=in_memory)

    made = {stream: [rows.of(document, stream) for document in documents] for stream in streams}

    rows.close()
    for stream in fattura.KEYS:
        expected = [
            fattura.read(
                store.read(each),
                fattura.Origin(
                    "receive",
                    int(Path(each.name).stem.split(".")[0]),
                    each.file_name,
                    received_at="2026-03-01T00:00:00Z",
                    environment="live",
                ),
            )[stream]
            for each in documents
        ]
        assert made[stream] == expected
        assert [_types(each) for each in made[stream]] == [_types(each) for each in expected]


def _types(value: object) -> object:
    if isinstance(value, list):
        return [_types(each) for each in value]
    if isinstance(value, dict):
        return {name: _types(each) for name, each in value.items()}
    return type(value)


def test_the_temporary_file_is_private_and_gone_when_the_run_ends(
    store: InvoiceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    before = _open_files(folder)
    rows = DocumentRows(store, ["document", *fattura.KEYS], WarnOnce(logging.getLogger()), in_memory=1)
    for document in stored(store, 5):
        rows.of(document, "document")

    (opened,) = _open_files(folder) - before
    assert list(folder.iterdir()) == []
    assert stat.S_IMODE(Path("/proc/self/fd", opened).stat().st_mode) == 0o600

    rows.close()
    assert _open_files(folder) == before


def _open_files(folder: Path) -> set[str]:
    return {each.name for each in Path("/proc/self/fd").iterdir() if _target(each).startswith(str(folder))}


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except FileNotFoundError:  # the one that listed the folder
        return ""


def test_without_room_for_a_temporary_file_every_stream_reads_the_documents_itself(
    store: InvoiceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warnings: Callable[[], list[str]]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    rows = DocumentRows(store, ["document", *fattura.KEYS], WarnOnce(logging.getLogger()), in_memory=1)

    found = [len(rows.of(document, "fattura")) for document in stored(store, 5)]
    again = [len(rows.of(document, "fattura_line")) for document in stored(store, 5)]

    rows.close()
    assert min(found + again) > 0
    (line,) = warnings()
    assert line == (
        "the temporary file for rows of documents cannot be written (No such file or directory): documents are read "
        "once for each stream"
    )


def test_a_fault_in_parsing_does_not_fail_the_stream_of_documents(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(fattura, "read", fail)

    reading = account.read("document", "fattura", payloads="receive", payload_limit=3)

    assert isinstance(reading.error, RunIncomplete)
    assert len(reading.records["document"]) == 3
    assert "fattura" not in reading.records
