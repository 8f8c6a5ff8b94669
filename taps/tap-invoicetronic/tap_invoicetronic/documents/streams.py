"""The streams of documents, and of the invoices in them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from singer_sdk import StreamSchema
from typing_extensions import override

from singer_rest_core import DerivedStream
from tap_invoicetronic import fattura
from tap_invoicetronic.client import SCHEMAS
from tap_invoicetronic.documents.backlog import Progress
from tap_invoicetronic.documents.rows import DOCUMENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context

    from singer_rest_core import Record
    from tap_invoicetronic.documents.invoice_list import Direction, Invoice
    from tap_invoicetronic.documents.run import DocumentRun

_EXPORTED = "exported"


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
        if run is not None:
            is_test = self.ABORT_AT_RECORD_COUNT is not None
            yield from self._exported(run, is_test=is_test)
            yield from self._fetched(run, is_test=is_test)

    def _exported(self, run: DocumentRun, *, is_test: bool) -> Iterator[Record]:
        settings = run.exports.settings
        for period in settings.periods:
            exported = self.stream_state.get(_EXPORTED, [])
            if settings.key_of(period) in exported:
                continue
            archive = run.exports.archive(period, may_export=not is_test)
            if archive is None:
                continue
            for document in run.exports.documents(period, archive):
                yield from run.rows.of(document, self.name)
            self.remember(_EXPORTED, [*exported, settings.key_of(period)])

    def _fetched(self, run: DocumentRun, *, is_test: bool) -> Iterator[Record]:
        due: list[Invoice] = []
        progress: dict[Direction, Progress] = {}
        for direction in run.payloads:
            state: dict[str, Any] = dict(self.stream_state.get(direction, {}))
            start_date = self.config.get("start_date")
            own = progress[direction] = Progress(state, lookback=self.lookback, start_date=start_date)
            backlog = run.backlogs.read(direction, own.since)
            due += [invoice for invoice in backlog.invoices if own.is_due(invoice)]
            if backlog.is_complete:
                self.remember(direction, state)
        due.sort(key=lambda invoice: (invoice.moment, invoice.id))
        for invoice, document in run.fetcher.documents(due, may_fetch=not is_test):
            if document is not None:
                yield from run.rows.of(document, self.name)
            progress[invoice.direction].mark_done(invoice)


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


DOCUMENT_STREAMS: tuple[type[DocumentStream], ...] = (
    Document,
    Fattura,
    FatturaLine,
    FatturaPayment,
    FatturaVatSummary,
)
