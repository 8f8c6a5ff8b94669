"""Rows whose own request failed: they are requested last, and less and less often, so that they hold up no other."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from singer_rest_core.records.timestamps import instant

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator
    from datetime import datetime

Key = TypeVar("Key")

_MOST = 10_000
"""So many keys are remembered, the oldest ones; others are simply requested in their turn again."""

_PAUSES_DAYS = (0, 2, 4, 8, 16, 32)
"""How long a row is not requested after it failed for the first, second, … time; the last one holds from then on."""


@dataclass(frozen=True)
class FailedRow:
    """A row whose request failed.

    Args:
        attempts: In how many runs it failed.
        next_attempt: Before when it is not requested again.
        entry: Its entry in the index of the list, as JSON, for rows that later runs do not list.
    """

    attempts: int
    next_attempt: datetime
    entry: Any

    def as_state(self) -> list[object]:
        """Return it as a JSON array for the state: there may be many."""
        moment = self.next_attempt.isoformat(timespec="seconds").replace("+00:00", "Z")
        return [self.attempts, moment, self.entry]

    @classmethod
    def in_state(cls, held: Any) -> FailedRow | None:  # noqa: ANN401 - whatever the state holds
        """Read it from the state.

        Args:
            held: What `as_state` returned.

        Returns:
            The row; None if what is there cannot be read.
        """
        try:
            attempts, moment, entry = held
            return cls(int(attempts), instant(str(moment)), entry)
        except (OverflowError, TypeError, ValueError):
            return None


@dataclass
class FailedRows:
    """The rows of a stream whose requests failed, by key.

    Args:
        rows: Those that are remembered, the oldest first.
    """

    rows: dict[str, FailedRow] = field(default_factory=dict)
    waiting: int = field(default=0, init=False)
    """How many rows are not requested in this run, as they failed before."""
    has_overflowed: bool = field(default=False, init=False)
    """Whether a row failed that is not remembered."""

    @classmethod
    def in_state(cls, held: object) -> FailedRows:
        """Read them from the stream's state.

        Args:
            held: What `as_state` returned.

        Returns:
            The rows that can be read.
        """
        entries = held.items() if isinstance(held, dict) else ()
        read = {str(key): FailedRow.in_state(entry) for key, entry in entries}
        return cls({key: row for key, row in read.items() if row is not None})

    def as_state(self) -> dict[str, object]:
        """Return them as a JSON object for the state."""
        return {key: row.as_state() for key, row in self.rows.items()}

    def in_turn(self, due: Iterable[Key], now: datetime) -> Iterator[Key]:
        """Put rows that failed before behind the others, and leave out those whose time has not come.

        Args:
            due: The keys of the rows to request.
            now: The present instant.

        Yields:
            The keys of the rows to request now.
        """
        again: list[Key] = []
        for key in due:
            row = self.rows.get(str(key))
            if row is None:
                yield key
            elif row.next_attempt <= now:
                again.append(key)
            else:
                self.waiting += 1
        yield from again

    def add(self, key: str, entry: object, now: datetime) -> None:
        """Remember that a row failed: it is requested again in the next run, then after 2, 4, 8, … days.

        Args:
            key: The row.
            entry: Its entry in the index of the list, as JSON.
            now: The present instant.
        """
        known = self.rows.get(key)
        if known is None and len(self.rows) >= _MOST:
            self.has_overflowed = True
            return
        attempts = known.attempts + 1 if known else 1
        pause = _PAUSES_DAYS[max(0, min(attempts, len(_PAUSES_DAYS)) - 1)]
        self.rows[key] = FailedRow(attempts, now + timedelta(days=pause), entry)

    def forget(self, key: str) -> None:
        """Forget a row: it was answered, or is gone.

        Args:
            key: The row.
        """
        self.rows.pop(key, None)

    def forget_all_but(self, keys: Container[str]) -> None:
        """Forget the rows that are not in the list any more.

        Args:
            keys: Those that are.
        """
        self.rows = {key: row for key, row in self.rows.items() if key in keys}
