"""What limits permit, by their definition: every request that fits, and none more."""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import FakeClock
from singer_rest_core.api.rate_limit import RateLimiter
from singer_rest_core.api.rate_limit_counters import SlidingWindowCounter, margin
from singer_rest_core.api.rate_limit_rules import Bucket, Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_STEP = 1e-4
_Rules = dict[str, list[Window | Bucket]]


def _ours(limit: int, share: float) -> int:
    return max(1, int(limit * share + 1e-9))


def _permits(rule: Window | Bucket, sent: Sequence[float], moment: float, share: float) -> bool:
    """Return whether a rule, widened by its margin, permits one more request by its definition."""
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


def _most_within(seconds: float, times: Sequence[float]) -> int:
    """Return how many of these sorted times at most lie in one window, wherever it begins."""
    return max(bisect_left(times, start + seconds) - index for index, start in enumerate(times))


def _rules_of(rules: _Rules, group: str) -> Iterable[tuple[Window | Bucket, str]]:
    return [(rule, name) for name in {"", group} for rule in rules[name]]


@given(_RULES, _SHARES, _REQUESTS)
def test_a_request_is_sent_as_soon_as_every_rule_permits_it_and_not_before(
    rules: _Rules,
    share: float,
    requests: list[tuple[float, str]],
) -> None:
    clock = FakeClock()
    limiter = RateLimiter(rules, share=share, clock=clock)
    sent: dict[str, list[float]] = {"": [], "reports": []}
    for pause, group in requests:
        clock.advance(pause)
        asked = clock.monotonic()
        foreseen = limiter.wait_needed(group)
        waited = limiter.acquire(group)
        assert waited == pytest.approx(clock.monotonic() - asked)
        assert waited == pytest.approx(foreseen, abs=_STEP)
        if waited > 2 * _STEP:
            just_before = clock.monotonic() - _STEP
            assert not all(_permits(rule, sent[name], just_before, share) for rule, name in _rules_of(rules, group))
        assert all(
            _permits(rule, sent[name], clock.monotonic() + 3 * _STEP, share) for rule, name in _rules_of(rules, group)
        )
        for name in {"", group}:
            sent[name].append(clock.monotonic())
    for name, times in sent.items():
        for rule in rules[name]:
            if times and isinstance(rule, Window):
                assert _most_within(rule.seconds, times) <= _ours(rule.limit, share)


_LATE = st.lists(st.tuples(st.sampled_from([0.0] * 12 + [0.2, 3.0]), st.sampled_from([0.0, 1.0])), min_size=40)


@given(st.integers(1, 12), st.sampled_from([1.0, 10.0]), _LATE)
def test_a_server_with_fixed_windows_never_refuses_however_they_lie(
    limit: int,
    seconds: float,
    requests: list[tuple[float, float]],
) -> None:
    clock = FakeClock()
    limiter = RateLimiter({"": [Window(limit, seconds)]}, clock=clock)
    arrivals = []
    for pause, lateness in requests:
        clock.advance(pause)
        limiter.acquire()
        arrivals.append(clock.monotonic() + 0.3 + lateness * margin(seconds))
    # A fixed window may begin at any arrival.
    assert _most_within(seconds, sorted(arrivals)) <= limit


@given(st.integers(1, 12), st.integers(1, 12), st.sampled_from([0.0, 0.3, 0.7, 0.999]), _LATE)
def test_a_server_that_refills_its_bucket_at_once_never_refuses(
    capacity: int,
    refill: int,
    phase: float,
    requests: list[tuple[float, float]],
) -> None:
    clock = FakeClock()
    limiter = RateLimiter({"": [Bucket(capacity, refill, 10)]}, clock=clock)
    arrivals = []
    for pause, lateness in requests:
        clock.advance(pause)
        limiter.acquire()
        arrivals.append(clock.monotonic() + lateness * margin(10))
    tokens, refilled = capacity, -10 * phase
    for arrival in sorted(arrivals):
        while refilled + 10 <= arrival:
            refilled += 10
            tokens = min(capacity, tokens + refill)
        assert tokens > 0
        tokens -= 1


def test_a_large_daily_limit_is_counted_in_little_memory_and_fully_used() -> None:
    clock = FakeClock()
    counter = SlidingWindowCounter(Window(100_000, 86_400), share=1)
    begin = clock.monotonic()
    sent: list[float] = []

    def send() -> None:
        clock.advance(max(0.0, counter.ready_at(1, clock.monotonic()) - clock.monotonic()))
        counter.add(clock.monotonic())
        sent.append(clock.monotonic())

    for _ in range(100_000):
        send()
        clock.advance(0.2)
    assert len(counter._times) <= 4_200  # noqa: SLF001 - the size can be seen nowhere else
    for _ in range(1_000):
        send()
    assert _most_within(86_400, sent) <= 100_000
    assert clock.monotonic() - begin <= (86_400 + 200) * (1 + 2 / 4_096)


def test_a_rule_that_permits_nothing_is_refused() -> None:
    for make in (lambda: Window(0, 1), lambda: Window(1, 0), lambda: Bucket(1, 0, 1), lambda: Bucket(0, 1, 1)):
        with pytest.raises(ValueError, match="positive"):
            make()
