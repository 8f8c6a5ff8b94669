"""The quota of a tap: when the next request may be sent, for all its streams and threads.

No library serves: pyrate-limiter and limits count one kind of window well, but neither takes corrections from an
answer, shares, route groups beside a common limit, or a first-come queue that tells its wait without joining it.
"""

from __future__ import annotations

import itertools
import math
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from singer_rest_core.api.rate_limit_headers import read

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from singer_rest_core.api.rate_limit_headers import Policy, Remaining
    from singer_rest_core.clock import Clock

_NARROWEST_MARGIN, _WIDEST_MARGIN = 0.05, 0.1
_MOST_TIMES = 4096
_MOST_LEARNED = 8
_SAME_RESET = 2.0
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Window:
    """A documented limit: at most `limit` requests in any `seconds`.

    Args:
        limit: Requests, at least 1.
        seconds: The length of the window.
    """

    limit: int
    seconds: float

    def __post_init__(self) -> None:
        """Refuse a limit that permits nothing or has no length."""
        _refuse_unless_positive(self.limit, self.seconds)


@dataclass(frozen=True)
class Bucket:
    """A token bucket: `capacity` at once, and `refill` more after every `seconds`.

    The refill may come in one piece, and nobody says when: in less than `seconds`, `capacity` is all there is. Where an
    API is known to refill evenly, say so: `Bucket(200, 1, 1)` and not `Bucket(200, 60, 60)`.

    Args:
        capacity: Requests that may be sent at once, at least 1.
        refill: Requests that come back together, at least 1.
        seconds: How long they take.
    """

    capacity: int
    refill: int
    seconds: float

    def __post_init__(self) -> None:
        """Refuse a bucket that permits nothing or is never refilled."""
        _refuse_unless_positive(self.capacity, self.refill, self.seconds)


Rule = Window | Bucket


class LongWait(Exception):
    """A request would have to wait longer than its caller wants to; it took no slot.

    Args:
        seconds: How long from now, at least.
    """

    def __init__(self, seconds: float) -> None:
        """Keep the wait; the message is the caller's work."""
        super().__init__(f"{seconds:.0f} s")
        self.seconds = seconds


class WaitStopped(Exception):
    """The wait was ended from outside; no slot was taken."""


class Usage(NamedTuple):
    """How much of one rule is used."""

    group: str
    rule: Rule
    used: int
    allowed: int


def margin(seconds: float) -> float:
    """Say how much longer than documented we take a window to be.

    A request reaches the server a network's delay after we count it, and not every one with the same delay: two sent
    10 s apart may arrive 9.95 s apart. 100 ms is more than that varies on a warm connection, and costs 1 % of a 10 s
    window; of a window below 10 s it would cost too much, so it shrinks to 50 ms (5 % of one second).

    Args:
        seconds: The length of the window.

    Returns:
        Seconds.
    """
    return min(_WIDEST_MARGIN, max(_NARROWEST_MARGIN, seconds / 100))


class RateLimiter:
    """What may be sent when: asked before every request, told of every answer. Safe to share between threads.

    Example:
        >>> quota = RateLimiter({"": [Window(100, 10), Window(4000, 1800)], "reports": [Window(10, 30)]}, share=0.5)
        >>> quota.acquire("reports")
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
            raise ValueError(f"The share of a quota is more than 0 and at most 1, not {share}")
        self._clock = clock
        self._lock = threading.Lock()
        self._ledgers = {group: _Ledger(group, rules.get(group, ()), share) for group in {"", *rules}}
        self._held_to = {group: [self._ledgers[name] for name in {"", group}] for group in self._ledgers}
        self._queues: dict[str, deque[_Waiter]] = {group: deque() for group in self._ledgers}
        self._waiting = 0
        self._stopped = False
        self._tickets = itertools.count()

    def acquire(
        self,
        group: str = "",
        *,
        longest: float = math.inf,
    ) -> float:
        """Wait until a request may be sent, and count it.

        First come, first served; only a request that its own group holds back lets one of another group pass. An
        exception in the waiting thread (Ctrl-C, a signal) ends the wait and leaves no trace.

        Args:
            group: The route group of the request.
            longest: Seconds; a longer wait is refused at once, also when it becomes so while waiting.

        Returns:
            Seconds waited.

        Raises:
            KeyError: If the group was not named when the quota was made.
            LongWait: If the wait would be longer than `longest`.
            WaitStopped: If `stop` was called, before or while waiting.
        """
        with self._lock:
            if self._stopped:
                raise WaitStopped
            now = self._clock.monotonic()
            if not self._waiting and self._permitted(group, 1, now) <= now:
                self._take(group, now)
                return 0.0
            waiter = _Waiter(group, next(self._tickets))
            self._queues[group].append(waiter)
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

    def wait_needed(self, group: str = "") -> float:
        """Say how long a request would wait if it came now, without counting it.

        Args:
            group: The route group of the request.

        Returns:
            Seconds, at least; 0 if it may be sent.
        """
        with self._lock:
            now = self._clock.monotonic()
            return max(0.0, self._permitted(group, len(self._queues[group]) + 1, now) - now)

    def answered(self, headers: Mapping[str, str], *, status: int, now: datetime, group: str = "") -> None:
        """Correct the quota by what an answer says; call it once for every answer.

        What is documented is never loosened. A remainder that we alone cannot have caused tightens until its reset. A
        limit we did not know, or a smaller one, is kept from now on. 429 and 503 hold the group as long as they ask.

        Args:
            headers: The answer's headers; what makes no sense in them is ignored.
            status: The answer's status.
            now: The present instant.
            group: The route group of the request.
        """
        told = read(headers, status=status, now=now)
        with self._lock:
            self._landed(group)
            moment = self._clock.monotonic()
            if told.hold:
                self._ledgers[group].hold_until(moment + told.hold)
            for policy in told.policies:
                self._learn(group, policy, moment)
            for rest in told.rests:
                self._tighten(group, rest, told.policies, moment)
            self._wake_first()

    def lost(self, group: str = "") -> None:
        """Note that a request got no answer; the server may have counted it all the same.

        Args:
            group: The route group of the request.
        """
        with self._lock:
            self._landed(group)
            self._wake_first()

    @property
    def used(self) -> list[Usage]:
        """How much of each rule is used now, those learned from answers included."""
        with self._lock:
            now = self._clock.monotonic()
            return [
                Usage(ledger.group, meter.rule, meter.used(now), meter.allowed)
                for ledger in self._ledgers.values()
                for meter in ledger.all_meters
            ]

    def _wait_in_turn(
        self,
        waiter: _Waiter,
        since: float,
        longest: float,
    ) -> float:
        while True:
            with self._lock:
                if self._stopped:
                    raise WaitStopped
                waiter.event.clear()
                now = self._clock.monotonic()
                place = self._queues[waiter.group].index(waiter) + 1
                permitted = self._permitted(waiter.group, place, now)
                if permitted <= now and self._is_first(waiter, now):
                    self._take(waiter.group, now)
                    return now - since
                if max(permitted, now) - since > longest:
                    raise LongWait(max(0.0, permitted - now))
            # Only the first of a group watches the clock; the others are woken when they become the first.
            pause = permitted - now + _ROUNDING if place == 1 and permitted > now else None
            self._clock.wait(waiter.event, pause)

    def _permitted(self, group: str, place: int, now: float) -> float:
        """Say from when on the request at this place of the group's queue may be sent: not later than is true."""
        return max(ledger.permitted(place, now) for ledger in self._held_to[group])

    def _take(self, group: str, now: float) -> None:
        for ledger in self._held_to[group]:
            ledger.take(now)

    def _landed(self, group: str) -> None:
        for ledger in self._held_to[group]:
            ledger.in_flight = max(0, ledger.in_flight - 1)

    def _is_first(self, waiter: _Waiter, now: float) -> bool:
        """Tell whether nobody who came earlier may go now."""
        return waiter is self._queues[waiter.group][0] and not any(
            queue and queue[0].ticket < waiter.ticket and self._permitted(group, 1, now) <= now
            for group, queue in self._queues.items()
        )

    def _wake_first(self) -> None:
        """Let the first of every group look again; they decide among themselves."""
        if self._waiting:
            for queue in self._queues.values():
                if queue:
                    queue[0].event.set()

    def _learn(self, group: str, policy: Policy, now: float) -> None:
        """Keep a limit that is not documented, or is less than documented."""
        if policy.seconds is None or policy.burst:
            return
        home = self._ledgers[group]
        for ledger in self._held_to[group]:
            for meter in ledger.meters:
                if _covers(meter.rule, policy.limit, policy.seconds):
                    return
                if meter.rule.seconds == policy.seconds:
                    home = ledger
        home.learn(Window(policy.limit, policy.seconds), now)

    def _tighten(self, group: str, rest: Remaining, policies: Sequence[Policy], now: float) -> None:
        named = [policy for policy in policies if rest.name and policy.name == rest.name]
        limit = rest.limit or next((policy.limit for policy in named), None)
        matching = [
            (meter.rule.seconds, ledger, meter)
            for ledger in self._held_to[group]
            for meter in ledger.all_meters
            if limit is not None
            and (
                meter.rule.seconds in {policy.seconds for policy in named}
                or limit == (meter.rule.limit if isinstance(meter.rule, Window) else meter.rule.capacity)
            )
        ]
        # Two windows of the same limit: the reset says which, as it is never farther away than the window is long.
        fitting = [match for match in matching if rest.reset is None or match[0] + 1 >= rest.reset] or matching
        if not fitting or limit is None:
            if rest.reset is not None:
                self._ledgers[group].cap(rest, limit, rest.reset, now)
            return
        seconds, ledger, meter = min(fitting, key=lambda match: match[0])
        others = limit - rest.remaining > meter.used(now)
        reset = seconds if rest.reset is None else min(rest.reset, seconds)
        ledger.cap(rest, limit, reset, now, only_known=not others)


class _Waiter:
    """A request in the queue."""

    __slots__ = ("event", "group", "ticket")

    def __init__(self, group: str, ticket: int) -> None:
        self.group = group
        self.ticket = ticket
        self.event = threading.Event()


class _Cap:
    """What the server says is left until its window ends."""

    __slots__ = ("left", "ours", "remaining", "until")

    def __init__(self, until: float, remaining: int, ours: int) -> None:
        self.until = until
        self.remaining = remaining
        self.ours = ours
        self.left = remaining


class _Ledger:
    """All that the requests of one group are held to. Not safe for threads: the quota locks."""

    def __init__(self, group: str, rules: Sequence[Rule], share: float) -> None:
        self.group = group
        self.in_flight = 0
        self.meters = [_meter(rule, share) for rule in rules]
        self._share = share
        self._learned: dict[float, _SlidingWindow] = {}
        self.all_meters: list[_SlidingWindow | _TokenBucket] = [*self.meters]
        self._caps: dict[tuple[str, int | None], _Cap] = {}
        self._hold = -math.inf
        self._sent = 0

    def permitted(self, place: int, now: float) -> float:
        at = self._hold
        for meter in self.all_meters:
            ready = meter.permitted(place, now)
            at = max(at, ready)
        if self._caps:
            for cap in self._caps.values():
                if cap.left < place:
                    at = max(at, cap.until)
        return at

    def take(self, now: float) -> None:
        self.in_flight += 1
        self._sent += 1
        for meter in self.all_meters:
            meter.take(now)
        if self._caps:
            for key, cap in list(self._caps.items()):
                cap.left -= 1
                cap.ours += 1
                if cap.until <= now:
                    del self._caps[key]

    def hold_until(self, moment: float) -> None:
        self._hold = max(self._hold, moment + _WIDEST_MARGIN)

    def learn(self, rule: Window, now: float) -> None:
        known = self._learned.get(rule.seconds)
        if (known and known.rule == rule) or (not known and len(self._learned) >= _MOST_LEARNED):
            return
        meter = _SlidingWindow(rule, self._share)
        for _ in range(min(meter.allowed, known.used(now) if known else self._sent)):
            meter.take(now)
        self._learned[rule.seconds] = meter
        self.all_meters = [*self.meters, *self._learned.values()]

    def cap(self, rest: Remaining, limit: int | None, reset: float, now: float, *, only_known: bool = False) -> None:
        """Send no more than is left until the reset.

        A request in flight may or may not be in the server's count, so it is taken off. Answers overtake each other:
        within one window of the server the smallest remainder is the newest.
        """
        key, until = (rest.name, limit), now + reset + _NARROWEST_MARGIN
        cap = self._caps.get(key)
        if cap is None or cap.until <= now or abs(cap.until - until) > _SAME_RESET:
            if only_known or (cap is None and len(self._caps) >= _MOST_LEARNED):
                self._caps.pop(key, None)
                return
            spent = limit - rest.remaining if limit else 0
            cap = self._caps[key] = _Cap(until, rest.remaining, max(0, min(self._sent, spent)))
        cap.remaining = min(cap.remaining, rest.remaining)
        cap.left = cap.remaining - self.in_flight
        if limit and self._share < 1:
            cap.left = min(cap.left, _allowed(limit, self._share) - cap.ours)


class _SlidingWindow:
    """Counts send times, so that no window of the server, wherever it begins, holds more than its limit.

    Up to 4,096 requests every time is kept. Of a larger limit (100,000 a day) the times are kept in at most about 4,096
    steps, each as if all its requests were sent at its end: a slot comes back at most 1/4,096 of the window late.
    """

    def __init__(self, rule: Window, share: float) -> None:
        self.rule = rule
        self.allowed = _allowed(rule.limit, share)
        self._span = rule.seconds + margin(rule.seconds)
        self._step = self._span / _MOST_TIMES if self.allowed > _MOST_TIMES else 0.0
        self._step_began = -math.inf
        self._times: deque[float] = deque()
        self._counts: deque[int] = deque()
        self._sent = 0

    def permitted(self, place: int, now: float) -> float:
        times, span = self._times, self._span
        while times and times[0] + span <= now:
            times.popleft()
            self._sent -= self._counts.popleft()
        if place > self.allowed:
            return max(now, self.permitted(place - self.allowed, now)) + span
        over = self._sent + place - self.allowed
        if over <= 0:
            return -math.inf
        for sent, count in zip(times, self._counts, strict=True):
            over -= count
            if over <= 0:
                return sent + span
        return now + span

    def take(self, now: float) -> None:
        self._sent += 1
        if self._step and self._times and now - self._step_began <= self._step:
            self._times[-1] = now
            self._counts[-1] += 1
            return
        self._step_began = now
        self._times.append(now)
        self._counts.append(1)

    def used(self, now: float) -> int:
        self.permitted(1, now)
        return self._sent


class _TokenBucket:
    """A bucket whose refill comes in one piece, at a phase we do not know.

    In any time shorter than `(j + 1) * seconds` at most `capacity + j * refill` may be sent, for every j. So the n-th
    request waits for `due(n) = seconds + max(sent(n - capacity), due(n - refill))`.
    """

    def __init__(self, rule: Bucket, share: float) -> None:
        self.rule = rule
        self.allowed = _allowed(rule.capacity, share)
        refill = _allowed(rule.refill, share)
        self._seconds = rule.seconds * max(1.0, refill / (rule.refill * share))
        self._margin = margin(rule.seconds)
        self._sent: deque[float] = deque([-math.inf] * self.allowed, maxlen=self.allowed)
        self._due: deque[float] = deque([-math.inf] * refill, maxlen=refill)

    def permitted(self, place: int, now: float) -> float:  # noqa: ARG002 - as the window's; only the send times count
        sent, due = self._sent, self._due
        at = max(sent[min(place, len(sent)) - 1], due[min(place, len(due)) - 1])
        return at + self._seconds + self._margin

    def take(self, now: float) -> None:
        self._due.append(self._seconds + max(self._sent[0], self._due[0]))
        self._sent.append(now)

    def used(self, now: float) -> int:
        due = list(self._due)
        for free, sent in enumerate(self._sent):
            after = self._seconds + max(sent, due[free])
            if after + self._margin > now:
                return self.allowed - free
            due.append(after)
        return 0


def _meter(rule: Rule, share: float) -> _SlidingWindow | _TokenBucket:
    return _SlidingWindow(rule, share) if isinstance(rule, Window) else _TokenBucket(rule, share)


def _covers(rule: Rule, limit: int, seconds: float) -> bool:
    """Tell whether a limit the server states says nothing beyond a documented rule."""
    if isinstance(rule, Window):
        return rule.seconds == seconds and rule.limit <= limit
    return rule.refill * seconds == limit * rule.seconds


def _allowed(limit: int, share: float) -> int:
    # 0.29 * 100 is 28.999… in floats.
    return max(1, math.floor(limit * share + 1e-9))


def _refuse_unless_positive(*numbers: float) -> None:
    if not all(number > 0 for number in numbers):
        raise ValueError(f"A limit is made of positive numbers, not {', '.join(str(number) for number in numbers)}")
