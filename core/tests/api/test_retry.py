"""Delays that headers ask for, growing waits of our own, and how often a request is retried."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from singer_rest_core.api.retry import (
    AttemptsExhausted,
    Failure,
    LongWait,
    RetryLoop,
    backoff,
    parse_delay,
    server_time,
)

_NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        (" 1.5 ", 1.5),
        ("-3", 0.0),
        ("Sun, 01 Mar 2026 12:01:30 GMT", 90.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("Sunday, 01-Mar-26 12:00:10 GMT", 10.0),
        (str(int(_NOW.timestamp()) + 45), 45.0),
        (str(int(_NOW.timestamp() + 45) * 1000), 45.0),
        (str(int(_NOW.timestamp()) - 45), 0.0),
    ],
)
def test_a_delay_may_be_seconds_a_date_or_an_epoch(value: str, seconds: float) -> None:
    assert parse_delay(value, _NOW) == seconds


NONSENSE = ["", "soon", "nan", "inf", "-inf", "1e999", "1e18", "12 s", "Mon, 99 Foo 2026", ";"]


@pytest.mark.parametrize("value", [*NONSENSE, "Sun, 01 Mar 2026 12:31:00 99999999999999"])
def test_nonsense_is_not_a_delay(value: str) -> None:
    assert parse_delay(value, _NOW) is None


@given(st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=300)))
def test_an_http_date_and_an_epoch_give_the_same_delay(ahead: timedelta) -> None:
    moment = _NOW + timedelta(seconds=int(ahead.total_seconds()))
    as_date = parse_delay(format_datetime(moment, usegmt=True), _NOW)
    assert as_date == parse_delay(str(int(moment.timestamp())), _NOW) == (moment - _NOW).total_seconds()


@given(st.text(max_size=40))
def test_any_header_gives_a_finite_delay_or_none(value: str) -> None:
    wait = parse_delay(value, _NOW)
    assert wait is None or 0 <= wait <= 367 * 86_400


@given(st.integers(min_value=-100_000, max_value=100_000))
def test_where_two_clocks_differ_that_of_the_server_counts(apart: int) -> None:
    server_now = _NOW + timedelta(seconds=apart)
    found = server_time({"Date": format_datetime(server_now, usegmt=True)}, _NOW)
    assert found == (_NOW if abs(apart) <= 2 else server_now)


@pytest.mark.parametrize("headers", [{}, {"Date": "yesterday"}])
def test_without_a_date_our_own_clock_counts(headers: dict[str, str]) -> None:
    assert server_time(headers, _NOW) == _NOW


@given(st.integers(min_value=1, max_value=100_000), st.floats(min_value=0, max_value=1))
def test_backoff_doubles_up_to_a_minute_with_jitter_down_to_half(attempt: int, chance: float) -> None:
    whole = 60.0 if attempt > 6 else float(2 ** (attempt - 1))
    wait = backoff(attempt, uniform=lambda low, high: low + (high - low) * chance)
    assert whole / 2 <= wait <= whole


def test_jitter_is_drawn_from_the_upper_half() -> None:
    ranges: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        ranges.append((low, high))
        return low

    assert [backoff(attempt, uniform=uniform) for attempt in (1, 2, 3, 7, 8)] == [0.5, 1.0, 2.0, 30.0, 30.0]
    assert ranges == [(0.5, 1.0), (1.0, 2.0), (2.0, 4.0), (30.0, 60.0), (30.0, 60.0)]


def _loop(max_wait: float = 600) -> RetryLoop:
    """A loop whose jitter is always at its maximum."""
    return RetryLoop(max_wait=max_wait, uniform=max)


def _attempt(retries: RetryLoop, retry_after: float | None = None, *, rate_limited: bool = False) -> float:
    retries.begin_attempt()
    return retries.wait_after(Failure.RATE_LIMITED if rate_limited else Failure.SERVER_ERROR, retry_after)


def test_a_server_error_is_retried_five_times() -> None:
    retries = _loop()

    assert [_attempt(retries) for _ in range(5)] == [1, 2, 4, 8, 16]
    with pytest.raises(AttemptsExhausted):
        _attempt(retries)


def test_a_429_is_retried_until_max_wait_is_used_up() -> None:
    retries = _loop(max_wait=100)

    assert [_attempt(retries, 9, rate_limited=True) for _ in range(10)] == [pytest.approx(9.9)] * 10
    with pytest.raises(LongWait) as refused:
        _attempt(retries, 9, rate_limited=True)
    assert refused.value.seconds == pytest.approx(9.9)


def test_a_429_that_asks_for_nothing_is_retried_with_growing_waits() -> None:
    retries = _loop(max_wait=10)

    assert [_attempt(retries, asked, rate_limited=True) for asked in (None, 0, None)] == [1, 2, 4]
    with pytest.raises(LongWait):
        _attempt(retries, rate_limited=True)


def test_jitter_adds_a_tenth_of_the_delay_and_at_most_a_second() -> None:
    assert _attempt(_loop(), 4) == pytest.approx(4.4)
    assert _attempt(_loop(), 300) == 301


def test_a_server_error_that_asks_for_more_than_max_wait_is_not_retried() -> None:
    with pytest.raises(LongWait):
        _attempt(_loop(max_wait=10), 11)


def test_waits_of_our_own_after_server_errors_neither_count_towards_max_wait_nor_are_limited_by_it() -> None:
    retries = _loop(max_wait=10)

    assert [_attempt(retries) for _ in range(4)] == [1, 2, 4, 8]
    assert _attempt(retries, 9) == pytest.approx(9.9)
    with pytest.raises(LongWait):
        _attempt(retries, 1)


def test_each_kind_of_failure_has_its_own_attempts_and_its_own_growing_waits() -> None:
    retries = _loop()
    kinds = (Failure.SERVER_ERROR, Failure.BROKEN_BODY, Failure.LOST_CONNECTION, Failure.RATE_LIMITED)

    for expected in (1, 2, 4, 8, 16):
        for kind in kinds:
            retries.begin_attempt()
            assert retries.wait_after(kind) == expected
    assert retries.wait_after(Failure.RATE_LIMITED) == 32
    for kind in kinds[:3]:
        with pytest.raises(AttemptsExhausted):
            retries.wait_after(kind)


@pytest.mark.parametrize(("api_has_responded", "waits"), [(False, [1, 2]), (True, [1, 2, 4, 8, 16])])
def test_a_lost_connection_is_retried_less_often_if_the_api_never_responded(
    waits: list[float], *, api_has_responded: bool
) -> None:
    retries = _loop()

    for wait in waits:
        retries.begin_attempt()
        assert retries.wait_after(Failure.LOST_CONNECTION, api_has_responded=api_has_responded) == wait
    retries.begin_attempt()
    with pytest.raises(AttemptsExhausted):
        retries.wait_after(Failure.LOST_CONNECTION, api_has_responded=api_has_responded)


def test_credentials_are_renewed_once_if_no_other_request_is_in_flight() -> None:
    retries = _loop()

    assert [retries.may_renew_credentials(accepted=0, in_flight=1) for _ in range(2)] == [True, False]


def test_credentials_are_renewed_again_while_other_requests_are_accepted() -> None:
    retries = _loop()

    assert all(retries.may_renew_credentials(accepted=accepted, in_flight=1) for accepted in range(20))


def test_credentials_are_renewed_a_few_times_while_other_requests_may_use_them_up() -> None:
    retries = _loop()

    assert [retries.may_renew_credentials(accepted=0, in_flight=2) for _ in range(6)] == [True] * 5 + [False]
