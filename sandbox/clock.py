"""The time of the sandbox: a calendar that only the admin moves, and seconds that the admin can advance."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

WORLD_START = datetime(2026, 3, 16, 7, 0, tzinfo=UTC)
"""08:00 in Zagreb, the time zone of the generated organization."""

TICK = timedelta(milliseconds=7)
"""How far one admin change moves the calendar, so that changes do not share an instant by accident."""


class Clock:
    """The sandbox's time."""

    def __init__(self) -> None:
        """Start at `WORLD_START`."""
        self._advanced = 0.0
        self.now = WORLD_START
        self.wall_is_calendar = False
        """Whether headers have the time of the calendar instead of the machine's, as a real API's do."""

    def advance(self, seconds: float) -> None:
        """Advance the calendar and the request windows."""
        self.now += timedelta(seconds=seconds)
        self._advanced += seconds

    def tick(self) -> datetime:
        """Advance the calendar by `TICK` and return the instant of one admin change."""
        self.now += TICK
        return self.now

    def monotonic(self) -> float:
        """Return the seconds that request windows count by: the machine's, plus what the admin has advanced."""
        return time.monotonic() + self._advanced

    def wall(self) -> float:
        """Return Unix seconds for headers that contain an instant: the machine's, plus what the admin has advanced."""
        return self.now.timestamp() if self.wall_is_calendar else time.time() + self._advanced

    def reset(self) -> None:
        """Return to `WORLD_START`; the seconds of request windows keep running forward."""
        self.now = WORLD_START
        self.wall_is_calendar = False
