"""How long to wait: what a header asks for, in any form it may ask, and what we wait otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from singer_rest_core.api.retry import backoff, delay, server_time

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
def test_a_wait_is_read_in_seconds_as_a_date_and_as_an_epoch(value: str, seconds: float) -> None:
    assert delay(value, _NOW) == seconds


@pytest.mark.parametrize("value", ["", "soon", "nan", "inf", "-inf", "1e999", "1e18", "12 s", "Mon, 99 Foo 2026", ";"])
def test_nonsense_asks_for_nothing(value: str) -> None:
    assert delay(value, _NOW) is None


@given(st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=300)))
def test_an_http_date_and_an_epoch_ask_for_the_same(ahead: timedelta) -> None:
    moment = _NOW + timedelta(seconds=int(ahead.total_seconds()))
    as_date = delay(format_datetime(moment, usegmt=True), _NOW)
    assert as_date == delay(str(int(moment.timestamp())), _NOW) == (moment - _NOW).total_seconds()


@given(st.text(max_size=40))
def test_any_header_gives_a_finite_wait_or_none(value: str) -> None:
    wait = delay(value, _NOW)
    assert wait is None or 0 <= wait <= 367 * 86_400


@given(st.integers(min_value=-100_000, max_value=100_000))
def test_where_two_clocks_differ_the_one_that_made_the_header_counts(apart: int) -> None:
    there = _NOW + timedelta(seconds=apart)
    told = server_time({"Date": format_datetime(there, usegmt=True)}, _NOW)
    assert told == (_NOW if abs(apart) <= 2 else there)


@pytest.mark.parametrize("headers", [{}, {"Date": "yesterday"}])
def test_without_a_date_our_clock_counts(headers: dict[str, str]) -> None:
    assert server_time(headers, _NOW) == _NOW


@given(st.integers(min_value=1, max_value=100_000), st.floats(min_value=0, max_value=1))
def test_a_wait_of_ours_doubles_up_to_a_minute_and_is_jittered_down_to_its_half(attempt: int, chance: float) -> None:
    whole = 60.0 if attempt > 6 else float(2 ** (attempt - 1))
    wait = backoff(attempt, uniform=lambda low, high: low + (high - low) * chance)
    assert whole / 2 <= wait <= whole


def test_the_jitter_is_drawn_from_the_whole_upper_half() -> None:
    asked: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        asked.append((low, high))
        return low

    assert [backoff(attempt, uniform=uniform) for attempt in (1, 2, 3, 7, 8)] == [0.5, 1.0, 2.0, 30.0, 30.0]
    assert asked == [(0.5, 1.0), (1.0, 2.0), (2.0, 4.0), (30.0, 60.0), (30.0, 60.0)]
