"""The invoices whose documents are due: what the lists hold, and how far a stream has come in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from singer_rest_core import RequestFailed, StreamUnavailable
from singer_rest_core.records import instant, moved_back
from singer_rest_core.singer import lower_bound
from tap_invoicetronic.documents.failures import POSTPONED, Failure, document_key
from tap_invoicetronic.documents.invoice_list import Invoice
from tap_invoicetronic.documents.read_before import IS_WRITTEN, READ_BEFORE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from tap_invoicetronic.documents.invoice_list import Direction, InvoiceLists
    from tap_invoicetronic.documents.warn_once import WarnOnce


@dataclass(frozen=True)
class Backlog:
    """The invoices of one list.

    Args:
        since: The oldest `created` that was asked for; None if all were.
        invoices: The invoices, oldest first.
        is_complete: Whether every row of the list was seen.
        refusal: Why the key may not read the list; None if it may.
    """

    since: str | None
    invoices: Sequence[Invoice]
    is_complete: bool
    refusal: str | None = None


class Backlogs:
    """The backlogs of /send and /receive, shared by the streams of a run.

    Args:
        lists: Reads a list.
        warn: Logs what is left out.
    """

    def __init__(self, lists: InvoiceLists, warn: WarnOnce) -> None:
        """Start with nothing read."""
        self._lists = lists
        self._warn = warn
        self._known: dict[Direction, Backlog] = {}
        self._failed: dict[Direction, RequestFailed] = {}

    def read(self, direction: Direction, since: str | None) -> Backlog:
        """Return the invoices of a list; it is read once a run if the first stream goes back the farthest.

        Args:
            direction: The list.
            since: The oldest `created` that is wanted; None for all.

        Returns:
            These and possibly older invoices; none if the key may not read the list.

        Raises:
            RequestFailed: If the list cannot be read, for the first stream or another one.
        """
        if direction in self._failed:
            raise self._failed[direction]
        known = self._known.get(direction)
        if known is None or (known.since is not None and (since is None or instant(since) < instant(known.since))):
            try:
                listed = self._lists.read(direction, since=since)
                known = Backlog(since, listed.invoices, listed.is_complete)
            except StreamUnavailable as forbidden:
                self._warn(f"documents of {direction} are skipped: {forbidden}")
                known = Backlog(None, (), is_complete=False, refusal=str(forbidden))
            except RequestFailed as error:
                self._failed[direction] = error
                raise
            self._known[direction] = known
        return known

    def refusal(self, direction: Direction) -> str | None:
        """Return why the key may not read a list; None if it may, or if that was not tried.

        Args:
            direction: The list.
        """
        known = self._known.get(direction)
        return known.refusal if known is not None else None


class Progress:
    """How far a stream has come in one list, oldest invoices first.

    Beside the newest `created` it keeps the ids of the invoices within the look-back before it, so that a row that
    appears late is found and no other is written twice, wherever its document is by then; and the invoices before it
    whose documents could not be had yet.

    Args:
        state: What the stream's state holds for the list: `newest`, `taken`, which is `created` by id, `postponed`, and
            `read_before`, which is kept until the stream has come as far. Changed in place.
        direction: The list.
        lookback: How late a row may appear.
        start_date: The user's setting; rows created before it are not wanted.
    """

    def __init__(
        self, state: dict[str, Any], *, direction: Direction, lookback: timedelta, start_date: str | None
    ) -> None:
        """Continue from the state."""
        before = state.get(READ_BEFORE, {}).get("newest")
        if before is None or ("newest" in state and instant(before) <= instant(state["newest"])):
            state.pop(READ_BEFORE, None)
        self._position = {name: value for name, value in state.items() if name != POSTPONED}
        self.state = state
        self._done: dict[str, str] = dict(state.get("taken", {}))
        state["taken"] = self._done
        self._direction = direction
        self._lookback = lookback
        self.since = lower_bound(state.get("newest"), lookback=lookback, start_date=start_date)
        """The oldest `created` that is wanted; None for all."""
        postponed = {row_id: entry for row_id, entry in state.pop(POSTPONED, {}).items() if not self._is_over(entry)}
        if postponed:
            state[POSTPONED] = postponed

    @property
    def postponed(self) -> dict[str, Any]:
        """What the state holds of postponed invoices by id, also of those that were written meanwhile."""
        held: dict[str, Any] = self.state.get(POSTPONED, {})
        return held

    @property
    def postponed_invoices(self) -> list[Invoice]:
        """The invoices whose documents are still to be had: those with the fewest failures first, then the oldest."""
        invoices = [
            Invoice.of_state(document_key(self._direction, row_id), entry)
            for row_id, entry in self.postponed.items()
            if not entry.get(IS_WRITTEN)
        ]
        failures = {row_id: Failure.of_state(entry).times for row_id, entry in self.postponed.items()}
        return sorted(invoices, key=lambda invoice: (failures[str(invoice.id)], invoice.moment, invoice.id))

    def kept(self, *, is_complete: bool) -> dict[str, Any]:
        """Return what the state may hold.

        Args:
            is_complete: Whether every row of the list was seen; if not, it is read again from where this run began.
        """
        if is_complete:
            return self.state
        return {**self._position, **({POSTPONED: self.postponed} if self.postponed else {})}

    def is_due(self, invoice: Invoice) -> bool:
        """Return whether an invoice is still to be written, and not postponed.

        Args:
            invoice: An invoice of the list.
        """
        if self.is_done(invoice) or str(invoice.id) in self.postponed:
            return False
        return self.since is None or invoice.moment >= instant(self.since)

    def _is_over(self, entry: Mapping[str, Any]) -> bool:
        """Return whether a postponed invoice was written, and its list does not show it as new any more."""
        return (
            bool(entry.get(IS_WRITTEN)) and self.since is not None and instant(entry["created"]) < instant(self.since)
        )

    def is_done(self, invoice: Invoice) -> bool:
        """Return whether everything about an invoice's document was written; known for those within the look-back.

        Args:
            invoice: The invoice.
        """
        return str(invoice.id) in self._done or bool(self.postponed.get(str(invoice.id), {}).get(IS_WRITTEN))

    def postpone(self, invoice: Invoice, failure: Failure | None, *, export: str | None = None) -> None:
        """Record that an invoice's document is still to be had.

        Args:
            invoice: The invoice.
            failure: How often it was requested in vain; None if it was not requested.
            export: The export that it is expected to come with; None if it is requested by itself.
        """
        entry = invoice.as_state()
        if export is not None:
            entry["export"] = export
        if failure is not None:
            entry |= failure.as_state()
        self.state.setdefault(POSTPONED, {})[str(invoice.id)] = entry

    def mark_done(self, invoice: Invoice) -> None:
        """Record that everything about an invoice's document was written.

        Args:
            invoice: The invoice.
        """
        if str(invoice.id) in self.postponed:
            self._mark_postponed_done(invoice)
            return
        newest = self.state.get("newest")
        if newest is None or invoice.moment > instant(newest):
            self.state["newest"] = newest = invoice.created
        oldest = moved_back(instant(newest), self._lookback)
        self._done[str(invoice.id)] = invoice.created
        while instant(next(iter(self._done.values()))) < oldest:
            del self._done[next(iter(self._done))]

    def _mark_postponed_done(self, invoice: Invoice) -> None:
        """Forget an invoice that was postponed, but not where its list may still show it as new.

        The position in the list stays: there may be invoices before this one that were not reached.
        """
        if self.since is None or invoice.moment >= instant(self.since):
            self.postponed[str(invoice.id)] = {"created": invoice.created, IS_WRITTEN: True}
            return
        del self.postponed[str(invoice.id)]
        if not self.postponed:
            del self.state[POSTPONED]
