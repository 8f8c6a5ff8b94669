"""The documents that one stream still has to write, and what the state keeps of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_invoicetronic.documents.backlog import Progress
from tap_invoicetronic.documents.failures import document_key
from tap_invoicetronic.documents.fetch import Postponed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from tap_invoicetronic.documents.fetch import Fetched
    from tap_invoicetronic.documents.invoice_list import Direction, Invoice
    from tap_invoicetronic.documents.run import DocumentRun


class DueDocuments:
    """The documents that one stream still has to write.

    Args:
        run: What the streams of documents share.
    """

    def __init__(self, run: DocumentRun) -> None:
        """Start without lists."""
        self._run = run
        self._progress: dict[Direction, Progress] = {}
        self._complete: set[Direction] = set()
        self._new: list[Invoice] = []

    @property
    def new(self) -> list[Invoice]:
        """The invoices whose documents have not been requested yet, oldest first."""
        return sorted(self._new, key=lambda invoice: (invoice.moment, invoice.id))

    @property
    def postponed(self) -> list[Invoice]:
        """The invoices whose documents are requested after those, without those that come with an export."""
        return [
            invoice
            for progress in self._progress.values()
            for invoice in progress.postponed_invoices
            if not self._run.exports.is_awaited(progress.postponed[str(invoice.id)].get("export", ""))
        ]

    def add_list(
        self, direction: Direction, state: dict[str, Any], *, lookback: timedelta, start_date: str | None
    ) -> None:
        """Add what is due of a list; nothing if the key may not read it.

        Args:
            direction: The list.
            state: What the stream's state holds for it.
            lookback: How late a row may appear.
            start_date: The user's setting.

        Raises:
            RequestFailed: If the list cannot be read.
        """
        progress = Progress(state, direction=direction, lookback=lookback, start_date=start_date)
        backlog = self._run.backlogs.read(direction, progress.since)
        if backlog.refusal is not None:
            return
        self._progress[direction] = progress
        if backlog.is_complete:
            self._complete.add(direction)
        for invoice in backlog.invoices:
            if progress.is_due(invoice):
                self._add(invoice, progress)

    def settle(self, invoice: Invoice, fetched: Fetched) -> None:
        """Record what became of a document.

        Args:
            invoice: Its invoice.
            fetched: The document, whose rows were written; why it was postponed; None if it no longer exists.
        """
        progress = self._progress[invoice.direction]
        if isinstance(fetched, Postponed):
            progress.postpone(invoice, self._run.failures.get(_key(invoice)))
        else:
            progress.mark_done(invoice)

    def postpone_failed(self) -> None:
        """Record the requests that failed, one that was under way when the run was ended included."""
        for invoice in self._new:
            progress, failure = self._progress[invoice.direction], self._run.failures.get(_key(invoice))
            if failure is not None and not progress.is_done(invoice):
                progress.postpone(invoice, failure)

    def states(self) -> Iterator[tuple[Direction, dict[str, Any]]]:
        """Return what the state may hold for each list, where there is something to hold.

        Yields:
            The list and its state.
        """
        for direction, progress in self._progress.items():
            is_complete = direction in self._complete
            if is_complete or progress.postponed:
                yield direction, progress.kept(is_complete=is_complete)

    def _add(self, invoice: Invoice, progress: Progress) -> None:
        """Add an invoice to the new ones, or to the postponed ones if its document failed for another stream."""
        failure = self._run.failures.get(_key(invoice))
        export = self._run.exports.awaited(invoice.days) if invoice.direction == "receive" else None
        if failure is None and export is None:
            self._new.append(invoice)
        else:
            progress.postpone(invoice, failure, export=export)


def _key(invoice: Invoice) -> str:
    return document_key(invoice.direction, invoice.id)
