"""The streams of documents, and of the invoices in them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from singer_sdk import StreamSchema
from typing_extensions import override

from singer_rest_core import DerivedStream, RequestFailed, StreamUnavailable
from singer_rest_core.documents import ArchiveRefused
from tap_invoicetronic import fattura
from tap_invoicetronic.client import SCHEMAS
from tap_invoicetronic.documents.due import DueDocuments
from tap_invoicetronic.documents.failures import (
    FAILED_ARCHIVES,
    FAILED_EXPORTS,
    archive_key,
    document_key,
    export_key,
)
from tap_invoicetronic.documents.fetch import Postponed, Stopped
from tap_invoicetronic.documents.read_before import EXPORTED, read_once_more
from tap_invoicetronic.documents.refused import REFUSED, RefusedDocuments, line_about_missing
from tap_invoicetronic.documents.rows import DOCUMENT
from tap_invoicetronic.documents.store import StoredDocument

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from singer_sdk import Tap
    from singer_sdk.exceptions import FatalSyncError
    from singer_sdk.helpers.types import Context

    from singer_rest_core import Record
    from tap_invoicetronic.documents.failures import Failures
    from tap_invoicetronic.documents.run import DocumentRun


class DocumentStream(DerivedStream):
    """A stream made from documents: those of `export_periods`, then those of `payloads`.

    Each stream has a progress of its own, and the documents are stored: any stream may be read alone, later, or again,
    and nothing is fetched twice.

    Args:
        tap: The tap.
        open_documents: Returns what the streams of documents share in this run; None if no setting asks for documents.
            Called when the stream is read: a catalog is also discovered with settings that are not valid.
    """

    records_per_state = 100
    schema = StreamSchema(SCHEMAS)

    _refused: RefusedDocuments
    """The documents that this stream has no rows of."""

    def __init__(self, tap: Tap, open_documents: Callable[[], DocumentRun | None]) -> None:
        """Bind the stream to its tap."""
        super().__init__(tap)
        self._open_documents = open_documents

    @property
    @override
    def lookback(self) -> timedelta:
        return timedelta(minutes=self.config["lookback_minutes"])

    @override
    def make_records(self) -> Iterator[Record]:
        self.has_read_all = False  # rows of earlier runs stay: the loader must not take them for deleted
        run = self._open_documents()
        if run is None:
            self.run.result.idle.add(self.name)
            return
        is_test = self.ABORT_AT_RECORD_COUNT is not None
        errors: list[FatalSyncError] = []
        for name, value in read_once_more(self.stream_state, version=run.settings.version).items():
            self.remember(name, value)
        self._refused = RefusedDocuments(self.stream_state.get(REFUSED, {}), version=run.settings.version)
        yield from self._refused_before(run)
        yield from self._exported(run, errors, is_test=is_test)
        yield from self._fetched(run, errors, is_test=is_test)
        self.page_written()
        run.warn_of_what_has_no_rows()
        run.raise_if_incomplete(errors)

    def _rows_of(self, run: DocumentRun, document: StoredDocument) -> Iterator[Record]:
        """Make the rows of a document, and keep in the state whether it could be read."""
        yield from run.rows.of(document, self.name)
        if document.invoice is not None and self._refused.settle(document.invoice, run.rows.fault_of(document)):
            self.remember(REFUSED, self._refused.entries)

    def _refused_before(self, run: DocumentRun) -> Iterator[Record]:
        """Read the documents again that another version could not read; they are stored, and never fetched for that."""
        missing = []
        for invoice in self._refused.of_other_versions():
            document = run.fetcher.stored(invoice)
            if document is None:
                missing.append(f"{run.settings.environment}/{document_key(invoice.direction, invoice.id)}")
            else:
                yield from self._rows_of(run, document)
        if missing:
            run.warn(line_about_missing(missing))

    def _exported(self, run: DocumentRun, errors: list[FatalSyncError], *, is_test: bool) -> Iterator[Record]:
        settings = run.exports.settings
        for period in settings.periods:
            export = settings.key_of(period)
            if export in self.stream_state.get(EXPORTED, []):
                continue
            is_paid = run.read_before.includes_export(export)
            try:
                archive = run.exports.archive(period, may_export=not (is_test or is_paid))
                if archive is not None:
                    for document in run.exports.documents(period, archive):
                        yield from self._rows_of(run, document)
                elif is_paid:
                    run.read_before.note_missing(export_key(export))
                else:
                    continue
            except StreamUnavailable as refusal:
                run.warn(f"export of {period.text} is not read: {refusal}")
            except (RequestFailed, ArchiveRefused) as error:
                errors.append(error)
            else:
                self.remember(EXPORTED, [*self.stream_state.get(EXPORTED, []), export])
            finally:
                self._keep_failures_of(export, run.failures)

    def _keep_failures_of(self, export: str, failures: Failures) -> None:
        """Keep in the state how often an export has failed."""
        for name, key in ((FAILED_EXPORTS, export_key(export)), (FAILED_ARCHIVES, archive_key(export))):
            failure = failures.get(key)
            kept = {**self.stream_state.get(name, {})}
            kept.pop(export, None)
            if failure is not None:
                kept[export] = failure.as_state()
            if kept:
                self.remember(name, kept)
            elif name in self.stream_state:
                del self.stream_state[name]

    def _fetched(self, run: DocumentRun, errors: list[FatalSyncError], *, is_test: bool) -> Iterator[Record]:
        due = DueDocuments(run)
        for direction in run.payloads:
            state = dict(self.stream_state.get(direction, {}))
            try:
                due.add_list(direction, state, lookback=self.lookback, start_date=self.config.get("start_date"))
            except RequestFailed as error:
                errors.append(error)
        self._keep_due(due)
        try:
            for invoice, fetched in run.fetcher.documents(due.new, due.postponed, may_fetch=not is_test):
                if isinstance(fetched, StoredDocument):
                    yield from self._rows_of(run, fetched)
                elif fetched is not None and fetched.error is not None:
                    errors.append(fetched.error)
                if isinstance(fetched, Stopped):
                    continue
                due.settle(invoice, fetched)
                self._keep_due(due)
                if isinstance(fetched, Postponed) and fetched.error is not None:
                    self.page_written()  # what was paid for in vain must not be forgotten, whatever happens next
        finally:
            due.postpone_failed()
            self._keep_due(due)

    def _keep_due(self, due: DueDocuments) -> None:
        for direction, state in due.states():
            self.remember(direction, state)


class Document(DocumentStream):
    """Files of invoices, fetched only if `payloads` or `export_periods` say so, and archives of exports.

    One row for each file, with its location, type and size. Rows are only added.
    """

    name = DOCUMENT
    primary_keys = ("name",)


class FatturaStream(DocumentStream):
    """A stream of rows of invoices; its name is that of the rows in `fattura`."""

    @override
    def post_process(self, row: Record, context: Context | None = None) -> Record | None:
        """Return a row unchanged: the parser made it fit its schema."""
        return row


class Fattura(FatturaStream):
    """The invoices in those documents, one row for each body of a FatturaPA file. Rows are only added."""

    name = "fattura"
    primary_keys = fattura.KEYS["fattura"]


class FatturaLine(FatturaStream):
    """Lines of those invoices (DettaglioLinee). Rows are only added."""

    name = "fattura_line"
    primary_keys = fattura.KEYS["fattura_line"]


class FatturaVatSummary(FatturaStream):
    """Totals of those invoices by VAT rate (DatiRiepilogo). Rows are only added."""

    name = "fattura_vat_summary"
    primary_keys = fattura.KEYS["fattura_vat_summary"]


class FatturaPayment(FatturaStream):
    """Payments those invoices ask for (DettaglioPagamento). Rows are only added."""

    name = "fattura_payment"
    primary_keys = fattura.KEYS["fattura_payment"]


class FatturaWithholding(FatturaStream):
    """Taxes withheld from those invoices (DatiRitenuta). Rows are only added."""

    name = "fattura_withholding"
    primary_keys = fattura.KEYS["fattura_withholding"]


class FatturaPensionFund(FatturaStream):
    """Contributions to professional pension funds in those invoices (DatiCassaPrevidenziale). Rows are only added."""

    name = "fattura_pension_fund"
    primary_keys = fattura.KEYS["fattura_pension_fund"]


class FatturaReference(FatturaStream):
    """Orders, contracts, agreements, receipts, invoices, delivery notes those invoices refer to. Rows are only added.

    `riferimento_numero_linea` has the `numero_linea` of the lines that a reference is of; null if it is of all.
    """

    name = "fattura_reference"
    primary_keys = fattura.KEYS["fattura_reference"]


class FatturaLineDiscount(FatturaStream):
    """Discounts and surcharges on lines of those invoices (ScontoMaggiorazione). Rows are only added.

    `position` is that of the line.
    """

    name = "fattura_line_discount"
    primary_keys = fattura.KEYS["fattura_line_discount"]


DOCUMENT_STREAMS: tuple[type[DocumentStream], ...] = (
    Document,
    Fattura,
    FatturaLine,
    FatturaLineDiscount,
    FatturaPayment,
    FatturaPensionFund,
    FatturaReference,
    FatturaVatSummary,
    FatturaWithholding,
)
