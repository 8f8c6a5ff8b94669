"""How long to wait before a request is sent again: what a header asks for, else growing and jittered."""

from __future__ import annotations

import contextlib
import math
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

_EPOCH_FROM = 1_000_000_000
_MILLISECONDS_FROM = 100_000_000_000
_LONGEST_BACKOFF = 60.0
_LONGEST_SENSIBLE = 366 * 86_400.0
_CLOCKS_AGREE = 2.0
"""Seconds: a `Date` is cut to whole seconds and a little old; nearer than this, our own clock is the better one."""


def delay(value: str, now: datetime) -> float | None:
    """Read how long a header asks to wait.

    Args:
        value: `Retry-After` is in seconds or an HTTP date (RFC 9110); the reset of a window is in seconds, or in epoch
            seconds or milliseconds where it is that large.
        now: The present instant, by the clock that made the value (see `server_time`).

    Returns:
        Seconds, not below 0, or None if the value does not say; more than a year is taken for nonsense.
    """
    try:
        seconds = float(value)
    except ValueError:
        moment = _http_date(value.strip())
        if moment is None:
            return None
        seconds = (moment - now).total_seconds()
    else:
        if seconds >= _EPOCH_FROM:
            seconds = (seconds / 1000 if seconds >= _MILLISECONDS_FROM else seconds) - now.timestamp()
    return max(0.0, seconds) if math.isfinite(seconds) and seconds <= _LONGEST_SENSIBLE else None


def server_time(headers: Mapping[str, str], now: datetime) -> datetime:
    """Give the server's own time where its clock and ours differ, as its epochs and dates are of its clock.

    Args:
        headers: The headers of an answer that just came.
        now: The present instant by our clock.

    Returns:
        The answer's `Date`, or `now` where it has none, or one that is close.
    """
    there = _http_date(headers.get("Date", headers.get("date", "")))
    return now if there is None or abs((there - now).total_seconds()) <= _CLOCKS_AGREE else there


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


def _http_date(value: str) -> datetime | None:
    with contextlib.suppress(ValueError):
        moment = parsedate_to_datetime(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None
