"""What the streams that are made of documents have in common."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from singer_rest_core import DerivedStream
from singer_rest_core.records.timestamps import instant
from singer_rest_core.singer.bookmarks import lower_bound
from tap_invoicetronic import fattura

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk.helpers.types import Context

    from singer_rest_core import Record
    from tap_invoicetronic.invoices import Direction, Invoice
    from tap_invoicetronic.library import Library
    from tap_invoicetronic.shelf import Kept
    from tap_invoicetronic.tap import TapInvoicetronic

_EXPORTED = "exported"


class Progress:
    """How far a stream has come in one list, oldest first.

    Beside the newest `created` it keeps the ids of the rows of the look-back before it, so that a row that appears late
    is found and no other is taken twice, wherever its document may be by then.

    Args:
        state: What the state holds of it: `newest`, and `created` by id. Changed in place.
        lookback: How late a row may appear.
        start_date: The user's setting; rows made before it are not wanted.
    """

    def __init__(self, state: dict[str, Any], *, lookback: timedelta, start_date: str | None) -> None:
        """Take up where the state is."""
        self.state = state
        self._taken: dict[str, str] = state.setdefault("taken", {})
        self._lookback = lookback
        self.since = lower_bound(state.get("newest"), lookback=lookback, start_date=start_date)

    def wants(self, invoice: Invoice) -> bool:
        """Tell whether an invoice is still to be taken.

        Args:
            invoice: One of the list.

        Returns:
            Whether it is.
        """
        if str(invoice.id) in self._taken:
            return False
        return self.since is None or invoice.moment >= instant(self.since)

    def take(self, invoice: Invoice) -> None:
        """Note that all of an invoice's document was written.

        Args:
            invoice: The invoice.
        """
        newest = self.state.get("newest")
        if newest is None or invoice.moment > instant(newest):
            self.state["newest"] = newest = invoice.created
        self._taken[str(invoice.id)] = invoice.created
        oldest = instant(newest) - self._lookback
        while instant(next(iter(self._taken.values()))) < oldest:
            del self._taken[next(iter(self._taken))]


class DocumentStream(DerivedStream):
    """A stream made of documents: those of `export_periods`, then those of `payloads`.

    Each stream keeps its own progress, and the documents themselves are kept: any of them may be read alone, later, or
    again, and nothing is fetched twice.
    """

    records_per_state = 100

    @property
    def lookback(self) -> timedelta:
        """The setting `lookback_minutes`."""
        return timedelta(minutes=self.config["lookback_minutes"])

    @property
    def _library(self) -> Library | None:
        tap: TapInvoicetronic = self.rest_tap  # type: ignore[assignment] # streams of this module belong to that tap
        return tap.library

    def make_records(self) -> Iterator[Record]:
        """Make the rows of all documents that are due.

        Yields:
            Rows.
        """
        self.has_read_all = False  # rows of earlier runs stay: the loader shall not take them for deleted
        library = self._library
        if library is None:
            return
        library.errands.are_off = self.ABORT_AT_RECORD_COUNT is not None
        yield from self._of_exports(library)
        yield from self._of_payloads(library)

    def _of_exports(self, library: Library) -> Iterator[Record]:
        exports = library.exports
        for period in exports.periods:
            exported = self.stream_state.get(_EXPORTED, [])
            if exports.key_of(period) in exported:
                continue
            archive = exports.archive(period)
            if archive is None:
                continue
            yield from self.rows_of(archive, library)
            for file in exports.files(period, archive):
                yield from self.rows_of(file, library)
            self.remember(_EXPORTED, [*exported, exports.key_of(period)])

    def _of_payloads(self, library: Library) -> Iterator[Record]:
        due: list[Invoice] = []
        progress: dict[Direction, Progress] = {}
        for direction in library.directions:
            state = dict(self.stream_state.get(direction, {}))
            start_date = self.config.get("start_date")
            own = progress[direction] = Progress(state, lookback=self.lookback, start_date=start_date)
            backlog = library.backlog(direction, own.since)
            due += [invoice for invoice in backlog.invoices if own.wants(invoice)]
            if backlog.is_whole:
                self.remember(direction, state)
        due.sort(key=lambda invoice: (invoice.moment, invoice.id))
        for invoice, document in library.documents(due):
            if document is not None:
                yield from self.rows_of(document, library)
            progress[invoice.direction].take(invoice)

    def rows_of(self, kept: Kept, library: Library) -> Iterator[Record]:
        """Make the rows of one document.

        Args:
            kept: The document.
            library: Where it is kept.

        Yields:
            Rows; for `document`, its description.
        """
        yield library.shelf.record(kept)


class FatturaStream(DocumentStream):
    """A stream of rows of invoices; its name is that of the rows in `fattura`."""

    def post_process(self, row: Record, context: Context | None = None) -> Record | None:  # noqa: ARG002 - the SDK's hook
        """Leave a row as it is: it was made to fit its schema where the document was read.

        Args:
            row: A row.
            context: The partition, or None.

        Returns:
            The same.
        """
        return row

    def rows_of(self, kept: Kept, library: Library) -> Iterator[Record]:
        """Make the rows of one document.

        Args:
            kept: The document.
            library: Where it is kept.

        Yields:
            Rows; none of an archive, and none of a file that is no invoice, of which the log tells.
        """
        if kept.invoice is None:
            return
        origin = fattura.Origin(kept.invoice.direction, kept.invoice.id, kept.file_name)
        try:
            rows = fattura.read(library.shelf.read(kept), origin)
        except fattura.NotAFattura as fault:
            library.errands.tell(f"{kept.name} ({kept.file_name}) is kept, but no rows are made of it: {fault}")
            return
        yield from rows[self.name]
