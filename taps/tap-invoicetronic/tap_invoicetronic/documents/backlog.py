"""The invoices whose documents are due: what the lists hold, and how far a stream has come in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from singer_rest_core import StreamUnavailable
from singer_rest_core.records import instant
from singer_rest_core.singer import lower_bound

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from tap_invoicetronic.documents.invoice_list import Direction, Invoice, InvoiceLists
    from tap_invoicetronic.documents.warn_once import WarnOnce


@dataclass(frozen=True)
class Backlog:
    """The invoices of one list.

    Args:
        since: The oldest `created` that was asked for; None if all were.
        invoices: The invoices, oldest first.
        is_complete: Whether every row of the list was seen.
    """

    since: str | None
    invoices: Sequence[Invoice]
    is_complete: bool


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

    def read(self, direction: Direction, since: str | None) -> Backlog:
        """Return the invoices of a list; it is read once a run if the first stream goes back the farthest.

        Args:
            direction: The list.
            since: The oldest `created` that is wanted; None for all.

        Returns:
            These and possibly older invoices; none if the key may not read the list.
        """
        known = self._known.get(direction)
        if known is None or (known.since is not None and (since is None or instant(since) < instant(known.since))):
            try:
                listed = self._lists.read(direction, since=since)
                known = Backlog(since, listed.invoices, listed.is_complete)
            except StreamUnavailable as forbidden:
                self._warn(f"documents of {direction} are skipped: {forbidden}")
                known = Backlog(None, (), is_complete=False)
            self._known[direction] = known
        return known


class Progress:
    """How far a stream has come in one list, oldest invoices first.

    Beside the newest `created` it keeps the ids of the invoices within the look-back before it, so that a row that
    appears late is found and no other is written twice, wherever its document is by then.

    Args:
        state: What the stream's state holds for the list: `newest`, and `taken`, which is `created` by id. Changed in
            place.
        lookback: How late a row may appear.
        start_date: The user's setting; rows created before it are not wanted.
    """

    def __init__(self, state: dict[str, Any], *, lookback: timedelta, start_date: str | None) -> None:
        """Continue from the state."""
        self.state = state
        self._done: dict[str, str] = state.setdefault("taken", {})
        self._lookback = lookback
        self.since = lower_bound(state.get("newest"), lookback=lookback, start_date=start_date)
        """The oldest `created` that is wanted; None for all."""

    def is_due(self, invoice: Invoice) -> bool:
        """Return whether an invoice is still to be written.

        Args:
            invoice: An invoice of the list.
        """
        if str(invoice.id) in self._done:
            return False
        return self.since is None or invoice.moment >= instant(self.since)

    def mark_done(self, invoice: Invoice) -> None:
        """Record that everything about an invoice's document was written.

        Args:
            invoice: The invoice.
        """
        newest = self.state.get("newest")
        if newest is None or invoice.moment > instant(newest):
            self.state["newest"] = newest = invoice.created
        self._done[str(invoice.id)] = invoice.created
        oldest = instant(newest) - self._lookback
        while instant(next(iter(self._done.values()))) < oldest:
            del self._done[next(iter(self._done))]
