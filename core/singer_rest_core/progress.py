"""What a person who watches a run sees: a line every few seconds, and one at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

EVERY = 5.0
"""Seconds between two lines."""


class Progress:
    """Counts the rows of a run.

    Args:
        say: Takes a line for the log.
        clock: The time in seconds, from any zero.
        quota: Says how much of the API's limits is used, in words; empty if it has none.
    """

    def __init__(self, say: Callable[[str], None], *, clock: Callable[[], float], quota: Callable[[], str]) -> None:
        """Start the clock."""
        self._say = say
        self._clock = clock
        self._quota = quota
        self._rows = 0
        self._stream = ""
        self._stream_rows = 0
        self.begin()

    def begin(self) -> None:
        """Start the clock now."""
        self._started = self._told = self._stream_began = self._clock()

    def page(self, stream: str, rows: int, total: int | None) -> None:
        """Take note of a page, and say how far the run is if it was silent for a while.

        Args:
            stream: Whose page.
            rows: How many rows it held.
            total: How many rows the stream has, or None if the API does not say.
        """
        now = self._clock()
        if stream != self._stream:
            self._stream, self._stream_began, self._stream_rows = stream, now, 0
        self._rows += rows
        self._stream_rows += rows
        if now - self._told >= EVERY:
            self._told = now
            self._say(self._line(now, total))

    def summary(self, requests: int) -> str:
        """Say what the run did.

        Args:
            requests: How many requests it sent.

        Returns:
            A clause for the last line.
        """
        seconds = self._clock() - self._started
        return f"{self._rows:,} rows with {requests:,} requests in {_span(seconds)}"

    def _line(self, now: float, total: int | None) -> str:
        seconds = now - self._stream_began
        rate = self._stream_rows / seconds if seconds > 0 else 0.0
        parts = [f"{self._stream}: {self._stream_rows:,}{f' of {total:,}' if total else ''} rows"]
        if rate:
            parts.append(f"{rate:,.0f} a second")
        if total and rate and total > self._stream_rows:
            parts.append(f"{_span((total - self._stream_rows) / rate)} left")
        quota = self._quota()
        return ", ".join([*parts, *([quota] if quota else [])])


def _span(seconds: float) -> str:
    """Write a time span for people."""
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
