"""What earlier runs have read: never fetched again, and read once more where the state does not tell its faults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from singer_rest_core.records import instant, moved_back
from tap_invoicetronic.documents.failures import POSTPONED, first_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime, timedelta

    from tap_invoicetronic.documents.invoice_list import Direction, Invoice

DIRECTIONS: tuple[Direction, ...] = ("send", "receive")
EXPORTED, EXPORTED_BEFORE = "exported", "exported_before"
IS_WRITTEN = "is_written"
READ_BEFORE = "read_before"
"""The key of the position in a list that an earlier version has come to; its stored documents are read once more."""

_FAULTS_KEPT_SINCE = "faults_kept_since"
_NEWEST, _TAKEN = "newest", "taken"


def read_once_more(state: Mapping[str, Any], *, version: str) -> dict[str, Any]:
    """Return what a stream's state must hold so that documents which may have been refused are read once more.

    Versions that kept no faults left no trace of the documents they could not read: all that are stored are read again.

    Args:
        state: What the stream's state holds.
        version: The version of the tap.

    Returns:
        The keys that change; none if the state keeps faults.
    """
    if _FAULTS_KEPT_SINCE in state:
        return {}
    changes: dict[str, Any] = {_FAULTS_KEPT_SINCE: version}
    for direction in DIRECTIONS:
        if position := state.get(direction):
            waiting = _waiting(position)
            changes[direction] = {POSTPONED: waiting} if waiting else {}
            if newest := position.get(_NEWEST):
                changes[direction][READ_BEFORE] = {_NEWEST: newest, _TAKEN: _done(position)}
    if exported := state.get(EXPORTED):
        changes |= {EXPORTED: [], EXPORTED_BEFORE: exported}
    return changes


class ReadBefore:
    """The exports and documents that earlier runs have come to, for any stream.

    What was wanted of these is stored. A stream that is younger, or is read once more, gets no rows of what is not:
    requesting it could cost, a second time or for invoices that are older than anybody asked for.

    Args:
        states: What the state holds of each stream of documents at the start of the run.
        lookback: How late a row may appear in a list.
    """

    def __init__(self, states: Iterable[Mapping[str, Any]], *, lookback: timedelta) -> None:
        """Take the positions of all streams."""
        self._positions: list[_Position] = []
        self._exports: set[str] = set()
        self._missing: set[str] = set()
        for state in states:
            self._exports.update(state.get(EXPORTED, []), state.get(EXPORTED_BEFORE, []))
            for direction in DIRECTIONS:
                kept = state.get(direction, {})
                waiting = frozenset(_waiting(kept))
                for position in (kept, kept.get(READ_BEFORE, {})):
                    if newest := position.get(_NEWEST):
                        done = frozenset(_done(position))
                        since = moved_back(instant(newest), lookback)
                        self._positions.append(_Position(direction, since, done, waiting))

    def includes(self, invoice: Invoice) -> bool:
        """Return whether a stream has come to an invoice, and does not wait for its document.

        Args:
            invoice: The invoice.
        """
        return any(position.includes(invoice) for position in self._positions)

    def includes_export(self, export: str) -> bool:
        """Return whether a stream has read an export.

        Args:
            export: Its key.
        """
        return export in self._exports

    def note_missing(self, key: str) -> None:
        """Count a document or archive that a stream has come to and that is not stored.

        Args:
            key: What identifies it among all that can fail.
        """
        self._missing.add(key)

    def line_about_missing(self, environment: str) -> str | None:
        """Return what to tell of documents and archives that are not stored; None if there are none.

        Args:
            environment: The folder of the store that documents are in.
        """
        if not self._missing:
            return None
        names = first_names(f"{environment}/{key.lower()}" for key in self._missing)
        return (
            f"{len(self._missing)} documents or exports are older than what earlier runs have read and are not below "
            f"documents_url ({names}): they are not fetched again, and streams that had no rows of them get none. To "
            "get them, store the files there and read these streams with an empty state"
        )


class _Position(NamedTuple):
    """How far a stream has come in a list: all before an instant, some after it, none that it waits for."""

    direction: Direction
    before: datetime
    done: frozenset[str]
    waiting: frozenset[str]

    def includes(self, invoice: Invoice) -> bool:
        row_id = str(invoice.id)
        if invoice.direction != self.direction:
            return False
        return row_id in self.done or (invoice.moment < self.before and row_id not in self.waiting)


def _done(position: Mapping[str, Any]) -> dict[str, str]:
    """Return the invoices of a list that a stream is known to have written: `created` by their id."""
    postponed = position.get(POSTPONED, {}).items()
    late = {row_id: entry["created"] for row_id, entry in postponed if entry.get(IS_WRITTEN)}
    return {**position.get(_TAKEN, {}), **late}


def _waiting(position: Mapping[str, Any]) -> dict[str, Any]:
    """Return the documents of a list that a stream waits for, by the id of their invoice."""
    return {row_id: entry for row_id, entry in position.get(POSTPONED, {}).items() if not entry.get(IS_WRITTEN)}
