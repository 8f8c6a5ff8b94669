"""The time of day, seconds for measuring, and pauses: one object, so that a test can replace all three."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading


class Clock:
    """The machine's time."""

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds since an arbitrary start; they never go back."""
        return time.monotonic()

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        """Pause until an event is set or the time is over; an exception from a signal handler ends the pause, too.

        Args:
            event: What ends the pause early.
            seconds: The longest pause, or None for no limit.

        Returns:
            Whether the event is set.
        """
        return event.wait(seconds)
