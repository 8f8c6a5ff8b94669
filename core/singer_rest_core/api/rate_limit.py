"""When the next request may be sent, for all streams and threads of a tap.

No library does this: pyrate-limiter and limits count one kind of window well, but neither takes corrections from
responses, shares, route groups beside a common limit, or a first-come queue that knows its wait before joining it.
"""

from __future__ import annotations

import itertools
import math
import threading
from bisect import insort
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from singer_rest_core.api.rate_limit_group import GroupLimits
from singer_rest_core.api.rate_limit_headers import parse_rate_limit_headers
from singer_rest_core.api.rate_limit_rules import NOTHING_EXPECTED, Window, never
from singer_rest_core.api.retry import LongWait

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from singer_rest_core.api.rate_limit_headers import LimitStatus, Policy
    from singer_rest_core.api.rate_limit_rules import ExpectedRequests, Rule
    from singer_rest_core.clock import Clock

_ROUNDING = 1e-6


class WaitStopped(Exception):
    """The rate limiter was stopped; the request must not be sent."""


class Usage(NamedTuple):
    """How much of one rule is used."""

    group: str
    rule: Rule
    used: int
    allowed: int


class RateLimiter:
    """Makes requests wait for the API's limits, as documented and as its responses state them. Thread-safe.

    Example:
        >>> rules = {"": [Window(100, 10), Window(4000, 1800)], "reports": [Window(10, 30)]}
        >>> limiter = RateLimiter(rules, share=0.5, clock=Clock())
        >>> limiter.acquire("reports")
        0.0

    Args:
        rules: The documented limits by route group. Those of the group `""` hold for every request, those of a named
            group in addition for its requests.
        share: The part of every limit that is ours, more than 0 to 1; at least one request.
        clock: Measures the limits, and waits for them.

    Raises:
        ValueError: If the share is not more than 0 and at most 1.
    """

    def __init__(
        self,
        rules: Mapping[str, Sequence[Rule]],
        *,
        share: float = 1.0,
        clock: Clock,
    ) -> None:
        """Begin with everything unused."""
        if not 0 < share <= 1:
            raise ValueError(f"The share of the limits must be more than 0 and at most 1, not {share}")
        self._clock = clock
        self._lock = threading.Lock()
        self._groups = {group: GroupLimits(group, rules.get(group, ()), share) for group in {"", *rules}}
        self._limits_of = {group: [self._groups[name] for name in {"", group}] for group in self._groups}
        self._queues: dict[str, deque[_Waiter]] = {group: deque() for group in self._groups}
        self._waiting = 0
        self._stopped = False
        self._tickets = itertools.count()
        self._expected = NOTHING_EXPECTED

    def acquire(self, group: str = "", *, longest: float = math.inf, first: Callable[[], bool] = never) -> float:
        """Wait until a request may be sent, and count it.

        First come, first served; only a request that waits for the limits of its own group is overtaken by those of
        other groups. An exception in the waiting thread (Ctrl-C, a signal) ends the wait and leaves no trace.

        Args:
            group: The route group of the request.
            longest: Seconds; a longer wait is refused at once, also when it becomes so while waiting.
            first: Returns whether it goes before all that wait and are not first, and may take the room that these
                leave; asked now and by each `leave_room`.

        Returns:
            Seconds waited.

        Raises:
            KeyError: If the rate limiter was created without this group.
            LongWait: If the wait would be longer than `longest`; the request is not counted.
            WaitStopped: If `stop` was called, before or while waiting.
        """
        with self._lock:
            if self._stopped:
                raise WaitStopped
            now = self._clock.monotonic()
            waiter = _Waiter(group, next(self._tickets), first)
            if not self._waiting and self._ready_for(waiter, 1, now) <= now:
                self._count(waiter, now)
                return 0.0
            insort(self._queues[group], waiter, key=lambda each: each.ticket)
            self._waiting += 1
        try:
            return self._wait_in_turn(waiter, now, longest)
        finally:
            with self._lock:
                self._queues[group].remove(waiter)
                self._waiting -= 1
                self._wake_first()

    def stop(self) -> None:
        """Permit nothing more, and end all waits."""
        with self._lock:
            self._stopped = True
            for queue in self._queues.values():
                for waiter in queue:
                    waiter.event.set()

    def leave_room(self, expected: ExpectedRequests, *, exempt_waiting: bool = False) -> None:
        """Let requests that are not first be sent only where those that are expected to be first will not have to wait.

        Args:
            expected: What is expected from now on, of the limits of the group "".
            exempt_waiting: Whether those that wait already need not leave it.
        """
        with self._lock:
            self._expected = expected
            if self._waiting:
                for group, queue in self._queues.items():
                    for waiter in queue:
                        waiter.update_rank(leaves_room=not exempt_waiting)
                    self._queues[group] = deque(sorted(queue, key=lambda each: each.ticket))
            self._wake_first()

    def wait_needed(self, group: str = "", *, requests: int = 1) -> float:
        """Return how long a request would wait if it came now, without counting it.

        Args:
            group: The route group of the request.
            requests: How many requests come now; it is the last of them.

        Returns:
            Seconds, at least; 0 if it may be sent.
        """
        with self._lock:
            now = self._clock.monotonic()
            return max(0.0, self._ready_at(group, len(self._queues[group]) + requests, now) - now)

    def on_response(self, headers: Mapping[str, str], *, status: int, now: datetime, group: str = "") -> None:
        """Correct the limits by the headers of a response; to be called once for every response.

        What is documented is never loosened. A remainder that our requests alone cannot have caused tightens until its
        reset. A limit that is not documented, or a smaller one, is kept from now on. After 429 and 503 the group pauses
        as long as they ask.

        Args:
            headers: The response's headers; what makes no sense in them is ignored.
            status: The response's status.
            now: The present instant.
            group: The route group of the request.
        """
        stated = parse_rate_limit_headers(headers, status=status, now=now)
        with self._lock:
            self._count_down_in_flight(group)
            moment = self._clock.monotonic()
            if stated.retry_after:
                self._groups[group].pause_until(moment + stated.retry_after)
            for policy in stated.policies:
                self._learn(group, policy, moment)
            for limit_status in stated.statuses:
                self._tighten(group, limit_status, stated.policies, moment)
            self._wake_first()

    def on_no_response(self, group: str = "") -> None:
        """Note that a request got no response; it stays counted, as the server may have counted it.

        Args:
            group: The route group of the request.
        """
        with self._lock:
            self._count_down_in_flight(group)
            self._wake_first()

    @property
    def used(self) -> list[Usage]:
        """How much of each rule is used now, those learned from responses included."""
        with self._lock:
            now = self._clock.monotonic()
            return [
                Usage(limits.group, counter.rule, counter.used(now), counter.allowed)
                for limits in self._groups.values()
                for counter in limits.counters
            ]

    def _wait_in_turn(self, waiter: _Waiter, since: float, longest: float) -> float:
        while True:
            with self._lock:
                if self._stopped:
                    raise WaitStopped
                waiter.event.clear()
                now = self._clock.monotonic()
                place = self._queues[waiter.group].index(waiter) + 1
                ready = self._ready_for(waiter, place, now)
                if ready <= now and self._is_first(waiter, now):
                    self._count(waiter, now)
                    return now - since
                if max(ready, now) - since > longest:
                    raise LongWait(max(0.0, ready - now))
            # Only the first of a group watches the clock; the others are woken when they become the first.
            pause = ready - now + _ROUNDING if place == 1 and ready > now else None
            self._clock.wait(waiter.event, pause)

    def _ready_at(self, group: str, place: int, now: float, expected: ExpectedRequests = NOTHING_EXPECTED) -> float:
        """Return when the request at this place of the group's queue may be sent: not later than is true."""
        return max(
            limits.ready_at(place, now, NOTHING_EXPECTED if limits.group else expected)
            for limits in self._limits_of[group]
        )

    def _ready_for(self, waiter: _Waiter, place: int, now: float) -> float:
        return self._ready_at(waiter.group, place, now, self._expected if waiter.leaves_room else NOTHING_EXPECTED)

    def _count(self, waiter: _Waiter, now: float) -> None:
        for limits in self._limits_of[waiter.group]:
            limits.add(now)

    def _count_down_in_flight(self, group: str) -> None:
        for limits in self._limits_of[group]:
            limits.in_flight = max(0, limits.in_flight - 1)

    def _is_first(self, waiter: _Waiter, now: float) -> bool:
        """Return whether no request that came earlier may be sent now."""
        return waiter is self._queues[waiter.group][0] and not any(
            queue and queue[0].ticket < waiter.ticket and self._ready_for(queue[0], 1, now) <= now
            for queue in self._queues.values()
        )

    def _wake_first(self) -> None:
        """Wake the first of every group; they decide among themselves."""
        if self._waiting:
            for queue in self._queues.values():
                if queue:
                    queue[0].event.set()

    def _learn(self, group: str, policy: Policy, now: float) -> None:
        """Keep a limit that is not documented, or is less than documented."""
        if policy.seconds is None or policy.burst:
            return
        home = self._groups[group]
        for limits in self._limits_of[group]:
            for counter in limits.documented:
                if _covers(counter.rule, policy.limit, policy.seconds):
                    return
                if counter.rule.seconds == policy.seconds:
                    home = limits
        home.learn(Window(policy.limit, policy.seconds), now)

    def _tighten(self, group: str, status: LimitStatus, policies: Sequence[Policy], now: float) -> None:
        """Send no more than the server says is left, of the limit that it most probably means."""
        named = [policy for policy in policies if status.name and policy.name == status.name]
        limit = status.limit or next((policy.limit for policy in named), None)
        matching = [
            (counter.rule.seconds, limits, counter)
            for limits in self._limits_of[group]
            for counter in limits.counters
            if limit is not None
            and (
                counter.rule.seconds in {policy.seconds for policy in named}
                or limit == (counter.rule.limit if isinstance(counter.rule, Window) else counter.rule.capacity)
            )
        ]
        # Two windows of the same limit: the reset says which, as it is never farther away than the window is long.
        fitting = [match for match in matching if status.reset is None or match[0] + 1 >= status.reset] or matching
        if not fitting or limit is None:
            if status.reset is not None:
                self._groups[group].cap(status, limit, status.reset, now)
            return
        seconds, limits, counter = min(fitting, key=lambda match: match[0])
        others = limit - status.remaining > counter.used(now)
        reset = seconds if status.reset is None else min(status.reset, seconds)
        limits.cap(status, limit, reset, now, only_known=not others)


class _Waiter:
    """A request in the queue.

    Args:
        group: Its route group.
        number: When it came.
        first: As in `acquire`.
    """

    __slots__ = ("_first", "_number", "event", "group", "leaves_room", "ticket")

    def __init__(self, group: str, number: int, first: Callable[[], bool]) -> None:
        self.group = group
        self.event = threading.Event()
        self._number = number
        self._first = first
        self.leaves_room = True
        self.update_rank()

    def update_rank(self, *, leaves_room: bool = True) -> None:
        """Find out whether it is first.

        Args:
            leaves_room: Whether it leaves room for those that are expected, if it is not; False is final.
        """
        is_first = self._first()
        self.leaves_room = self.leaves_room and leaves_room and not is_first
        self.ticket = (not is_first, self._number)
        """Whether others go before it, then when it came: lower is served first."""


def _covers(rule: Rule, limit: int, seconds: float) -> bool:
    """Return whether a limit that the server states adds nothing to a documented rule."""
    if isinstance(rule, Window):
        return rule.seconds == seconds and rule.limit <= limit
    return rule.refill * seconds == limit * rule.seconds
