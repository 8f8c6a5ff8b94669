"""Server time: Productive limits it for each organization, to 30 minutes an hour and 6 hours a day."""

from __future__ import annotations

import threading
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from singer_rest_core import NotJson, body_of
from singer_rest_core.clock import time_span
from tap_productive.error_bodies import errors_in

if TYPE_CHECKING:
    from datetime import datetime

    import requests

_USED_UP = "server time limit exceeded"
_MINUTE, _HOUR = 60, 3600


class ServerTime:
    """Adds up the server time that answers state, from any thread."""

    def __init__(self) -> None:
        """Start at zero."""
        self.seconds = 0.0
        self._lock = threading.Lock()

    def add(self, runtime: str) -> None:
        """Add the server time of one answer.

        Args:
            runtime: Its header `x-runtime`, in seconds; anything else is ignored.
        """
        try:
            seconds = float(runtime)
        except ValueError:
            return
        with self._lock:
            self.seconds += max(0.0, seconds)

    def __str__(self) -> str:
        """Return the sum as a clause."""
        used = f"{self.seconds:.1f} s" if self.seconds < _MINUTE else time_span(self.seconds)
        return f"{used} of the server's time"


def seconds_to_next_period(refusal: requests.Response, *, now: datetime) -> float | None:
    """Return how long until a limit of server time is reset: at the full hour, or at midnight UTC for a daily limit.

    Args:
        refusal: A 429.
        now: The present instant.

    Returns:
        Seconds; None if it is a limit of requests.
    """
    try:
        errors = errors_in(body_of(refusal))
    except NotJson:
        return None
    for error in errors:
        if str(error.get("title", "")).lower() == _USED_UP:
            moment = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
            period = error.get("period")
            if isinstance(period, int) and period > _HOUR:
                return (moment.replace(hour=0) + timedelta(days=1) - now).total_seconds()
            return (moment + timedelta(hours=1) - now).total_seconds()
    return None
