"""Which version of a table may be activated after a complete read: pure functions of the stream's piece of state.

Loaders mark the rows of every version older than the one activated. A read beyond doubt activates its own version; any
other activates that of the last complete read, so that a row is marked only if two complete reads missed it. A list
that suddenly lacks most of its rows activates none until a later read agrees: an expired permission answers with none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from singer_rest_core.records.timestamps import instant

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping
    from datetime import datetime

LAST_READ = "complete_read"
"""The last complete read that was believed: version, rows and start."""

SHRUNKEN_READ = "shrunken_read"
"""The first complete read that found most rows gone and waits for another to agree."""

_FEWEST_GONE = 20
"""Rows: a list that loses fewer has not shrunk suspiciously."""

_AGREES_AFTER = timedelta(hours=20)


@dataclass(frozen=True)
class CompleteRead:
    """A read that came to the end of its list.

    Args:
        version: The version that its rows carry.
        rows: How many different rows came.
        began: When it began.
    """

    version: int
    rows: int
    began: datetime

    def as_state(self) -> dict[str, object]:
        """Return it as a JSON object for the state."""
        began = self.began.isoformat(timespec="seconds").replace("+00:00", "Z")
        return {"version": self.version, "rows": self.rows, "began": began}

    @classmethod
    def in_state(cls, state: Mapping[str, Any], name: str) -> CompleteRead | None:
        """Read one from the stream's state.

        Args:
            state: The stream's state.
            name: `LAST_READ` or `SHRUNKEN_READ`.

        Returns:
            The read; None if there is none, or what is there cannot be read.
        """
        held: Any = state.get(name)
        try:
            return cls(int(held["version"]), int(held["rows"]), instant(str(held["began"])))
        except (KeyError, OverflowError, TypeError, ValueError):
            return None


@dataclass(frozen=True)
class Activation:
    """What a complete read tells the loader.

    Args:
        version: The version to activate; None for none.
        warning: What the user should know, as a sentence; empty if there is nothing.
        is_error: Whether the run has to end non-zero for it.
    """

    version: int | None
    warning: str = ""
    is_error: bool = False


def next_version(state: Mapping[str, Any], now: int) -> int:
    """Return the version of a complete read that begins.

    Args:
        state: The stream's state.
        now: The present instant, in milliseconds since 1970.

    Returns:
        That instant, unless the last complete read has a version as new: clocks go back, too.
    """
    versions = [read.version for name in (LAST_READ, SHRUNKEN_READ) if (read := CompleteRead.in_state(state, name))]
    return max([now, *(version + 1 for version in versions)])


def activation(state: MutableMapping[str, Any], read: CompleteRead, *, is_certain: bool) -> Activation:
    """Decide which version to activate, and keep the read in the state.

    Args:
        state: The stream's state; changed in place.
        read: The read that came to its end.
        is_certain: Whether it surely missed no row: its counts agree, or it had one page.

    Returns:
        What to tell the loader and the user.
    """
    last = CompleteRead.in_state(state, LAST_READ)
    if last is None or last.rows - read.rows < _FEWEST_GONE or 2 * read.rows >= last.rows:
        state.pop(SHRUNKEN_READ, None)
        state[LAST_READ] = read.as_state()
        return Activation(read.version if is_certain else last.version if last else None)
    found = f"the list has {read.rows:,} rows; the last complete read found {last.rows:,}"
    is_empty = read.rows == 0
    shrunken = CompleteRead.in_state(state, SHRUNKEN_READ)
    if shrunken is None or read.began - shrunken.began < _AGREES_AFTER:
        state[SHRUNKEN_READ] = (shrunken or read).as_state()
        return Activation(
            None,
            f"{found}. Its permissions may have changed: no row is marked as deleted until a read that begins at least "
            "20 hours later finds the same",
            is_error=is_empty,
        )
    state.pop(SHRUNKEN_READ, None)
    state[LAST_READ] = read.as_state()
    return Activation(
        read.version if is_certain else shrunken.version,
        f"{found}, and a read at least 20 hours ago found the same: the rows that are gone are marked as deleted",
        is_error=is_empty,
    )
