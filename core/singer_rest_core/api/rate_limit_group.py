"""The limits of one route group: those documented, those learned from responses, and what the server says is left."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from singer_rest_core.api.rate_limit_counters import (
    MAX_MARGIN,
    MIN_MARGIN,
    SlidingWindowCounter,
    counter_for,
    share_of,
)
from singer_rest_core.api.rate_limit_rules import NOTHING_EXPECTED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from singer_rest_core.api.rate_limit_counters import Counter
    from singer_rest_core.api.rate_limit_headers import LimitStatus
    from singer_rest_core.api.rate_limit_rules import ExpectedRequests, Rule, Window

_MAX_LEARNED = 8
_SAME_RESET = 2.0
"""Seconds: resets nearer to each other than this belong to the same window of the server."""


@dataclass
class _Cap:
    """What the server says is left until its window ends."""

    until: float
    remaining: int
    sent: int
    """How many of the window's requests were ours."""
    left: int
    """How many more we may send."""


class GroupLimits:
    """Everything that limits the requests of one route group. Not thread-safe: `RateLimiter` locks.

    Args:
        group: The name of the group; "" for what holds for every request.
        rules: The documented limits.
        share: The part of every limit that is ours.
    """

    def __init__(self, group: str, rules: Sequence[Rule], share: float) -> None:
        """Begin with everything unused."""
        self.group = group
        self.in_flight = 0
        self.documented = [counter_for(rule, share) for rule in rules]
        self.counters: list[Counter] = [*self.documented]
        """The documented limits, and those learned from responses."""
        self._share = share
        self._learned: dict[float, SlidingWindowCounter] = {}
        self._caps: dict[tuple[str, int | None], _Cap] = {}
        self._paused_until = -math.inf
        self._sent = 0

    def ready_at(self, place: int, now: float, expected: ExpectedRequests = NOTHING_EXPECTED) -> float:
        """Return when a request may be sent at the earliest.

        Args:
            place: Its place among those of the group that wait, from 1.
            now: The present, in seconds of a monotonic clock.
            expected: Requests that come after it and must not have to wait because it was sent.

        Returns:
            Seconds of the same clock; not later than is true.
        """
        at = self._paused_until
        for counter in self.counters:
            ready = counter.ready_at(place, now, expected)
            at = max(at, ready)
        if self._caps:
            for cap in self._caps.values():
                # The first request, it or one that is expected, for which nothing is left.
                number = max(0, cap.left - place + 1)
                if number <= expected.requests:
                    at = max(at, cap.until - expected.due(number))
        return at

    def add(self, now: float) -> None:
        """Count a request that is sent now."""
        self.in_flight += 1
        self._sent += 1
        for counter in self.counters:
            counter.add(now)
        if self._caps:
            for key, cap in list(self._caps.items()):
                cap.left -= 1
                cap.sent += 1
                if cap.until <= now:
                    del self._caps[key]

    def pause_until(self, moment: float) -> None:
        """Permit nothing before a moment."""
        self._paused_until = max(self._paused_until, moment + MAX_MARGIN)

    def learn(self, rule: Window, now: float) -> None:
        """Keep a limit that is not documented; it takes the place of one learned before for the same window."""
        known = self._learned.get(rule.seconds)
        if (known and known.rule == rule) or (not known and len(self._learned) >= _MAX_LEARNED):
            return
        counter = SlidingWindowCounter(rule, self._share)
        for _ in range(min(counter.allowed, known.used(now) if known else self._sent)):
            counter.add(now)
        self._learned[rule.seconds] = counter
        self.counters = [*self.documented, *self._learned.values()]

    def cap(
        self, status: LimitStatus, limit: int | None, reset: float, now: float, *, only_known: bool = False
    ) -> None:
        """Send no more than the server says is left until the reset.

        A request in flight may or may not be in the server's count, so it is subtracted. Responses overtake each other:
        within one window of the server the smallest remainder is the newest.

        Args:
            status: What is left.
            limit: The limit that it is left of, if that is known.
            reset: Seconds until there is more.
            now: The present, in seconds of a monotonic clock.
            only_known: Whether to correct only what is capped already.
        """
        key, until = (status.name, limit), now + reset + MIN_MARGIN
        cap = self._caps.get(key)
        if cap is None or cap.until <= now or abs(cap.until - until) > _SAME_RESET:
            if only_known or (cap is None and len(self._caps) >= _MAX_LEARNED):
                self._caps.pop(key, None)
                return
            spent = limit - status.remaining if limit else 0
            sent = max(0, min(self._sent, spent))
            cap = self._caps[key] = _Cap(until, status.remaining, sent, status.remaining)
        cap.remaining = min(cap.remaining, status.remaining)
        cap.left = cap.remaining - self.in_flight
        if limit and self._share < 1:
            cap.left = min(cap.left, share_of(limit, self._share) - cap.sent)
