"""How long to wait before a request is sent again: what the API asks for, else growing and jittered."""

from __future__ import annotations

import math
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

_RESETS = ("X-RateLimit-Reset", "RateLimit-Reset")
_EPOCH_FROM = 1_000_000_000
_LONGEST_BACKOFF = 60.0
_LONGEST_SENSIBLE = 366 * 86_400.0


def asked_wait(headers: Mapping[str, str], *, now: datetime, limited: bool) -> float | None:
    """Read how long an answer asks to wait.

    Args:
        headers: The answer's headers (case-insensitive mapping). `Retry-After` is in seconds or an HTTP date (RFC
            9110); the reset of a window is in seconds, or in epoch seconds where it is that large.
        now: The present instant.
        limited: Whether the answer is a 429. Only then does the reset of a window count: many APIs send it with every
            answer, and after a 500 nobody has to wait for it.

    Returns:
        Seconds, not below 0, or None if the answer does not say; more than a year is taken for nonsense.
    """
    for name in ("Retry-After", *(_RESETS if limited else ())):
        wait = _seconds(headers.get(name, "").strip(), now)
        if wait is not None and wait <= _LONGEST_SENSIBLE:
            return max(0.0, wait)
    return None


def backoff(attempt: int, *, uniform: Callable[[float, float], float]) -> float:
    """Say how long to wait after a failed attempt when the API does not.

    Args:
        attempt: 1 for the first attempt that failed.
        uniform: The source of jitter, `random.uniform` or a stand-in.

    Returns:
        Seconds: 1, 2, 4, … to 60, each taken between its half and its whole.
    """
    longest = min(_LONGEST_BACKOFF, 2.0 ** min(attempt - 1, 6))
    return uniform(longest / 2, longest)


def _seconds(value: str, now: datetime) -> float | None:
    try:
        seconds = float(value)
    except ValueError:
        moment = _http_date(value)
        return None if moment is None else (moment - now).total_seconds()
    if not math.isfinite(seconds):
        return None
    return seconds - now.timestamp() if seconds >= _EPOCH_FROM else seconds


def _http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
