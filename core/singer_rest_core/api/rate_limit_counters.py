"""Counters of requests: when the next request may be sent under one rule. None of them is thread-safe."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

from singer_rest_core.api.rate_limit_rules import NOTHING_EXPECTED, Window

if TYPE_CHECKING:
    from singer_rest_core.api.rate_limit_rules import Bucket, ExpectedRequests, Rule

MIN_MARGIN, MAX_MARGIN = 0.05, 0.1
_MAX_TIMES = 4096
_MOST_ROOM = 0.9
"""The part of a limit that can be kept for requests that are expected: something is always left for others."""


def margin(seconds: float) -> float:
    """Return how much longer than documented a window is taken to be.

    A request reaches the server a network's delay after it is counted here, and not each with the same delay: two sent
    10 s apart may arrive 9.95 s apart. 100 ms is more than that varies on a warm connection, and costs 1 % of a 10 s
    window; of a window below 10 s it would cost too much, so it shrinks to 50 ms (5 % of one second).

    Args:
        seconds: The length of the window.

    Returns:
        Seconds.
    """
    return min(MAX_MARGIN, max(MIN_MARGIN, seconds / 100))


def share_of(limit: int, share: float) -> int:
    """Return how many requests of a limit are ours.

    Args:
        limit: Requests.
        share: More than 0, to 1.

    Returns:
        Whole requests, at least 1.
    """
    # 0.29 * 100 is 28.999… in floats.
    return max(1, math.floor(limit * share + 1e-9))


class SlidingWindowCounter:
    """Keeps send times, so that no window of the server, wherever it begins, holds more than its limit.

    Up to 4,096 requests every time is kept. Of a larger limit (100,000 a day) the times are kept in at most about 4,096
    steps, each as if all its requests were sent at its end: a slot comes back at most 1/4,096 of the window late.

    Args:
        rule: The limit.
        share: The part of it that is ours.
    """

    def __init__(self, rule: Window, share: float) -> None:
        """Begin with nothing sent."""
        self.rule = rule
        self.allowed = share_of(rule.limit, share)
        self._span = rule.seconds + margin(rule.seconds)
        self._step = self._span / _MAX_TIMES if self.allowed > _MAX_TIMES else 0.0
        self._step_began = -math.inf
        self._room = int(self.allowed * _MOST_ROOM)
        self._times: deque[float] = deque()
        self._counts: deque[int] = deque()
        self._sent = 0

    def ready_at(self, place: int, now: float, expected: ExpectedRequests = NOTHING_EXPECTED) -> float:
        """Return when a request may be sent at the earliest.

        Args:
            place: Its place among those that wait, from 1.
            now: The present, in seconds of a monotonic clock.
            expected: Requests that come after it and must not have to wait because it was sent.

        Returns:
            Seconds of the same clock; not later than is true.
        """
        times, span = self._times, self._span
        while times and times[0] + span <= now:
            times.popleft()
            self._sent -= self._counts.popleft()
        windows, place = divmod(place - 1, self.allowed)
        if windows:
            return max(now, self.ready_at(place + 1, now, expected)) + windows * span
        over = self._sent + place + 1 - self.allowed
        after = min(expected.requests, self._room)
        if over + after <= 0:
            return -math.inf
        at, free = -math.inf, 0
        for sent, count in zip(times, self._counts, strict=True):
            # The first request, it or one that is expected, that has to wait for this place.
            number = max(0, free + 1 - over)
            free += count
            if number > after:
                return at
            if over + number <= free:
                at = max(at, sent + span - expected.due(number))
        number = max(0, free + 1 - over)
        return at if number > after else max(at, now + span - expected.due(number))

    def add(self, now: float) -> None:
        """Count a request that is sent now."""
        self._sent += 1
        if self._step and self._times and now - self._step_began <= self._step:
            self._times[-1] = now
            self._counts[-1] += 1
            return
        self._step_began = now
        self._times.append(now)
        self._counts.append(1)

    def used(self, now: float) -> int:
        """Return how many requests count against the limit now."""
        self.ready_at(1, now)
        return self._sent


class TokenBucketCounter:
    """Keeps send times of a bucket whose refill comes in one piece, at an unknown phase.

    In any time shorter than `(j + 1) * seconds` at most `capacity + j * refill` may be sent, for every j. So the n-th
    request waits for `due(n) = seconds + max(sent(n - capacity), due(n - refill))`.

    Args:
        rule: The limit.
        share: The part of it that is ours.
    """

    def __init__(self, rule: Bucket, share: float) -> None:
        """Begin with a full bucket."""
        self.rule = rule
        self.allowed = share_of(rule.capacity, share)
        refill = share_of(rule.refill, share)
        self._seconds = rule.seconds * max(1.0, refill / (rule.refill * share))
        self._margin = margin(rule.seconds)
        self._room = int(self.allowed * _MOST_ROOM)
        self._sent: deque[float] = deque([-math.inf] * self.allowed, maxlen=self.allowed)
        self._due: deque[float] = deque([-math.inf] * refill, maxlen=refill)

    def ready_at(self, place: int, now: float, expected: ExpectedRequests = NOTHING_EXPECTED) -> float:  # noqa: ARG002 - only the send times count
        """Return when a request may be sent at the earliest (see `SlidingWindowCounter.ready_at`)."""
        at = self._free_at(place)
        for number in range(1, min(expected.requests, self._room) + 1):
            at = max(at, self._free_at(place + number) - expected.due(number))
        return at

    def _free_at(self, place: int) -> float:
        sent, due = self._sent, self._due
        at = max(sent[min(place, len(sent)) - 1], due[min(place, len(due)) - 1])
        return at + self._seconds + self._margin

    def add(self, now: float) -> None:
        """Count a request that is sent now."""
        self._due.append(self._seconds + max(self._sent[0], self._due[0]))
        self._sent.append(now)

    def used(self, now: float) -> int:
        """Return how many requests count against the capacity now."""
        due = list(self._due)
        for free, sent in enumerate(self._sent):
            after = self._seconds + max(sent, due[free])
            if after + self._margin > now:
                return self.allowed - free
            due.append(after)
        return 0


Counter = SlidingWindowCounter | TokenBucketCounter


def counter_for(rule: Rule, share: float) -> Counter:
    """Return a new counter for a rule.

    Args:
        rule: The limit.
        share: The part of it that is ours.
    """
    return SlidingWindowCounter(rule, share) if isinstance(rule, Window) else TokenBucketCounter(rule, share)
