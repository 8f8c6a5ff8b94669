"""What earlier runs have read: never paid for again, and read once more where the state does not tell its faults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_rest_core.records import instant
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
            waiting = {
                row_id: entry for row_id, entry in position.get(POSTPONED, {}).items() if not entry.get(IS_WRITTEN)
            }
            before = {name: position[name] for name in (_NEWEST, _TAKEN) if position.get(name)}
            changes[direction] = {
                **({READ_BEFORE: before} if before else {}),
                **({POSTPONED: waiting} if waiting else {}),
            }
    if exported := state.get(EXPORTED):
        changes |= {EXPORTED: [], EXPORTED_BEFORE: exported}
    return changes


class ReadBefore:
    """The exports that earlier runs have read, for any stream, and the received invoices whose documents they have.

    All these are stored. Where a file was moved away since, a stream that is younger than that gets no rows of it:
    requesting it again would cost again.

    Args:
        states: What the state holds of each stream of documents at the start of the run.
        lookback: How late a row may appear in a list.
    """

    def __init__(self, states: Iterable[Mapping[str, Any]], *, lookback: timedelta) -> None:
        """Take the positions of all streams."""
        self._ids: set[str] = set()
        self._positions: list[tuple[datetime, frozenset[str]]] = []
        """Before which instant a stream has read everything, except the documents it still waits for."""
        self._exports: set[str] = set()
        self._missing: set[str] = set()
        for state in states:
            self._exports.update(state.get(EXPORTED, []), state.get(EXPORTED_BEFORE, []))
            received = state.get("receive", {})
            waiting = frozenset(
                row_id for row_id, entry in received.get(POSTPONED, {}).items() if not entry.get(IS_WRITTEN)
            )
            for position in (received, received.get(READ_BEFORE, {})):
                self._ids.update(position.get(_TAKEN, {}))
                if position.get(_NEWEST):
                    self._positions.append((instant(position[_NEWEST]) - lookback, waiting))

    def includes(self, invoice: Invoice) -> bool:
        """Return whether the document of an invoice was read and paid for.

        Args:
            invoice: The invoice, as its list has it now.
        """
        if invoice.direction != "receive" or not invoice.is_read:
            return False
        row_id = str(invoice.id)
        return row_id in self._ids or any(
            invoice.moment < moment and row_id not in waiting for moment, waiting in self._positions
        )

    def includes_export(self, export: str) -> bool:
        """Return whether an export was made and read.

        Args:
            export: Its key.
        """
        return export in self._exports

    def note_missing(self, key: str) -> None:
        """Count a document or archive that was read and is no longer stored.

        Args:
            key: What identifies it among all that can fail.
        """
        self._missing.add(key)

    def line_about_missing(self, environment: str) -> str | None:
        """Return what to tell of documents and archives that are no longer stored; None if there are none.

        Args:
            environment: The folder of the store that documents are in.
        """
        if not self._missing:
            return None
        names = first_names(f"{environment}/{key.lower()}" for key in self._missing)
        count = len(self._missing)
        return (
            f"{count} documents or exports were read by earlier runs and are no longer below documents_url ({names}): "
            "they are not paid for again, and streams that had no rows of them get none. To get them, store the files "
            "there again and read these streams with an empty state"
        )
