"""The kinds of limits that an API may document."""

from __future__ import annotations

from dataclasses import dataclass


def never() -> bool:
    """Return that a request goes before no other."""
    return False


@dataclass(frozen=True)
class Window:
    """At most `limit` requests in any `seconds`.

    Args:
        limit: Requests, at least 1.
        seconds: The length of the window.

    Raises:
        ValueError: If one of them is not positive.
    """

    limit: int
    seconds: float

    def __post_init__(self) -> None:
        """Refuse a limit that permits nothing or has no length."""
        _require_positive(self.limit, self.seconds)


@dataclass(frozen=True)
class Bucket:
    """A token bucket: `capacity` requests at once, and `refill` more after every `seconds`.

    The refill may come in one piece, at an unknown time: in less than `seconds` no more than `capacity` is certain.
    Where an API is known to refill evenly, say so: `Bucket(200, 1, 1)` and not `Bucket(200, 60, 60)`.

    Args:
        capacity: Requests that may be sent at once, at least 1.
        refill: Requests that are added together, at least 1.
        seconds: The time between two refills.

    Raises:
        ValueError: If one of them is not positive.
    """

    capacity: int
    refill: int
    seconds: float

    def __post_init__(self) -> None:
        """Refuse a bucket that permits nothing or is never refilled."""
        _require_positive(self.capacity, self.refill, self.seconds)


Rule = Window | Bucket


@dataclass(frozen=True)
class ExpectedRequests:
    """Requests that others must leave room for, as they may not have to wait for a limit.

    Args:
        requests: How many are expected.
        every: Seconds between two of them, on average.
        at_once: How many of them may come at the same moment.
    """

    requests: int
    every: float
    at_once: int = 1

    def due(self, number: int) -> float:
        """Return in how many seconds one of them comes at the earliest.

        Args:
            number: Which of them, from 1; 0 for a request that is sent now.
        """
        return max(0, number - self.at_once) * self.every


NOTHING_EXPECTED = ExpectedRequests(0, 0.0)


def _require_positive(*numbers: float) -> None:
    if not all(number > 0 for number in numbers):
        raise ValueError(f"The numbers of a limit must be positive, not {', '.join(str(number) for number in numbers)}")
