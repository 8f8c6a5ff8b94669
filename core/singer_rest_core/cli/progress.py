"""What a person who watches a run sees: a line every few seconds, and one at the end."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from singer_rest_core.clock import Clock

EVERY = 5.0
"""Seconds between two lines."""


class Progress:
    """Counts the rows of a run.

    Args:
        say: Takes a line for the log; called from any thread.
        clock: Measures the run.
        quota: Says how much of the API's limits is used, in words; empty if it has none.
    """

    def __init__(self, say: Callable[[str], None], *, clock: Clock, quota: Callable[[], str]) -> None:
        """Start the clock."""
        self._say = say
        self._clock = clock
        self._quota = quota
        self._rows = 0
        self._stream = ""
        self._stream_rows = 0
        self._total: int | None = None
        self._started = self._told = self._stream_began = clock.monotonic()
        self._telling = threading.Lock()
        self._ended = threading.Event()

    def begin(self) -> None:
        """Start the clock now, and a thread that also says something while no page comes."""
        self._started = self._told = self._clock.monotonic()
        threading.Thread(target=self._watch, name="progress", daemon=True).start()

    def end(self) -> None:
        """Say nothing more but the summary."""
        self._ended.set()

    def stream(self, name: str) -> None:
        """Take note of the stream that is read from now on.

        Args:
            name: Its name.
        """
        if name != self._stream:
            self._stream, self._stream_began, self._stream_rows, self._total = name, self._clock.monotonic(), 0, None

    def page(self, rows: int, total: int | None) -> None:
        """Take note of a page of the stream.

        Args:
            rows: How many rows it held.
            total: How many rows the stream has, or None if the API does not say.
        """
        self._rows += rows
        self._stream_rows += rows
        self._total = total
        self.tell()

    def tell(self) -> None:
        """Say how far the run is, if it was silent for a while."""
        with self._telling:
            now = self._clock.monotonic()
            if self._stream and now - self._told >= EVERY:
                self._told = now
                self._say(self._line(now, self._total))

    def _watch(self) -> None:
        # In real seconds, whatever the clock: this thread watches the run, and is no part of it.
        while not self._ended.wait(EVERY):
            self.tell()

    def summary(self, requests: int) -> str:
        """Say what the run did.

        Args:
            requests: How many requests it sent.

        Returns:
            A clause for the last line.
        """
        seconds = self._clock.monotonic() - self._started
        return f"{self._rows:,} rows with {requests:,} requests in {time_span(seconds)}"

    def _line(self, now: float, total: int | None) -> str:
        seconds = now - self._stream_began
        rate = self._stream_rows / seconds if seconds > 0 else 0.0
        parts = [f"{self._stream}: {self._stream_rows:,}{f' of {total:,}' if total else ''} rows"]
        if rate:
            parts.append(f"{rate:,.0f} a second")
        if total and rate and total > self._stream_rows:
            parts.append(f"{time_span((total - self._stream_rows) / rate)} left")
        quota = self._quota()
        return ", ".join([*parts, *([quota] if quota else [])])


def time_span(seconds: float) -> str:
    """Write a time span for people.

    Args:
        seconds: How long.

    Returns:
        For example `36 s`, `1 min 40 s` or `138 h 51 min`.
    """
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
