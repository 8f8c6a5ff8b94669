"""The time of day, seconds for measuring, and pauses: one object, so that a test can replace all three; time spans."""

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


def time_span(seconds: float) -> str:
    """Format a time span for people, in units that fit it.

    Args:
        seconds: The time span.

    Returns:
        For example `0.4 s`, `36 s`, `1 min 40 s` or `138 h 51 min`.
    """
    if 0 < seconds < 0.95:  # noqa: PLR2004 - what rounds to less than a second
        return f"{max(0.1, seconds):.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
