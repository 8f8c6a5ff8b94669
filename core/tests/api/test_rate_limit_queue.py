"""The queue of the rate limiter, with many threads in simulated time: in order, fully used, never overrun."""

from __future__ import annotations

import math
import signal
import threading
import time
from bisect import bisect_left
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import FakeClock
from singer_rest_core.api.rate_limit import RateLimiter, WaitStopped
from singer_rest_core.api.rate_limit_rules import Bucket, Window
from singer_rest_core.api.retry import LongWait
from singer_rest_core.clock import Clock
from tests.simulated_time import SimulatedTime

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_STEP = 1e-4
_Rules = dict[str, list[Window | Bucket]]


_NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def _limiter(
    rules: Mapping[str, Sequence[Window | Bucket]], world: SimulatedTime, *, share: float = 1.0
) -> RateLimiter:
    return RateLimiter(rules, share=share, clock=world)


def _respond(limiter: RateLimiter, group: str = "", *, status: int = 200, **headers: str | int) -> None:
    named = {name.replace("_", "-"): str(value) for name, value in headers.items()}
    limiter.on_response(named, status=status, now=_NOW, group=group)


def _ours(limit: int, share: float) -> int:
    return max(1, int(limit * share + 1e-9))


def _overruns(rule: Window | Bucket, sent: Sequence[float], share: float) -> bool:
    """Return whether any span of time holds more than a rule permits, by brute force."""
    if isinstance(rule, Window):
        return any(
            bisect_left(sent, start + rule.seconds) - index > _ours(rule.limit, share)
            for index, start in enumerate(sent)
        )
    return any(
        last - first + 1
        > _ours(rule.capacity, share) + _ours(rule.refill, share) * int((sent[last] - sent[first]) / rule.seconds)
        for first in range(len(sent))
        for last in range(first, len(sent))
    )


_WINDOWS = st.builds(Window, st.integers(1, 12), st.sampled_from([1.0, 2.5, 10.0, 30.0]))
_BUCKETS = st.builds(Bucket, st.integers(1, 12), st.integers(1, 6), st.sampled_from([0.5, 1.0, 10.0]))
_RULES = st.fixed_dictionaries(
    {
        "": st.lists(_WINDOWS | _BUCKETS, min_size=1, max_size=3),
        "reports": st.lists(_WINDOWS | _BUCKETS, min_size=0, max_size=2),
    },
)
_SHARES = st.sampled_from([0.05, 0.3, 0.5, 0.99, 1.0])


@given(_RULES, _SHARES, st.integers(2, 6), st.integers(1, 12), st.sampled_from([0.0, 0.05, 0.7]))
@settings(max_examples=40, deadline=None)
def test_threads_together_never_overrun_a_rule(
    rules: _Rules, share: float, workers: int, each: int, latency: float
) -> None:
    world = SimulatedTime()
    limiter = _limiter(rules, world, share=share)
    sent: dict[str, list[float]] = {"": [], "reports": []}

    def work(group: str) -> None:
        for _ in range(each):
            limiter.acquire(group)
            for name in {"", group}:
                sent[name].append(world.seconds)
            if latency:
                world.sleep(latency)
            _respond(limiter, group)

    world.run(*[lambda group=group: work(group) for group in ["", "reports"] * workers][:workers])
    assert len(sent[""]) == workers * each
    for name, times in sent.items():
        assert times == sorted(times)
        assert not any(_overruns(rule, times, share) for rule in rules[name])


class _Server:
    """Counts in fixed windows and states them in headers; another integration uses the account, too."""

    def __init__(
        self, world: SimulatedTime, limit: int, seconds: float, *, others: float = 0.0, states_limits: bool = True
    ) -> None:
        self.world, self.limit, self.seconds = world, limit, seconds
        self.others, self.states_limits = others, states_limits
        self.refused = 0
        self.served = 0
        self._window = -1
        self._count = 0.0
        self._looked = world.seconds

    def respond(self) -> tuple[int, dict[str, str]]:
        window, moment = divmod(self.world.seconds + 3.7, self.seconds)
        if window != self._window:
            self._window, self._count, self._looked = int(window), 0.0, self.world.seconds - moment
        self._count = min(self.limit, self._count + self.others * (self.world.seconds - self._looked))
        self._looked = self.world.seconds
        reset = str(math.ceil(self.seconds - moment))
        if self._count + 1 > self.limit:
            self.refused += 1
            return 429, {"Retry-After": reset}
        self._count += 1
        self.served += 1
        left = str(int(self.limit - self._count))
        if not self.states_limits:
            return 200, {}
        return 200, {"X-RateLimit-Limit": str(self.limit), "X-RateLimit-Remaining": left, "X-RateLimit-Reset": reset}


def _steady(limiter: RateLimiter, server: _Server, *, workers: int, latency: float, seconds: float) -> None:
    world = server.world
    end = world.seconds + seconds

    def work() -> None:
        while True:
            limiter.acquire()
            if world.seconds >= end:
                return
            world.sleep(latency * 0.4)
            status, headers = server.respond()
            world.sleep(latency * 0.6)
            limiter.on_response(headers, status=status, now=_NOW)

    world.run(*[work] * workers)


@pytest.mark.parametrize("workers", [8, 16])
@pytest.mark.parametrize("latency", [0.25, 1.0])
@pytest.mark.parametrize("documented", [True, False])
def test_a_steady_minute_uses_95_percent_and_is_never_refused(
    workers: int, latency: float, *, documented: bool
) -> None:
    world = SimulatedTime()
    server = _Server(world, 100, 10)
    rules = [Window(100, 10), Window(4000, 1800)] if documented else [Window(4000, 1800)]
    _steady(_limiter({"": rules}, world), server, workers=workers, latency=latency, seconds=60)
    assert server.refused == 0
    assert server.served >= 0.95 * min(600, workers * 60 / latency)


def test_requests_of_other_integrations_are_allowed_for() -> None:
    served, refused = {}, {}
    for informed in (True, False):
        world = SimulatedTime()
        server = _Server(world, 100, 10, others=4, states_limits=informed)
        _steady(_limiter({"": [Window(100, 10)]}, world), server, workers=8, latency=0.25, seconds=120)
        served[informed], refused[informed] = server.served, server.refused
    # What others send while our last requests of a window are under way cannot be known.
    assert refused[True] <= 2 * 12
    assert refused[True] <= refused[False] / 3
    assert served[True] >= 0.95 * 120 * 6


def test_a_pause_applies_to_requests_already_waiting() -> None:
    world = SimulatedTime()
    limiter = _limiter({"": [Window(1, 10)]}, world)
    limiter.acquire()
    waits: list[float] = []

    def waiting() -> None:
        waits.append(limiter.acquire())

    def respond() -> None:
        world.sleep(1)
        _respond(limiter, status=429, Retry_After=60)

    world.run(waiting, respond)
    assert waits == [pytest.approx(61, abs=0.11)]


def test_requests_are_sent_in_the_order_they_came() -> None:
    world = SimulatedTime()
    limiter = _limiter({"": [Window(3, 10)]}, world)
    served: list[int] = []

    def worker(number: int) -> Callable[[], None]:
        def work() -> None:
            world.sleep(number / 100)
            limiter.acquire()
            served.append(number)

        return work

    world.run(*[worker(number) for number in range(20)])
    assert served == list(range(20))


def test_a_request_that_comes_when_a_slot_becomes_free_queues_behind_those_waiting() -> None:
    queued, gate = threading.Semaphore(0), threading.Event()
    served: list[str] = []

    class GatedClock(FakeClock):
        def wait(self, event: threading.Event, seconds: float | None) -> bool:
            queued.release()
            assert gate.wait(5)
            return super().wait(event, seconds)

    clock = GatedClock()
    limiter = RateLimiter({"": [Window(1, 10)]}, clock=clock)
    limiter.acquire()

    def work(name: str) -> None:
        limiter.acquire()
        served.append(name)

    first, second = (threading.Thread(target=work, args=(name,), daemon=True) for name in ("first", "second"))
    first.start()
    assert queued.acquire(timeout=5)
    clock.advance(11)
    second.start()
    assert queued.acquire(timeout=5), "the second did not queue"
    gate.set()
    first.join(timeout=5)
    second.join(timeout=5)
    assert served == ["first", "second"]


def test_wait_needed_includes_the_requests_already_waiting() -> None:
    world = SimulatedTime()
    limiter = _limiter({"": [Window(2, 10)]}, world)
    limiter.acquire()
    limiter.acquire()
    predicted: list[float] = []

    def waiting() -> None:
        limiter.acquire()

    def asking() -> None:
        world.sleep(0.1)
        predicted.append(limiter.wait_needed())

    world.run(*[waiting] * 4, asking)
    assert predicted == [pytest.approx(30.2)]


def test_a_group_waiting_for_its_own_limit_is_overtaken_but_not_starved() -> None:
    world = SimulatedTime()
    limiter = _limiter({"": [Window(1, 1)], "reports": [Window(1, 30)]}, world)
    begin = world.seconds
    reported: list[float] = []
    others: list[float] = []

    def report() -> None:
        for _ in range(2):
            limiter.acquire("reports")
            reported.append(world.seconds - begin)

    def general() -> None:
        world.sleep(0.01)
        while world.seconds - begin < 60:
            limiter.acquire()
            others.append(world.seconds - begin)

    world.run(report, general, general)
    assert len(others) >= 50
    assert reported[0] == 0
    assert 30.1 <= reported[1] <= 30.1 + 1.1


def test_the_place_in_the_queue_counts_towards_the_wait() -> None:
    world = SimulatedTime()
    limiter = _limiter({"": [Window(2, 10)]}, world)
    limiter.acquire()
    world.seconds += 4
    limiter.acquire()
    refused: list[float] = []

    def patient() -> None:
        limiter.acquire()

    def hasty() -> None:
        world.sleep(0.01)
        with pytest.raises(LongWait) as late:
            limiter.acquire(longest=9)
        refused.append(late.value.seconds)

    world.run(patient, hasty)
    assert refused == [pytest.approx(10.09)]


def test_a_wait_that_becomes_too_long_ends() -> None:
    world = SimulatedTime()
    limiter = _limiter({"": [Window(1, 10)]}, world)
    limiter.acquire()

    def waiting() -> None:
        with pytest.raises(LongWait):
            limiter.acquire(longest=20)

    def respond() -> None:
        world.sleep(1)
        _respond(limiter, status=429, Retry_After=3600)

    begin = world.seconds
    world.run(waiting, waiting, respond)
    assert world.seconds == begin + 1


def test_stop_ends_every_wait_at_once_and_uses_no_slot() -> None:
    world = SimulatedTime()
    limiter = _limiter({"": [Window(1, 10)]}, world)
    limiter.acquire()
    begin = world.seconds

    def waiting() -> None:
        with pytest.raises(WaitStopped):
            limiter.acquire()

    def stop() -> None:
        world.sleep(1)
        limiter.stop()

    world.run(waiting, waiting, stop)
    assert world.seconds == begin + 1
    assert limiter.used[0].used == 1
    with pytest.raises(WaitStopped):
        limiter.acquire()


def test_a_request_that_gives_up_leaves_its_place_to_the_next() -> None:
    world = SimulatedTime()
    limiter = _limiter({"": [Window(1, 10)]}, world)
    limiter.acquire()
    waits: list[float] = []

    def leaving() -> None:
        with pytest.raises(LongWait):
            limiter.acquire(longest=60)

    def staying() -> None:
        world.sleep(0.5)
        waits.append(limiter.acquire())

    def hold() -> None:
        world.sleep(1)
        _respond(limiter, status=429, Retry_After=100)

    world.run(leaving, staying, hold)
    assert waits == [pytest.approx(100.6, abs=_STEP)]


def test_a_signal_ends_the_wait_in_the_main_thread() -> None:
    limiter = RateLimiter({"": [Window(1, 60)]}, clock=Clock())
    limiter.acquire()

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        begin = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            limiter.acquire()
        assert time.monotonic() - begin < 30
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert limiter.used[0].used == 1
    assert 59 < limiter.wait_needed() <= 60.1


def test_real_threads_in_real_time_stay_within_a_window() -> None:
    window = Window(20, 0.05)
    counted = threading.local()

    class CountedClock(Clock):
        def monotonic(self) -> float:
            counted.at = moment = super().monotonic()
            return moment

    limiter = RateLimiter({"": [window]}, clock=CountedClock())
    sent: list[float] = []

    def work() -> None:
        for _ in range(10):
            limiter.acquire()
            sent.append(counted.at)
            limiter.on_response({}, status=200, now=_NOW)

    threads = [threading.Thread(target=work) for _ in range(8)]
    begin = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(sent) == 80
    assert not _overruns(window, sorted(sent), 1.0)
    assert time.monotonic() - begin >= 0.3
