"""The server's time: Productive limits it for each organization, to 30 minutes an hour and 6 hours a day."""

from __future__ import annotations

import threading
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from singer_rest_core import NotJson, body_of

if TYPE_CHECKING:
    from datetime import datetime

    import requests

_USED_UP = "server time limit exceeded"
_HOUR = 3600


class ServerTime:
    """Sums up what answers say of the server's time, from any thread."""

    def __init__(self) -> None:
        """Begin at zero."""
        self.seconds = 0.0
        self._lock = threading.Lock()

    def add(self, runtime: str) -> None:
        """Add what an answer took.

        Args:
            runtime: Its header `x-runtime`: seconds, or nothing.
        """
        try:
            seconds = float(runtime)
        except ValueError:
            return
        with self._lock:
            self.seconds += max(0.0, seconds)

    def __str__(self) -> str:
        """Say it as a clause."""
        return f"{self.seconds:.1f} s of the server's time"


def seconds_to_next_period(refusal: requests.Response, *, now: datetime) -> float | None:
    """Say when a limit of the server's time begins anew: by the hour at its top, by the day at midnight UTC.

    Args:
        refusal: A 429.
        now: The present instant.

    Returns:
        Seconds; None if it is a limit of requests.
    """
    try:
        body = body_of(refusal)
    except NotJson:
        return None
    errors = body.get("errors") if isinstance(body, dict) else None
    for error in errors if isinstance(errors, list) else ():
        if isinstance(error, dict) and str(error.get("title", "")).lower() == _USED_UP:
            moment = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
            period = error.get("period")
            if isinstance(period, int) and period > _HOUR:
                return (moment.replace(hour=0) + timedelta(days=1) - now).total_seconds()
            return (moment + timedelta(hours=1) - now).total_seconds()
    return None
