"""How much of a rate limit a reader used, from the server's log."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.server.process import LoggedRequest


@dataclass(frozen=True)
class RateLimit:
    """A number of requests per period.

    Args:
        limit: Requests in a period.
        period: Seconds.
    """

    limit: int
    period: float

    def __str__(self) -> str:
        """Return it as the server's option `--limit` takes it."""
        return f"{self.limit}/{self.period:g}"


def steady_share(log: Iterable[LoggedRequest], limit: RateLimit, *, seconds: float) -> float:
    """Return the share of the permitted requests that were answered, from the second window on.

    Args:
        log: What the server saw; of one that ends early, only the time until its end counts.
        limit: What the server permits.
        seconds: Over how many seconds.
    """
    times = _answered(log)
    if not times:
        return 0.0
    start = times[0] + limit.period
    end = min(start + seconds, times[-1])
    if end <= start:
        return 0.0
    count = sum(start <= time < end for time in times)
    return count / (limit.limit * (end - start) / limit.period)


def burst_share(log: Iterable[LoggedRequest], limit: RateLimit) -> float:
    """Return the answered requests of a short run as a share of those permitted at an even pace.

    Args:
        log: What the server saw.
        limit: What the server permits.

    Returns:
        Above 1 where the requests of a window were sent in a burst.
    """
    times = _answered(log)
    if not times or times[-1] == times[0]:
        return 0.0
    return (len(times) - 1) / (limit.limit * (times[-1] - times[0]) / limit.period)


def _answered(log: Iterable[LoggedRequest]) -> list[float]:
    return sorted(request.at for request in log if request.status == HTTPStatus.OK)
