"""The world's calendar, which only the admin moves, and the seconds of request windows, which it can move on."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

WORLD_START = datetime(2026, 3, 16, 7, 0, tzinfo=UTC)
"""08:00 in Zagreb, where the generated organization keeps its time."""

TICK = timedelta(milliseconds=7)
"""How far one admin change moves the calendar, so that no two changes share an instant by accident."""


class Clock:
    """The sandbox's time."""

    def __init__(self) -> None:
        """Start at `WORLD_START`."""
        self._advanced = 0.0
        self.now = WORLD_START

    def advance(self, seconds: float) -> None:
        """Let time pass, for the calendar and for the request windows alike."""
        self.now += timedelta(seconds=seconds)
        self._advanced += seconds

    def tick(self) -> datetime:
        """The instant of one admin change: a few milliseconds after the one before."""
        self.now += TICK
        return self.now

    def monotonic(self) -> float:
        """Seconds for request windows: the machine's, plus whatever the admin has advanced."""
        return time.monotonic() + self._advanced

    def wall(self) -> float:
        """Unix seconds for headers that name an instant: the machine's, plus whatever the admin has advanced."""
        return time.time() + self._advanced

    def reset(self) -> None:
        """Back to `WORLD_START`; the seconds of request windows keep running forward."""
        self.now = WORLD_START
