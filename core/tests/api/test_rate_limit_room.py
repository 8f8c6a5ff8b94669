"""Requests that go before others, and the room that those others leave them, in simulated time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import FakeClock
from singer_rest_core.api.rate_limit import RateLimiter
from singer_rest_core.api.rate_limit_counters import counter_for
from singer_rest_core.api.rate_limit_rules import NOTHING_EXPECTED, Bucket, ExpectedRequests, Window
from tests.simulated_time import SimulatedTime

if TYPE_CHECKING:
    from collections.abc import Callable

    from singer_rest_core.api.rate_limit_rules import Rule


_WALK = 40
"""Seconds."""


def _sends(
    world: SimulatedTime, limiter: RateLimiter, sent: list[float], number: int, *, first: bool
) -> Callable[[], None]:
    def work() -> None:
        for _ in range(number):
            limiter.acquire(first=lambda: first)
            sent.append(world.seconds)

    return work


def test_a_request_that_is_first_goes_before_those_that_wait() -> None:
    world = SimulatedTime()
    limiter = RateLimiter({"": [Window(1, 10)]}, clock=world)
    limiter.acquire()
    order: list[str] = []

    def waiting(name: str, after: float, *, first: bool) -> Callable[[], None]:
        def work() -> None:
            world.sleep(after)
            limiter.acquire(first=lambda: first)
            order.append(name)

        return work

    world.run(
        waiting("early", 1, first=False),
        waiting("late", 2, first=False),
        waiting("first", 3, first=True),
        waiting("first, too", 4, first=True),
    )
    assert order == ["first", "first, too", "early", "late"]


def _walk(
    world: SimulatedTime, limiter: RateLimiter, waits: list[float], sent: list[float], *, latency: float
) -> Callable[[], None]:
    """Request pages one after the other for a while, each of which is expected."""

    def work() -> None:
        for left in range(int(_WALK / latency), 0, -1):
            limiter.leave_room(ExpectedRequests(left, latency))
            waits.append(limiter.acquire(first=lambda: True))
            sent.append(world.seconds)
            world.sleep(latency)
        limiter.leave_room(NOTHING_EXPECTED)

    return work


def _side_by_side(
    world: SimulatedTime, limiter: RateLimiter, sent: list[float], *, number: int, latency: float
) -> Callable[[], None]:
    def work() -> None:
        for _ in range(number):
            limiter.acquire()
            sent.append(world.seconds)
            world.sleep(latency)

    return work


@pytest.mark.parametrize("rule", [Window(100, 10), Bucket(100, 100, 10)])
@pytest.mark.parametrize("latency", [0.25, 1.0])
@pytest.mark.parametrize("latency_of_others", [0.01, 0.25, 1.0])
def test_a_walk_that_is_expected_never_waits_and_the_others_use_what_it_leaves(
    rule: Rule, latency: float, latency_of_others: float
) -> None:
    world = SimulatedTime()
    limiter = RateLimiter({"": [rule]}, clock=world)
    began = world.seconds
    pages, others = int(_WALK / latency), 400
    waits: list[float] = []
    sent: list[float] = []
    world.run(
        _walk(world, limiter, waits, sent, latency=latency),
        *(_side_by_side(world, limiter, sent, number=others // 16, latency=latency_of_others) for _ in range(16)),
    )

    assert max(waits) == 0
    # 100 at once, and as many in each further span of the limit.
    needed = (pages + others - 100) / 10
    assert sorted(sent)[pages + others - 1] - began <= max(needed + 11, _WALK + 1)
    if isinstance(rule, Window):
        assert all(sum(start <= time < start + 10 for time in sent) <= 100 for start in sent)


def test_what_is_expected_counts_only_against_the_limits_of_all_requests() -> None:
    limiter = RateLimiter({"": [Window(100, 10)], "reports": [Window(3, 30)]}, clock=FakeClock())
    limiter.leave_room(ExpectedRequests(50, 0.1))
    assert [limiter.acquire("reports") for _ in range(3)] == [0, 0, 0]


def test_a_remainder_that_the_server_states_is_kept_for_what_is_expected() -> None:
    clock = FakeClock()
    limiter = RateLimiter({"": [Window(100, 10)]}, clock=clock)
    limiter.acquire()
    headers = {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "5", "X-RateLimit-Reset": "8"}
    limiter.on_response(headers, status=200, now=clock.now())
    limiter.leave_room(ExpectedRequests(10, 2.5))
    # Until the reset comes one at once, and three more after 2.5, 5 and 7.5 seconds: one place is left.
    assert limiter.acquire() == 0
    assert limiter.acquire() > 0


def test_room_is_given_up_at_once() -> None:
    world = SimulatedTime()
    limiter = RateLimiter({"": [Window(100, 10)]}, clock=world)
    began = world.seconds
    limiter.leave_room(ExpectedRequests(100, 0.0, at_once=100))
    sent: list[float] = []

    def give_up() -> None:
        world.sleep(5)
        limiter.leave_room(NOTHING_EXPECTED)

    world.run(_sends(world, limiter, sent, 20, first=False), give_up)
    # Of all that is expected, a tenth of the limit is left for the others.
    assert [time - began for time in sent] == [0.0] * 10 + [5.0] * 10


@given(
    st.builds(Window, st.integers(1, 12), st.sampled_from([1.0, 10.0]))
    | st.builds(Bucket, st.integers(1, 12), st.integers(1, 6), st.sampled_from([0.5, 10.0])),
    st.lists(st.sampled_from([0.0, 0.0, 0.05, 0.4, 3.0]), max_size=40),
    st.integers(1, 12),
    st.builds(ExpectedRequests, st.integers(0, 12), st.sampled_from([0.0, 0.2, 1.0, 7.0]), st.integers(1, 3)),
)
def test_room_is_left_for_each_request_that_is_expected_and_for_no_other(
    rule: Rule, pauses: list[float], place: int, expected: ExpectedRequests
) -> None:
    """By definition: none of them would come later for it than without it, and one could not be sent earlier."""
    counter, now = counter_for(rule, 1.0), 1_000.0
    place = min(place, counter.allowed)
    for pause in pauses:
        now = max(now + pause, counter.ready_at(1, now))
        counter.add(now)
    # Something is always left for others.
    most = min(expected.requests, int(0.9 * counter.allowed))
    numbers = range(min(most, counter.allowed - place) + 1)
    by_definition = max(counter.ready_at(place + number, now) - expected.due(number) for number in numbers)
    if most <= counter.allowed - place:
        assert counter.ready_at(place, now, expected) == pytest.approx(by_definition)
    else:
        assert counter.ready_at(place, now, expected) >= by_definition - 1e-9


def test_the_wait_of_many_requests_is_known_however_many_they_are() -> None:
    limiter = RateLimiter({"": [Window(100, 10)]}, clock=FakeClock())
    assert limiter.wait_needed(requests=100) == 0
    assert limiter.wait_needed(requests=101) == pytest.approx(10, rel=0.02)
    assert limiter.wait_needed(requests=1_000_000) == pytest.approx(99_990, rel=0.02)
