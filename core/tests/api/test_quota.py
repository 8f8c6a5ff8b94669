"""The quota, in simulated time: everything that is permitted and nothing more."""

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
from singer_rest_core.api.rate_limit import Bucket, LongWait, RateLimiter, WaitStopped, Window, margin
from singer_rest_core.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
_STEP = 1e-4
_Rules = dict[str, list[Window | Bucket]]


class _Time(Clock):
    """A clock that stands still while anybody works, and jumps to the next event when all wait."""

    def __init__(self) -> None:
        self.seconds = 1_000.0
        self._turn = threading.Condition()
        self._busy = 1
        self._asleep: dict[object, tuple[float, threading.Event]] = {}

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.wait(threading.Event(), seconds)

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        with self._turn:
            me = object()
            self._asleep[me] = (math.inf if seconds is None else self.seconds + seconds, event)
            self._left()
            assert self._turn.wait_for(lambda: me not in self._asleep, timeout=20), "everybody waits for ever"
        return event.is_set()

    def run(self, *workers: Callable[[], None]) -> None:
        """Run workers to their end, each in a thread; they start in their order."""
        failures: list[BaseException] = []

        def work(worker: Callable[[], None]) -> None:
            try:
                worker()
            except BaseException as failure:  # noqa: BLE001 - raised again in the test's own thread
                failures.append(failure)
            finally:
                with self._turn:
                    self._left()

        threads = [threading.Thread(target=work, args=(worker,), daemon=True) for worker in workers]
        with self._turn:
            self._busy += len(threads) - 1
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)
            assert not thread.is_alive()
        self._busy = 1
        for failure in failures:
            raise failure

    def _left(self) -> None:
        self._busy -= 1
        if self._busy or not self._asleep:
            return
        awake = [me for me, (_, event) in self._asleep.items() if event.is_set()]
        if not awake:
            self.seconds = max(self.seconds, min(until for until, _ in self._asleep.values()))
            awake = [me for me, (until, _) in self._asleep.items() if until <= self.seconds]
        for me in awake:
            del self._asleep[me]
        self._busy = len(awake)
        self._turn.notify_all()


def _quota(rules: Mapping[str, Sequence[Window | Bucket]], world: _Time, *, share: float = 1.0) -> RateLimiter:
    return RateLimiter(rules, share=share, clock=world)


def _tell(quota: RateLimiter, group: str = "", *, status: int = 200, **headers: str | int) -> None:
    named = {name.replace("_", "-"): str(value) for name, value in headers.items()}
    quota.answered(named, status=status, now=_NOW, group=group)


def _ours(limit: int, share: float) -> int:
    return max(1, int(limit * share + 1e-9))


def _overruns(rule: Window | Bucket, sent: Sequence[float], share: float) -> bool:
    """Count by brute force whether any span of time holds more than a rule permits."""
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


def _permits(rule: Window | Bucket, sent: Sequence[float], moment: float, share: float) -> bool:
    """Say by the definition of a rule, widened by its margin, whether one more may be sent."""
    wider = margin(rule.seconds) + 2 * _STEP
    if isinstance(rule, Window):
        return sum(moment - at < rule.seconds + wider for at in sent) < _ours(rule.limit, share)
    refill = _ours(rule.refill, share)
    period = rule.seconds * max(1.0, refill / (rule.refill * share))
    return all(
        len(sent) - index + 1
        <= _ours(rule.capacity, share) + refill * math.floor(max(0.0, moment - at - wider) / period)
        for index, at in enumerate(sent)
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
_PAUSES = st.sampled_from([0.0, 0.0, 0.0, 0.01, 0.2, 1.0, 9.97, 40.0])
_REQUESTS = st.lists(st.tuples(_PAUSES, st.sampled_from(["", "reports"])), max_size=60)


def _held(rules: _Rules, group: str) -> Iterable[tuple[Window | Bucket, str]]:
    return [(rule, name) for name in {"", group} for rule in rules[name]]


@given(_RULES, _SHARES, _REQUESTS)
def test_a_request_is_sent_as_soon_as_every_rule_permits_it_and_not_before(
    rules: _Rules,
    share: float,
    requests: list[tuple[float, str]],
) -> None:
    world = _Time()
    quota = _quota(rules, world, share=share)
    sent: dict[str, list[float]] = {"": [], "reports": []}
    for pause, group in requests:
        world.seconds += pause
        asked = world.seconds
        foreseen = quota.wait_needed(group)
        waited = quota.acquire(group)
        assert waited == pytest.approx(world.seconds - asked)
        assert waited == pytest.approx(foreseen, abs=_STEP)
        if waited > 2 * _STEP:
            just_before = world.seconds - _STEP
            assert not all(_permits(rule, sent[name], just_before, share) for rule, name in _held(rules, group))
        assert all(_permits(rule, sent[name], world.seconds + 3 * _STEP, share) for rule, name in _held(rules, group))
        for name in {"", group}:
            sent[name].append(world.seconds)
    for name, times in sent.items():
        assert not any(_overruns(rule, times, share) for rule in rules[name])


@given(_RULES, _SHARES, st.integers(2, 6), st.integers(1, 12), st.sampled_from([0.0, 0.05, 0.7]))
@settings(max_examples=40, deadline=None)
def test_threads_together_never_overrun_a_rule(
    rules: _Rules, share: float, workers: int, each: int, latency: float
) -> None:
    world = _Time()
    quota = _quota(rules, world, share=share)
    sent: dict[str, list[float]] = {"": [], "reports": []}

    def work(group: str) -> None:
        for _ in range(each):
            quota.acquire(group)
            for name in {"", group}:
                sent[name].append(world.seconds)
            if latency:
                world.sleep(latency)
            _tell(quota, group)

    world.run(*[lambda group=group: work(group) for group in ["", "reports"] * workers][:workers])
    assert len(sent[""]) == workers * each
    for name, times in sent.items():
        assert times == sorted(times)
        assert not any(_overruns(rule, times, share) for rule in rules[name])


_LATE = st.lists(st.tuples(st.sampled_from([0.0] * 12 + [0.2, 3.0]), st.sampled_from([0.0, 1.0])), min_size=40)


@given(st.integers(1, 12), st.sampled_from([1.0, 10.0]), _LATE)
def test_a_server_with_fixed_windows_never_refuses_however_they_lie(
    limit: int,
    seconds: float,
    requests: list[tuple[float, float]],
) -> None:
    world = _Time()
    quota = _quota({"": [Window(limit, seconds)]}, world)
    arrivals = []
    for pause, lateness in requests:
        world.seconds += pause
        quota.acquire()
        arrivals.append(world.seconds + 0.3 + lateness * margin(seconds))
    # A fixed window may begin at any arrival.
    assert not _overruns(Window(limit, seconds), sorted(arrivals), 1.0)


@given(st.integers(1, 12), st.integers(1, 12), st.sampled_from([0.0, 0.3, 0.7, 0.999]), _LATE)
def test_a_server_that_refills_its_bucket_at_once_never_refuses(
    capacity: int,
    refill: int,
    phase: float,
    requests: list[tuple[float, float]],
) -> None:
    world = _Time()
    quota = _quota({"": [Bucket(capacity, refill, 10)]}, world)
    arrivals = []
    for pause, lateness in requests:
        world.seconds += pause
        quota.acquire()
        arrivals.append(world.seconds + lateness * margin(10))
    tokens, refilled = capacity, 1_000 - 10 * phase
    for arrival in sorted(arrivals):
        while refilled + 10 <= arrival:
            refilled += 10
            tokens = min(capacity, tokens + refill)
        assert tokens > 0
        tokens -= 1


class _Server:
    """Counts in fixed windows and says so, as rate limiters do; another integration uses the account too."""

    def __init__(self, world: _Time, limit: int, seconds: float, *, others: float = 0.0, informs: bool = True) -> None:
        self.world, self.limit, self.seconds = world, limit, seconds
        self.others, self.informs = others, informs
        self.refused = 0
        self.served = 0
        self._window = -1
        self._count = 0.0
        self._looked = world.seconds

    def answer(self) -> tuple[int, dict[str, str]]:
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
        if not self.informs:
            return 200, {}
        return 200, {"X-RateLimit-Limit": str(self.limit), "X-RateLimit-Remaining": left, "X-RateLimit-Reset": reset}


def _steady(quota: RateLimiter, server: _Server, *, workers: int, latency: float, seconds: float) -> None:
    world = server.world
    end = world.seconds + seconds

    def work() -> None:
        while True:
            quota.acquire()
            if world.seconds >= end:
                return
            world.sleep(latency * 0.4)
            status, headers = server.answer()
            world.sleep(latency * 0.6)
            quota.answered(headers, status=status, now=_NOW)

    world.run(*[work] * workers)


@pytest.mark.parametrize("workers", [8, 16])
@pytest.mark.parametrize("latency", [0.25, 1.0])
@pytest.mark.parametrize("documented", [True, False])
def test_a_steady_minute_uses_95_percent_and_is_never_refused(
    workers: int, latency: float, *, documented: bool
) -> None:
    world = _Time()
    server = _Server(world, 100, 10)
    rules = [Window(100, 10), Window(4000, 1800)] if documented else [Window(4000, 1800)]
    _steady(_quota({"": rules}, world), server, workers=workers, latency=latency, seconds=60)
    assert server.refused == 0
    assert server.served >= 0.95 * min(600, workers * 60 / latency)


def test_what_others_use_is_left_to_them() -> None:
    served, refused = {}, {}
    for informed in (True, False):
        world = _Time()
        server = _Server(world, 100, 10, others=4, informs=informed)
        _steady(_quota({"": [Window(100, 10)]}, world), server, workers=8, latency=0.25, seconds=120)
        served[informed], refused[informed] = server.served, server.refused
    # What others send while our last requests of a window are under way cannot be known.
    assert refused[True] <= 2 * 12
    assert refused[True] <= refused[False] / 3
    assert served[True] >= 0.95 * 120 * 6


@pytest.mark.parametrize("share", [0.1, 0.5, 0.29])
def test_a_share_holds_for_what_is_documented_and_for_what_is_learned(share: float) -> None:
    world = _Time()
    quota = _quota({"": [Window(100, 10)]}, world, share=share)
    waits = [quota.acquire() for _ in range(round(100 * share) + 1)]
    assert not any(waits[:-1])
    assert waits[-1] == pytest.approx(10.1, abs=_STEP)
    _tell(quota, RateLimit_Policy="1000;w=3600")
    assert quota.used[-1].allowed == round(1000 * share)


def test_a_share_of_a_window_whose_length_is_unknown() -> None:
    world = _Time()
    quota = _quota({"": []}, world, share=0.5)
    for left in (99, 98, 97, 96):
        assert quota.acquire() == 0
        _tell(quota, X_RateLimit_Limit=100, X_RateLimit_Remaining=left, X_RateLimit_Reset=60)
    waits = [quota.acquire() for _ in range(47)]
    assert not any(waits[:46])
    assert waits[46] == pytest.approx(60, abs=0.1)


def test_a_share_leaves_at_least_one_request() -> None:
    world = _Time()
    quota = _quota({"": [Window(3, 10), Bucket(3, 3, 10)]}, world, share=0.01)
    assert quota.acquire() == 0
    assert quota.acquire() > 10


@pytest.mark.parametrize("share", [0, -1, 1.1, math.nan])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        RateLimiter({}, share=share, clock=_Time())


def test_a_rule_that_permits_nothing_is_refused() -> None:
    for make in (lambda: Window(0, 1), lambda: Window(1, 0), lambda: Bucket(1, 0, 1), lambda: Bucket(0, 1, 1)):
        with pytest.raises(ValueError, match="positive"):
            make()


def test_a_group_nobody_named_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        RateLimiter({"": []}, clock=_Time()).acquire("report")


def test_a_group_has_its_own_limit_beside_the_common_one() -> None:
    world = _Time()
    quota = _quota({"": [Window(3, 10)], "reports": [Window(1, 30)]}, world)
    assert quota.acquire("reports") == 0
    assert quota.wait_needed("reports") == pytest.approx(30.1)
    assert [quota.acquire(), quota.acquire()] == [0, 0]
    assert quota.wait_needed() == pytest.approx(10.1)
    usage = [(entry.group, entry.used, entry.allowed) for entry in quota.used]
    assert sorted(usage) == [("", 3, 3), ("reports", 1, 1)]


def test_more_remaining_than_we_think_loosens_nothing() -> None:
    world = _Time()
    quota = _quota({"": [Window(2, 10)]}, world)
    quota.acquire()
    quota.acquire()
    _tell(quota, X_RateLimit_Limit=2, X_RateLimit_Remaining=2, X_RateLimit_Reset=1)
    _tell(quota, RateLimit_Policy='"more";q=1000;w=10', RateLimit='"more";r=998;t=1')
    assert quota.wait_needed() == pytest.approx(10.1)


@pytest.mark.parametrize(
    "headers",
    [
        {"X_RateLimit_Limit": 100, "X_RateLimit_Remaining": 0, "X_RateLimit_Reset": 7},
        {"X_RateLimit_Limit": 100, "X_RateLimit_Remaining": 0, "X_RateLimit_Reset": int(_NOW.timestamp()) + 7},
        {"RateLimit_Limit": "100, 100;w=10", "RateLimit_Remaining": 0, "RateLimit_Reset": 7},
        {"RateLimit_Policy": '"burst";q=100;w=10', "RateLimit": '"burst";r=0;t=7'},
        {"RateLimit": "limit=100, remaining=0, reset=7"},
        {"X_RateLimit_Remaining": 0, "X_RateLimit_Reset": 7},
    ],
)
def test_less_remaining_than_we_think_tightens_until_the_reset(headers: dict[str, str | int]) -> None:
    world = _Time()
    quota = _quota({"": [Window(100, 10)]}, world)
    quota.acquire()
    _tell(quota, "", status=200, **headers)
    assert quota.wait_needed() == pytest.approx(7, abs=0.1)
    assert quota.acquire() == pytest.approx(7, abs=0.1)
    assert quota.acquire() == 0


def test_a_remainder_we_caused_ourselves_makes_nobody_wait() -> None:
    world = _Time()
    quota = _quota({"": [Window(100, 10)]}, world)
    for _ in range(90):
        quota.acquire()
    _tell(quota, X_RateLimit_Limit=100, X_RateLimit_Remaining=10, X_RateLimit_Reset=9)
    assert [quota.acquire() for _ in range(10)] == [0] * 10


def test_requests_under_way_are_taken_off_what_is_left_to_us() -> None:
    world = _Time()
    quota = _quota({"": [Window(100, 10)]}, world)
    for _ in range(4):
        quota.acquire()
    _tell(quota, X_RateLimit_Limit=100, X_RateLimit_Remaining=4, X_RateLimit_Reset=9)
    assert quota.acquire() == 0
    assert quota.wait_needed() == pytest.approx(9, abs=0.1)
    quota.lost()
    _tell(quota, X_RateLimit_Limit=100, X_RateLimit_Remaining=4, X_RateLimit_Reset=9)
    assert quota.acquire() == 0


def test_an_answer_overtaken_by_a_newer_one_loosens_nothing() -> None:
    world = _Time()
    quota = _quota({"": [Window(100, 10)]}, world)
    quota.acquire()
    quota.acquire()
    _tell(quota, X_RateLimit_Limit=100, X_RateLimit_Remaining=0, X_RateLimit_Reset=9)
    _tell(quota, X_RateLimit_Limit=100, X_RateLimit_Remaining=40, X_RateLimit_Reset=9)
    assert quota.wait_needed() == pytest.approx(9, abs=0.1)


def test_a_new_window_of_the_server_begins_afresh() -> None:
    world = _Time()
    quota = _quota({"": [Window(100, 10)]}, world)
    quota.acquire()
    _tell(quota, X_RateLimit_Limit=100, X_RateLimit_Remaining=0, X_RateLimit_Reset=3)
    quota.acquire()
    _tell(quota, X_RateLimit_Limit=100, X_RateLimit_Remaining=99, X_RateLimit_Reset=10)
    assert [quota.acquire() for _ in range(50)] == [0] * 50


@pytest.mark.parametrize(("pause", "reset"), [(1.5, 1), (0.7, 10)])
def test_a_window_of_the_server_that_is_over_leaves_nothing_behind(pause: float, reset: int) -> None:
    world = _Time()
    quota = _quota({"": [Window(100, 10)]}, world)
    quota.acquire()
    _tell(quota, X_RateLimit_Limit=100, X_RateLimit_Remaining=0, X_RateLimit_Reset=1)
    world.seconds += pause
    _tell(quota, X_RateLimit_Limit=100, X_RateLimit_Remaining=99, X_RateLimit_Reset=reset)
    assert quota.wait_needed() == 0


def test_every_window_of_the_server_is_heeded_also_short_ones() -> None:
    world = _Time()
    quota = _quota({"": [Window(100, 1)]}, world)
    for _ in range(3):
        _tell(quota, X_RateLimit_Limit=100, X_RateLimit_Remaining=0, X_RateLimit_Reset=1)
        assert quota.wait_needed() == pytest.approx(1, abs=0.1)
        world.seconds += 1.5
    assert quota.wait_needed() == 0


def test_a_reset_never_makes_wait_longer_than_the_window_it_resets() -> None:
    world = _Time()
    quota = _quota({"": [Window(100, 10)]}, world)
    quota.acquire()
    _tell(quota, RateLimit_Policy='"burst";q=100;w=10', RateLimit='"burst";r=0;t=3600')
    assert quota.wait_needed() <= 10.1


def test_of_two_windows_with_one_limit_the_reset_says_which_is_meant() -> None:
    world = _Time()
    quota = _quota({"": [Window(100, 10), Window(100, 3600)]}, world)
    quota.acquire()
    _tell(quota, X_RateLimit_Limit=100, X_RateLimit_Remaining=0, X_RateLimit_Reset=1200)
    assert quota.wait_needed() == pytest.approx(1200, abs=0.1)


def test_a_limit_nobody_documented_is_kept_once_the_server_names_it() -> None:
    world = _Time()
    quota = _quota({"": [Window(100, 10)]}, world)
    quota.acquire()
    _tell(quota, RateLimit_Policy="100;w=10, 2;w=60, 100000;w=86400")
    assert quota.acquire() == 0
    assert quota.wait_needed() == pytest.approx(60.1, abs=0.1)
    assert [(entry.rule, entry.used) for entry in quota.used][1:] == [(Window(2, 60), 2), (Window(100_000, 86_400), 2)]
    _tell(quota, RateLimit_Policy="4;w=60")
    assert [quota.acquire(), quota.acquire()] == [0, 0]
    assert quota.wait_needed() == pytest.approx(60.1, abs=0.1)


def test_a_smaller_limit_than_documented_is_kept_for_all_who_share_it() -> None:
    world = _Time()
    quota = _quota({"": [Window(100, 10)], "reports": [Window(10, 30)]}, world)
    quota.acquire("reports")
    _tell(quota, "reports", RateLimit_Policy="2;w=10")
    assert quota.acquire() == 0
    assert quota.wait_needed() == pytest.approx(10.1, abs=0.1)


def test_a_bucket_stated_as_a_policy_stays_a_bucket() -> None:
    world = _Time()
    quota = _quota({"": [Bucket(200, 1, 1)]}, world)
    quota.acquire()
    _tell(quota, RateLimit_Policy="60;w=60")
    assert [quota.acquire() for _ in range(199)] == [0] * 199
    assert quota.acquire() == pytest.approx(1.05, abs=_STEP)


def test_a_rate_with_bursts_is_not_taken_for_a_window() -> None:
    quota = _quota({"": []}, _Time())
    _tell(quota, RateLimit_Policy="10;w=1;burst=1000")
    assert quota.used == []


def test_a_server_that_invents_policies_does_not_fill_the_memory() -> None:
    world = _Time()
    quota = _quota({"": []}, world)
    for number in range(1, 2_000):
        policy = f'"p{number}";q={10**6 + number};w={number}'
        _tell(quota, RateLimit_Policy=policy, RateLimit=f'"p{number}";r=10;t={number}')
    assert len(quota.used) <= 8


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_holds_the_group_or_everything(status: int) -> None:
    world = _Time()
    quota = _quota({"": [], "reports": []}, world)
    _tell(quota, "reports", status=status, Retry_After=30)
    assert quota.wait_needed() == 0
    assert quota.acquire("reports") == pytest.approx(30, abs=0.11)
    _tell(quota, status=status, Retry_After=20)
    _tell(quota, status=status, Retry_After=5)
    assert quota.wait_needed("reports") == pytest.approx(20, abs=0.11)
    assert quota.acquire() == pytest.approx(20, abs=0.11)


@given(st.text(alphabet='";=,qwrt0123456789. ', max_size=40), st.sampled_from([200, 404, 500]))
def test_nonsense_never_holds_anything_for_ever(value: str, status: int) -> None:
    world = _Time()
    quota = _quota({"": [Window(5, 10)]}, world)
    quota.acquire()
    _tell(quota, status=status, RateLimit=value, RateLimit_Policy=value, X_RateLimit_Reset=value, Retry_After=value)
    assert quota.wait_needed() <= 367 * 86_400


def test_a_hold_reaches_those_who_wait_already() -> None:
    world = _Time()
    quota = _quota({"": [Window(1, 10)]}, world)
    quota.acquire()
    waits: list[float] = []

    def waiting() -> None:
        waits.append(quota.acquire())

    def answer() -> None:
        world.sleep(1)
        _tell(quota, status=429, Retry_After=60)

    world.run(waiting, answer)
    assert waits == [pytest.approx(61, abs=0.11)]


def test_first_come_is_first_served() -> None:
    world = _Time()
    quota = _quota({"": [Window(3, 10)]}, world)
    served: list[int] = []

    def worker(number: int) -> Callable[[], None]:
        def work() -> None:
            world.sleep(number / 100)
            quota.acquire()
            served.append(number)

        return work

    world.run(*[worker(number) for number in range(20)])
    assert served == list(range(20))


def test_who_comes_when_a_slot_falls_free_goes_behind_those_who_wait() -> None:
    queued, gate = threading.Semaphore(0), threading.Event()
    served: list[str] = []

    class GatedClock(FakeClock):
        def wait(self, event: threading.Event, seconds: float | None) -> bool:
            queued.release()
            assert gate.wait(5)
            return super().wait(event, seconds)

    clock = GatedClock()
    quota = RateLimiter({"": [Window(1, 10)]}, clock=clock)
    quota.acquire()

    def work(name: str) -> None:
        quota.acquire()
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


def test_the_wait_foretold_counts_those_who_wait_already() -> None:
    world = _Time()
    quota = _quota({"": [Window(2, 10)]}, world)
    quota.acquire()
    quota.acquire()
    foretold: list[float] = []

    def waiting() -> None:
        quota.acquire()

    def asking() -> None:
        world.sleep(0.1)
        foretold.append(quota.wait_needed())

    world.run(*[waiting] * 4, asking)
    assert foretold == [pytest.approx(30.2)]


def test_a_group_that_waits_for_its_own_limit_lets_others_pass_and_is_not_starved() -> None:
    world = _Time()
    quota = _quota({"": [Window(1, 1)], "reports": [Window(1, 30)]}, world)
    begin = world.seconds
    reported: list[float] = []
    others: list[float] = []

    def report() -> None:
        for _ in range(2):
            quota.acquire("reports")
            reported.append(world.seconds - begin)

    def general() -> None:
        world.sleep(0.01)
        while world.seconds - begin < 60:
            quota.acquire()
            others.append(world.seconds - begin)

    world.run(report, general, general)
    assert len(others) >= 50
    assert reported[0] == 0
    assert 30.1 <= reported[1] <= 30.1 + 1.1


def test_a_wait_that_is_too_long_is_refused_at_once_and_takes_no_slot() -> None:
    world = _Time()
    quota = _quota({"": [Window(1, 10)]}, world)
    quota.acquire()
    begin = world.seconds
    with pytest.raises(LongWait) as refused:
        quota.acquire(longest=10)
    assert refused.value.seconds == pytest.approx(10.1)
    assert world.seconds == begin
    assert quota.used[0].used == 1
    assert quota.acquire(longest=10.2) == pytest.approx(10.1, abs=_STEP)


def test_a_place_in_the_queue_counts_as_waiting() -> None:
    world = _Time()
    quota = _quota({"": [Window(2, 10)]}, world)
    quota.acquire()
    world.seconds += 4
    quota.acquire()
    refused: list[float] = []

    def patient() -> None:
        quota.acquire()

    def hasty() -> None:
        world.sleep(0.01)
        with pytest.raises(LongWait) as late:
            quota.acquire(longest=9)
        refused.append(late.value.seconds)

    world.run(patient, hasty)
    assert refused == [pytest.approx(10.09)]


def test_a_wait_that_becomes_too_long_ends() -> None:
    world = _Time()
    quota = _quota({"": [Window(1, 10)]}, world)
    quota.acquire()

    def waiting() -> None:
        with pytest.raises(LongWait):
            quota.acquire(longest=20)

    def answer() -> None:
        world.sleep(1)
        _tell(quota, status=429, Retry_After=3600)

    begin = world.seconds
    world.run(waiting, waiting, answer)
    assert world.seconds == begin + 1


def test_stopping_ends_every_wait_at_once_and_without_a_slot() -> None:
    world = _Time()
    quota = _quota({"": [Window(1, 10)]}, world)
    quota.acquire()
    begin = world.seconds

    def waiting() -> None:
        with pytest.raises(WaitStopped):
            quota.acquire()

    def stop() -> None:
        world.sleep(1)
        quota.stop()

    world.run(waiting, waiting, stop)
    assert world.seconds == begin + 1
    assert quota.used[0].used == 1
    with pytest.raises(WaitStopped):
        quota.acquire()


def test_who_leaves_the_queue_gives_their_place_to_the_next() -> None:
    world = _Time()
    quota = _quota({"": [Window(1, 10)]}, world)
    quota.acquire()
    waits: list[float] = []

    def leaving() -> None:
        with pytest.raises(LongWait):
            quota.acquire(longest=60)

    def staying() -> None:
        world.sleep(0.5)
        waits.append(quota.acquire())

    def hold() -> None:
        world.sleep(1)
        _tell(quota, status=429, Retry_After=100)

    world.run(leaving, staying, hold)
    assert waits == [pytest.approx(100.6, abs=_STEP)]


def test_many_requests_a_day_are_counted_in_little_memory_and_used_up() -> None:
    world = _Time()
    quota = _quota({"": [Window(100_000, 86_400)]}, world)
    begin = world.seconds
    sent: list[float] = []
    for _ in range(100_000):
        quota.acquire()
        sent.append(world.seconds)
        world.seconds += 0.2
    (meter,) = quota._ledgers[""].all_meters  # noqa: SLF001 - the size is visible nowhere else
    assert len(meter._times) <= 4_200  # type: ignore[union-attr]  # noqa: SLF001
    for _ in range(1_000):
        quota.acquire()
        sent.append(world.seconds)
    assert not _overruns(Window(100_000, 86_400), sent, 1.0)
    assert world.seconds - begin <= (86_400 + 200) * (1 + 2 / 4_096)


def test_an_exception_from_a_signal_ends_the_wait_in_the_main_thread() -> None:
    quota = RateLimiter({"": [Window(1, 60)]}, clock=Clock())
    quota.acquire()

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        begin = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            quota.acquire()
        assert time.monotonic() - begin < 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert quota.used[0].used == 1
    assert 59 < quota.wait_needed() <= 60.1


def test_real_threads_in_real_time_stay_within_a_window() -> None:
    window = Window(20, 0.05)
    counted = threading.local()

    class CountedClock(Clock):
        def monotonic(self) -> float:
            counted.at = moment = super().monotonic()
            return moment

    quota = RateLimiter({"": [window]}, clock=CountedClock())
    sent: list[float] = []

    def work() -> None:
        for _ in range(10):
            quota.acquire()
            sent.append(counted.at)
            quota.answered({}, status=200, now=_NOW)

    threads = [threading.Thread(target=work) for _ in range(8)]
    begin = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=5)
    assert len(sent) == 80
    assert not _overruns(window, sorted(sent), 1.0)
    assert 0.3 <= time.monotonic() - begin < 1
