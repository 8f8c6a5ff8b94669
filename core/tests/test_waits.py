"""How long to wait: what the API asks for, in any form it may ask."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from singer_rest_core.waits import asked_wait, backoff

_NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def _asked(*, limited: bool = True, **headers: str) -> float | None:
    named = CaseInsensitiveDict({name.replace("_", "-"): value for name, value in headers.items()})
    return asked_wait(named, now=_NOW, limited=limited)


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
        (str(int(_NOW.timestamp()) - 45), 0.0),
    ],
)
def test_a_wait_is_read_in_seconds_as_a_date_and_as_an_epoch(value: str, seconds: float) -> None:
    assert _asked(retry_after=value) == seconds
    assert _asked(x_ratelimit_reset=value) == seconds
    assert _asked(ratelimit_reset=value) == seconds


@pytest.mark.parametrize("value", ["", "soon", "nan", "inf", "-inf", "1e999", "1e18", "12 s", "Mon, 99 Foo 2026", ";"])
def test_nonsense_asks_for_nothing(value: str) -> None:
    assert _asked(retry_after=value) is None


def test_no_header_asks_for_nothing() -> None:
    assert _asked() is None


def test_retry_after_speaks_for_this_request_and_goes_before_the_windows() -> None:
    assert _asked(x_ratelimit_reset="60", retry_after="5", ratelimit_reset="30") == 5.0


def test_a_nonsensical_header_does_not_hide_another() -> None:
    assert _asked(retry_after="soon", x_ratelimit_reset="60") == 60.0
    assert _asked(x_ratelimit_reset="", ratelimit_reset="30") == 30.0


def test_the_reset_of_a_window_is_no_reason_to_wait_unless_the_limit_was_hit() -> None:
    assert _asked(limited=False, x_ratelimit_reset="1800", ratelimit_reset="1800") is None
    assert _asked(limited=False, x_ratelimit_reset="1800", retry_after="2") == 2.0


@given(st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=300)))
def test_an_http_date_and_an_epoch_ask_for_the_same(ahead: timedelta) -> None:
    moment = _NOW + timedelta(seconds=int(ahead.total_seconds()))
    as_date = _asked(retry_after=format_datetime(moment, usegmt=True))
    assert as_date == _asked(retry_after=str(int(moment.timestamp()))) == (moment - _NOW).total_seconds()


@given(st.text(max_size=40))
def test_any_header_gives_a_finite_wait_or_none(value: str) -> None:
    wait = _asked(retry_after=value)
    assert wait is None or 0 <= wait <= 367 * 86_400


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
