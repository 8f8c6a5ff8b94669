"""Requests that go before others, and the pace of those others, in simulated time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conftest import FakeClock
from singer_rest_core.api.rate_limit import RateLimiter
from singer_rest_core.api.rate_limit_rules import Window
from tests.simulated_time import SimulatedTime

if TYPE_CHECKING:
    from collections.abc import Callable


def _sends(
    world: SimulatedTime, limiter: RateLimiter, sent: list[float], number: int, *, first: bool
) -> Callable[[], None]:
    def work() -> None:
        for _ in range(number):
            limiter.acquire(first=first)
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
            limiter.acquire(first=first)
            order.append(name)

        return work

    world.run(
        waiting("early", 1, first=False),
        waiting("late", 2, first=False),
        waiting("first", 3, first=True),
        waiting("first, too", 4, first=True),
    )
    assert order == ["first", "first, too", "early", "late"]


def test_the_pace_holds_for_requests_that_are_not_first_and_for_no_other() -> None:
    world = SimulatedTime()
    limiter = RateLimiter({"": [Window(100, 10)]}, clock=world)
    began = world.seconds
    limiter.pace(0.5)
    first: list[float] = []
    others: list[float] = []
    world.run(
        *(_sends(world, limiter, others, 5, first=False) for _ in range(4)),
        _sends(world, limiter, first, 30, first=True),
    )

    assert [time - began for time in first] == [0.0] * 30
    # What the pace of the last second permits comes at once.
    assert [round(time - began, 2) for time in others] == pytest.approx([0, 0, 0, *(0.5 * n for n in range(1, 18))])


def test_a_pace_is_taken_back_at_once() -> None:
    world = SimulatedTime()
    limiter = RateLimiter({"": [Window(100, 10)]}, clock=world)
    began = world.seconds
    limiter.pace(60)
    sent: list[float] = []

    def take_back() -> None:
        world.sleep(5)
        limiter.pace(0)

    world.run(_sends(world, limiter, sent, 20, first=False), take_back)
    assert sent[0] - began == 0
    assert sent[-1] - began <= 5


def test_the_wait_of_many_requests_is_known_however_many_they_are() -> None:
    limiter = RateLimiter({"": [Window(100, 10)]}, clock=FakeClock())
    assert limiter.wait_needed(requests=100) == 0
    assert limiter.wait_needed(requests=101) == pytest.approx(10, rel=0.02)
    assert limiter.wait_needed(requests=1_000_000) == pytest.approx(99_990, rel=0.02)
