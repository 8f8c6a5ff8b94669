"""The rate limiter: shares, route groups, and corrections by what responses say."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import FakeClock
from singer_rest_core.api.rate_limit import RateLimiter
from singer_rest_core.api.rate_limit_rules import Bucket, Window
from singer_rest_core.api.retry import LongWait

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_STEP = 1e-4


_NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def _limiter(rules: Mapping[str, Sequence[Window | Bucket]], clock: FakeClock, *, share: float = 1.0) -> RateLimiter:
    return RateLimiter(rules, share=share, clock=clock)


def _respond(limiter: RateLimiter, group: str = "", *, status: int = 200, **headers: str | int) -> None:
    named = {name.replace("_", "-"): str(value) for name, value in headers.items()}
    limiter.on_response(named, status=status, now=_NOW, group=group)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.29])
def test_a_share_holds_for_what_is_documented_and_for_what_is_learned(share: float) -> None:
    clock = FakeClock()
    limiter = _limiter({"": [Window(100, 10)]}, clock, share=share)
    waits = [limiter.acquire() for _ in range(round(100 * share) + 1)]
    assert not any(waits[:-1])
    assert waits[-1] == pytest.approx(10.1, abs=_STEP)
    _respond(limiter, RateLimit_Policy="1000;w=3600")
    assert limiter.used[-1].allowed == round(1000 * share)


def test_a_share_of_a_window_of_unknown_length() -> None:
    clock = FakeClock()
    limiter = _limiter({"": []}, clock, share=0.5)
    for left in (99, 98, 97, 96):
        assert limiter.acquire() == 0
        _respond(limiter, X_RateLimit_Limit=100, X_RateLimit_Remaining=left, X_RateLimit_Reset=60)
    waits = [limiter.acquire() for _ in range(47)]
    assert not any(waits[:46])
    assert waits[46] == pytest.approx(60, abs=0.1)


def test_a_share_leaves_at_least_one_request() -> None:
    clock = FakeClock()
    limiter = _limiter({"": [Window(3, 10), Bucket(3, 3, 10)]}, clock, share=0.01)
    assert limiter.acquire() == 0
    assert limiter.acquire() > 10


@pytest.mark.parametrize("share", [0, -1, 1.1, math.nan])
def test_a_share_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        RateLimiter({}, share=share, clock=FakeClock())


def test_an_unknown_group_is_refused() -> None:
    with pytest.raises(KeyError):
        RateLimiter({"": []}, clock=FakeClock()).acquire("report")


def test_a_group_has_its_own_limit_beside_the_common_one() -> None:
    clock = FakeClock()
    limiter = _limiter({"": [Window(3, 10)], "reports": [Window(1, 30)]}, clock)
    assert limiter.acquire("reports") == 0
    assert limiter.wait_needed("reports") == pytest.approx(30.1)
    assert [limiter.acquire(), limiter.acquire()] == [0, 0]
    assert limiter.wait_needed() == pytest.approx(10.1)
    usage = [(entry.group, entry.used, entry.allowed) for entry in limiter.used]
    assert sorted(usage) == [("", 3, 3), ("reports", 1, 1)]


def test_a_larger_remainder_than_expected_loosens_nothing() -> None:
    clock = FakeClock()
    limiter = _limiter({"": [Window(2, 10)]}, clock)
    limiter.acquire()
    limiter.acquire()
    _respond(limiter, X_RateLimit_Limit=2, X_RateLimit_Remaining=2, X_RateLimit_Reset=1)
    _respond(limiter, RateLimit_Policy='"more";q=1000;w=10', RateLimit='"more";r=998;t=1')
    assert limiter.wait_needed() == pytest.approx(10.1)


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
def test_a_smaller_remainder_than_expected_tightens_until_the_reset(headers: dict[str, str | int]) -> None:
    clock = FakeClock()
    limiter = _limiter({"": [Window(100, 10)]}, clock)
    limiter.acquire()
    _respond(limiter, "", status=200, **headers)
    assert limiter.wait_needed() == pytest.approx(7, abs=0.1)
    assert limiter.acquire() == pytest.approx(7, abs=0.1)
    assert limiter.acquire() == 0


def test_a_remainder_caused_by_our_own_requests_delays_nothing() -> None:
    clock = FakeClock()
    limiter = _limiter({"": [Window(100, 10)]}, clock)
    for _ in range(90):
        limiter.acquire()
    _respond(limiter, X_RateLimit_Limit=100, X_RateLimit_Remaining=10, X_RateLimit_Reset=9)
    assert [limiter.acquire() for _ in range(10)] == [0] * 10


def test_requests_in_flight_are_subtracted_from_what_is_left() -> None:
    clock = FakeClock()
    limiter = _limiter({"": [Window(100, 10)]}, clock)
    for _ in range(4):
        limiter.acquire()
    _respond(limiter, X_RateLimit_Limit=100, X_RateLimit_Remaining=4, X_RateLimit_Reset=9)
    assert limiter.acquire() == 0
    assert limiter.wait_needed() == pytest.approx(9, abs=0.1)
    limiter.on_no_response()
    _respond(limiter, X_RateLimit_Limit=100, X_RateLimit_Remaining=4, X_RateLimit_Reset=9)
    assert limiter.acquire() == 0


def test_a_response_overtaken_by_a_newer_one_loosens_nothing() -> None:
    clock = FakeClock()
    limiter = _limiter({"": [Window(100, 10)]}, clock)
    limiter.acquire()
    limiter.acquire()
    _respond(limiter, X_RateLimit_Limit=100, X_RateLimit_Remaining=0, X_RateLimit_Reset=9)
    _respond(limiter, X_RateLimit_Limit=100, X_RateLimit_Remaining=40, X_RateLimit_Reset=9)
    assert limiter.wait_needed() == pytest.approx(9, abs=0.1)


def test_a_new_window_of_the_server_starts_with_its_full_limit() -> None:
    clock = FakeClock()
    limiter = _limiter({"": [Window(100, 10)]}, clock)
    limiter.acquire()
    _respond(limiter, X_RateLimit_Limit=100, X_RateLimit_Remaining=0, X_RateLimit_Reset=3)
    limiter.acquire()
    _respond(limiter, X_RateLimit_Limit=100, X_RateLimit_Remaining=99, X_RateLimit_Reset=10)
    assert [limiter.acquire() for _ in range(50)] == [0] * 50


@pytest.mark.parametrize(("pause", "reset"), [(1.5, 1), (0.7, 10)])
def test_a_window_of_the_server_that_is_over_leaves_nothing_behind(pause: float, reset: int) -> None:
    clock = FakeClock()
    limiter = _limiter({"": [Window(100, 10)]}, clock)
    limiter.acquire()
    _respond(limiter, X_RateLimit_Limit=100, X_RateLimit_Remaining=0, X_RateLimit_Reset=1)
    clock.advance(pause)
    _respond(limiter, X_RateLimit_Limit=100, X_RateLimit_Remaining=99, X_RateLimit_Reset=reset)
    assert limiter.wait_needed() == 0


def test_every_window_of_the_server_counts_even_a_short_one() -> None:
    clock = FakeClock()
    limiter = _limiter({"": [Window(100, 1)]}, clock)
    for _ in range(3):
        _respond(limiter, X_RateLimit_Limit=100, X_RateLimit_Remaining=0, X_RateLimit_Reset=1)
        assert limiter.wait_needed() == pytest.approx(1, abs=0.1)
        clock.advance(1.5)
    assert limiter.wait_needed() == 0


def test_a_reset_is_never_waited_for_longer_than_its_window_lasts() -> None:
    clock = FakeClock()
    limiter = _limiter({"": [Window(100, 10)]}, clock)
    limiter.acquire()
    _respond(limiter, RateLimit_Policy='"burst";q=100;w=10', RateLimit='"burst";r=0;t=3600')
    assert limiter.wait_needed() <= 10.1


def test_the_reset_tells_apart_two_windows_with_the_same_limit() -> None:
    clock = FakeClock()
    limiter = _limiter({"": [Window(100, 10), Window(100, 3600)]}, clock)
    limiter.acquire()
    _respond(limiter, X_RateLimit_Limit=100, X_RateLimit_Remaining=0, X_RateLimit_Reset=1200)
    assert limiter.wait_needed() == pytest.approx(1200, abs=0.1)


def test_an_undocumented_limit_is_kept_once_the_server_states_it() -> None:
    clock = FakeClock()
    limiter = _limiter({"": [Window(100, 10)]}, clock)
    limiter.acquire()
    _respond(limiter, RateLimit_Policy="100;w=10, 2;w=60, 100000;w=86400")
    assert limiter.acquire() == 0
    assert limiter.wait_needed() == pytest.approx(60.1, abs=0.1)
    assert [(entry.rule, entry.used) for entry in limiter.used][1:] == [
        (Window(2, 60), 2),
        (Window(100_000, 86_400), 2),
    ]
    _respond(limiter, RateLimit_Policy="4;w=60")
    assert [limiter.acquire(), limiter.acquire()] == [0, 0]
    assert limiter.wait_needed() == pytest.approx(60.1, abs=0.1)


def test_a_smaller_limit_than_documented_is_kept_for_every_group_that_shares_it() -> None:
    clock = FakeClock()
    limiter = _limiter({"": [Window(100, 10)], "reports": [Window(10, 30)]}, clock)
    limiter.acquire("reports")
    _respond(limiter, "reports", RateLimit_Policy="2;w=10")
    assert limiter.acquire() == 0
    assert limiter.wait_needed() == pytest.approx(10.1, abs=0.1)


def test_a_bucket_stated_as_a_policy_stays_a_bucket() -> None:
    clock = FakeClock()
    limiter = _limiter({"": [Bucket(200, 1, 1)]}, clock)
    limiter.acquire()
    _respond(limiter, RateLimit_Policy="60;w=60")
    assert [limiter.acquire() for _ in range(199)] == [0] * 199
    assert limiter.acquire() == pytest.approx(1.05, abs=_STEP)


def test_a_rate_with_bursts_is_not_taken_for_a_window() -> None:
    limiter = _limiter({"": []}, FakeClock())
    _respond(limiter, RateLimit_Policy="10;w=1;burst=1000")
    assert limiter.used == []


def test_a_server_that_invents_policies_does_not_fill_the_memory() -> None:
    clock = FakeClock()
    limiter = _limiter({"": []}, clock)
    for number in range(1, 2_000):
        policy = f'"p{number}";q={10**6 + number};w={number}'
        _respond(limiter, RateLimit_Policy=policy, RateLimit=f'"p{number}";r=10;t={number}')
    assert len(limiter.used) <= 8


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_pauses_one_group_or_all(status: int) -> None:
    clock = FakeClock()
    limiter = _limiter({"": [], "reports": []}, clock)
    _respond(limiter, "reports", status=status, Retry_After=30)
    assert limiter.wait_needed() == 0
    assert limiter.acquire("reports") == pytest.approx(30, abs=0.11)
    _respond(limiter, status=status, Retry_After=20)
    _respond(limiter, status=status, Retry_After=5)
    assert limiter.wait_needed("reports") == pytest.approx(20, abs=0.11)
    assert limiter.acquire() == pytest.approx(20, abs=0.11)


@given(st.text(alphabet='";=,qwrt0123456789. ', max_size=40), st.sampled_from([200, 404, 500]))
def test_nonsense_never_pauses_forever(value: str, status: int) -> None:
    clock = FakeClock()
    limiter = _limiter({"": [Window(5, 10)]}, clock)
    limiter.acquire()
    _respond(
        limiter, status=status, RateLimit=value, RateLimit_Policy=value, X_RateLimit_Reset=value, Retry_After=value
    )
    assert limiter.wait_needed() <= 367 * 86_400


def test_a_wait_that_is_too_long_is_refused_at_once_and_uses_no_slot() -> None:
    clock = FakeClock()
    limiter = _limiter({"": [Window(1, 10)]}, clock)
    limiter.acquire()
    begin = clock.monotonic()
    with pytest.raises(LongWait) as refused:
        limiter.acquire(longest=10)
    assert refused.value.seconds == pytest.approx(10.1)
    assert clock.monotonic() == begin
    assert limiter.used[0].used == 1
    assert limiter.acquire(longest=10.2) == pytest.approx(10.1, abs=_STEP)
