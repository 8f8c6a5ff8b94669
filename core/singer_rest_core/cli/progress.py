"""Progress of a run for the person watching it, and a summary at the end."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from singer_rest_core.clock import time_span

if TYPE_CHECKING:
    from collections.abc import Callable

    from singer_rest_core.cli.terminal_line import TerminalLine
    from singer_rest_core.clock import Clock

REPORT_INTERVAL = 5.0
"""Seconds between two lines of the log."""

RENEWAL_INTERVAL = 0.25
"""Seconds until the line of a terminal is renewed."""

_UNITS = ((1, "a second"), (60, "a minute"), (3600, "an hour"))

_JOIN_TIMEOUT = 1.0
"""Seconds to wait for the thread at the end: it may be blocked by a full log pipe."""


class Progress:
    """Counts the rows of a run, and says how far it is: in one line that renews itself, or in a log line now and then.

    Args:
        log: Logs a line; called from any thread.
        clock: Measures the run.
        quota: Returns how much of the API's limits is used, in words; empty if it has none.
        terminal: The line of the terminal at which someone watches; None if there is none.
    """

    def __init__(
        self,
        log: Callable[[str], None],
        *,
        clock: Clock,
        quota: Callable[[], str],
        terminal: TerminalLine | None = None,
    ) -> None:
        """Start the clock."""
        self._terminal = terminal
        self._log = terminal.show if terminal is not None else log
        self._clock = clock
        self._quota = quota
        self._rows = 0
        self._stream = ""
        self._stream_rows = 0
        self._total: int | None = None
        self._started = self._last_report = self._stream_started = clock.monotonic()
        self._report_lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Restart the clock, and start a thread that also reports while no page arrives."""
        self._started = self._last_report = self._clock.monotonic()
        if self._terminal is not None:
            self._terminal.begin()
        self._thread = threading.Thread(target=self._report_regularly, name="progress", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop reporting; the thread logs nothing after this returns."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(_JOIN_TIMEOUT)
        if self._terminal is not None:
            self._terminal.end()

    def stream(self, name: str) -> None:
        """Set the stream that is being read.

        Args:
            name: Its name.
        """
        if name != self._stream:
            self._stream, self._stream_rows, self._total = name, 0, None
            self._stream_started = self._clock.monotonic()

    def page(self, rows: int, total: int | None) -> None:
        """Count a page of the stream.

        Args:
            rows: The number of its rows.
            total: The number of rows of the stream, or None if the API does not say.
        """
        self._rows += rows
        self._stream_rows += rows
        self._total = total
        self.report()

    def report(self) -> None:
        """Log how far the run is, unless the last line is recent."""
        with self._report_lock:
            now = self._clock.monotonic()
            if self._stream and now - self._last_report >= self._interval:
                self._last_report = now
                self._log(self._line(now, self._total))

    def _report_regularly(self) -> None:
        # In real seconds, whatever the clock: this thread watches the run and is not part of it.
        while not self._ended.wait(self._interval):
            self.report()

    @property
    def _interval(self) -> float:
        return REPORT_INTERVAL if self._terminal is None else RENEWAL_INTERVAL

    @property
    def total(self) -> int | None:
        """How many rows the stream that is being read has; None if the API does not say."""
        return self._total

    @property
    def rows(self) -> int:
        """How many rows were counted."""
        return self._rows

    def summary(self, requests: int, *, written: int | None = None) -> str:
        """Summarize the run.

        Args:
            requests: The number of requests it sent.
            written: The number of records it wrote; None where every row that was read is written.

        Returns:
            A clause for the last line.
        """
        seconds = self._clock.monotonic() - self._started
        rows = f"{self._rows:,} rows" if written is None else f"{self._rows:,} rows read, {written:,} written,"
        return f"{rows} with {requests:,} requests in {time_span(seconds)}"

    def _line(self, now: float, total: int | None) -> str:
        seconds = now - self._stream_started
        rate = self._stream_rows / seconds if seconds > 0 else 0.0
        parts = [f"{self._stream}: {self._stream_rows:,}{f' of {total:,}' if total else ''} rows"]
        if rate:
            parts.append(_speed(rate))
        if total and rate and total > self._stream_rows:
            parts.append(f"{time_span((total - self._stream_rows) / rate)} left")
        quota = self._quota()
        return ", ".join([*parts, *([quota] if quota else [])])


def _speed(rate: float) -> str:
    """Format rows a second for people, by the shortest unit of time in which there is one."""
    seconds, unit = next(((length, unit) for length, unit in _UNITS if rate * length >= 1), _UNITS[-1])
    return f"{rate * seconds:,.0f} {unit}"
