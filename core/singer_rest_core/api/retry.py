"""Whether and when a request is sent again: after the delay that a header asks for, otherwise after growing waits."""

from __future__ import annotations

import contextlib
import math
import random
from collections import Counter
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from typing import TYPE_CHECKING

from singer_rest_core.clock import time_span

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

_MAX_FAILURES = 6
"""Of each kind but 429, which is limited by waiting time alone."""
_MAX_FAILURES_WITHOUT_ANY_RESPONSE = 3
_MAX_IDLE_RENEWALS = 5
"""How often credentials are renewed for a request while no other request is accepted."""
_MIN_EPOCH = 1_000_000_000
_MIN_EPOCH_IN_MILLISECONDS = 100_000_000_000
_MAX_BACKOFF = 60.0
_MAX_DELAY = 366 * 86_400.0
_MAX_CLOCK_DIFFERENCE = 2.0
"""Seconds: a `Date` is cut to whole seconds and a little old; nearer than this, our own clock is the better one."""


class LongWait(Exception):
    """A request would have to wait longer than its caller accepts.

    Args:
        seconds: How long from now, at least.
    """

    def __init__(self, seconds: float) -> None:
        """Keep the wait; the message is up to the caller."""
        super().__init__(time_span(seconds))
        self.seconds = seconds


class AttemptsExhausted(Exception):
    """A request has failed as often as it may."""


class Failure(Enum):
    """Why an attempt failed; each kind has a budget of its own."""

    RATE_LIMITED = auto()
    """429."""
    SERVER_ERROR = auto()
    """5xx."""
    BROKEN_BODY = auto()
    """A response whose body is cut short, cannot be decompressed or is not JSON."""
    LOST_CONNECTION = auto()
    """No response: the connection was refused or lost, or timed out."""


class RetryLoop:
    """Decides after each failure of one request whether and when it is sent again; sends and waits nothing itself.

    Each kind of failure has its own budget, so that a long series of 429s does not use up the attempts that a server
    error later needs: 429s may wait `max_wait` in all, each other kind may occur six times.

    Example:
        >>> retries = RetryLoop(max_wait=600)
        >>> retries.begin_attempt()
        >>> 0.5 <= retries.wait_after(Failure.SERVER_ERROR) <= 1.0
        True

    Args:
        max_wait: Seconds: the sum of waits that the API asks for, and of those after 429, may not be longer.
        uniform: The source of jitter, for tests.
    """

    def __init__(self, *, max_wait: float, uniform: Callable[[float, float], float] = random.uniform) -> None:
        """Begin before the first attempt."""
        self.attempts = 0
        self._max_wait = max_wait
        self._uniform = uniform
        self._failures: Counter[Failure] = Counter()
        self._waited = 0.0
        self._idle_renewals = 0
        self._accepted_at_renewal = -1

    def begin_attempt(self) -> None:
        """Count an attempt; called before the request is sent."""
        self.attempts += 1

    def wait_after(
        self, failure: Failure, retry_after: float | None = None, *, api_has_responded: bool = True
    ) -> float:
        """Return how long to wait after an attempt that failed.

        Args:
            failure: What went wrong.
            retry_after: Seconds that the response asks to wait; None or 0 if it does not.
            api_has_responded: Whether any request of this run got a response; if not, the API is given up earlier.

        Returns:
            Seconds: a little more than `retry_after`, so that requests held back together do not return together.

        Raises:
            LongWait: If the API asks for more than is left of `max_wait`.
            AttemptsExhausted: If this was the last attempt.
        """
        self._failures[failure] += 1
        count = self._failures[failure]
        wait = self._with_jitter(retry_after) if retry_after else backoff(count, uniform=self._uniform)
        if retry_after or failure is Failure.RATE_LIMITED:
            if self._waited + wait > self._max_wait:
                raise LongWait(wait)
            self._waited += wait
        most = _MAX_FAILURES if api_has_responded else _MAX_FAILURES_WITHOUT_ANY_RESPONSE
        if failure is not Failure.RATE_LIMITED and count >= most:
            raise AttemptsExhausted
        return wait

    def may_renew_credentials(self, *, accepted: int, in_flight: int) -> bool:
        """Return whether new credentials may help after a 401; counts the renewal.

        Once, in general. Again where other requests were accepted since, or where those in flight may have used up the
        new credentials, too.

        Args:
            accepted: How many requests of the run were accepted so far.
            in_flight: How many requests are being sent, this one included.
        """
        self._idle_renewals = 0 if accepted > self._accepted_at_renewal else self._idle_renewals + 1
        self._accepted_at_renewal = accepted
        return self._idle_renewals == 0 or (in_flight > 1 and self._idle_renewals < _MAX_IDLE_RENEWALS)

    def _with_jitter(self, seconds: float) -> float:
        return seconds + self._uniform(0, min(1.0, seconds / 10))


def backoff(attempt: int, *, uniform: Callable[[float, float], float]) -> float:
    """Return how long to wait after a failed attempt when the API does not say.

    Args:
        attempt: 1 for the first attempt that failed.
        uniform: The source of jitter, `random.uniform` or a stand-in.

    Returns:
        Seconds: 1, 2, 4, … to 60, each between half of it and all of it.
    """
    longest = min(_MAX_BACKOFF, 2.0 ** min(attempt - 1, 6))
    return uniform(longest / 2, longest)


def parse_delay(value: str, now: datetime) -> float | None:
    """Return the delay that a header asks for.

    Args:
        value: `Retry-After` is in seconds or an HTTP date (RFC 9110); the reset of a window is in seconds, or in epoch
            seconds or milliseconds where it is that large.
        now: The present instant, by the clock that made the value (see `server_time`).

    Returns:
        Seconds, at least 0, or None if the value is not a delay; more than a year is taken for nonsense.
    """
    try:
        seconds = float(value)
    except ValueError:
        moment = _parse_http_date(value.strip())
        if moment is None:
            return None
        seconds = (moment - now).total_seconds()
    else:
        if seconds >= _MIN_EPOCH:
            seconds = (seconds / 1000 if seconds >= _MIN_EPOCH_IN_MILLISECONDS else seconds) - now.timestamp()
    return max(0.0, seconds) if math.isfinite(seconds) and seconds <= _MAX_DELAY else None


def server_time(headers: Mapping[str, str], now: datetime) -> datetime:
    """Return the present instant by the clock of a server, which its epochs and dates are based on.

    Args:
        headers: The headers of a response that just came.
        now: The present instant by our clock.

    Returns:
        The response's `Date`, or `now` where it has none, or one that is close.
    """
    date = _parse_http_date(headers.get("Date", headers.get("date", "")))
    return now if date is None or abs((date - now).total_seconds()) <= _MAX_CLOCK_DIFFERENCE else date


def _parse_http_date(value: str) -> datetime | None:
    # A zone of twenty digits is no ValueError.
    with contextlib.suppress(ValueError, OverflowError):
        moment = parsedate_to_datetime(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None
