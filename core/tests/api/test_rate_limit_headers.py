"""Headers about rate limits, in every form that servers use."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from singer_rest_core.api.rate_limit_headers import (
    LimitStatus,
    Policy,
    StatedLimits,
    parse_rate_limit_headers,
    retry_after,
)

_NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
_LATIN_1 = "".join(map(chr, range(256)))  # what requests makes of any bytes in a header
_NAMES = st.text(alphabet="".join(map(chr, range(32, 127))), min_size=1, max_size=12)
_LIMITS = st.integers(min_value=1, max_value=1_000_000)
_REMAINDERS = st.integers(min_value=0, max_value=1_000_000)
_SECONDS = st.integers(min_value=1, max_value=86_400)
_NAMED = st.lists(st.tuples(_NAMES, _LIMITS, _SECONDS), min_size=1, max_size=4, unique_by=lambda entry: entry[0])

_WAITS = st.text(alphabet='";=,rt0123456789', max_size=20) | st.integers(0, 3_000_000_000_000).map(str)


def _parse(headers: dict[str, str], *, status: int = 200) -> StatedLimits:
    return parse_rate_limit_headers(headers, status=status, now=_NOW)


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(st.sampled_from(["X-RateLimit", "X-Rate-Limit", "RateLimit", "x-ratelimit"]), _LIMITS, _REMAINDERS, _SECONDS)
def test_limit_remaining_and_reset_in_three_headers(prefix: str, limit: int, remaining: int, reset: int) -> None:
    stated = {f"{prefix}-Limit": str(limit), f"{prefix}-Remaining": str(remaining), f"{prefix}-Reset": str(reset)}
    assert _parse(stated).statuses == (LimitStatus(remaining, reset, limit),)


@given(_LIMITS, _REMAINDERS, _SECONDS)
def test_a_reset_may_be_an_epoch_in_seconds_or_milliseconds_or_a_date(limit: int, remaining: int, reset: int) -> None:
    then = _NOW + timedelta(seconds=reset)
    epoch = int(then.timestamp())
    for form in (str(epoch), str(epoch * 1000), format_datetime(then, usegmt=True)):
        stated = {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": str(remaining), "X-RateLimit-Reset": form}
        assert _parse(stated).statuses == (LimitStatus(remaining, reset, limit),)


@given(_NAMED, _REMAINDERS)
def test_named_policies_and_what_is_left_of_them(entries: list[tuple[str, int, int]], remaining: int) -> None:
    limits = _parse(
        {
            "RateLimit-Policy": ", ".join(f"{_quoted(name)};q={limit};w={window}" for name, limit, window in entries),
            "RateLimit": ",".join(f"{_quoted(name)} ; r={remaining};t={window}" for name, _, window in entries),
        },
    )
    assert limits.policies == tuple(Policy(limit, window, name) for name, limit, window in entries)
    assert limits.statuses == tuple(LimitStatus(remaining, window, None, name) for name, _, window in entries)


@given(st.lists(st.tuples(_LIMITS, _SECONDS), min_size=1, max_size=4, unique=True))
def test_a_list_of_policies_without_names(entries: list[tuple[int, int]]) -> None:
    stated = ", ".join(f'{limit};w={window};comment="a, b; c"' for limit, window in entries)
    expected = tuple(Policy(limit, window) for limit, window in entries)
    assert _parse({"RateLimit-Policy": stated}).policies == expected
    assert _parse({"RateLimit-Limit": f"{entries[0][0]}, {stated}"}).policies == expected


@given(_LIMITS, _REMAINDERS, _SECONDS)
def test_the_one_header_of_draft_07(limit: int, remaining: int, reset: int) -> None:
    limits = _parse({"RateLimit": f"limit={limit}, remaining={remaining}, reset={reset}"})
    assert limits.statuses == (LimitStatus(remaining, reset, limit),)


@pytest.mark.parametrize("status", [429, 503])
@given(st.integers(min_value=0, max_value=86_400))
def test_retry_after_may_be_seconds_or_a_date(status: int, seconds: int) -> None:
    date = format_datetime(_NOW + timedelta(seconds=seconds), usegmt=True)
    assert _parse({"Retry-After": str(seconds)}, status=status).retry_after == seconds
    assert _parse({"retry-after": date}, status=status).retry_after == seconds


def test_a_429_without_retry_after_pauses_until_the_reset() -> None:
    assert _parse({"X-RateLimit-Reset": "30"}, status=429).retry_after == 30
    assert _parse({"RateLimit": '"day";r=5;t=9, "burst";r=0;t=7'}, status=429).retry_after == 7
    assert _parse({"Retry-After": "soon", "RateLimit-Reset": "4"}, status=429).retry_after == 4


@pytest.mark.parametrize("status", [200, 301, 404, 500])
def test_no_other_status_pauses(status: int) -> None:
    assert _parse({"Retry-After": "30", "X-RateLimit-Reset": "30"}, status=status).retry_after is None


def test_the_reset_of_a_window_does_not_pause_after_a_503() -> None:
    assert _parse({"X-RateLimit-Reset": "1800"}, status=503).retry_after is None


def _retry_after(*, status: int = 429, **headers: str) -> float | None:
    return retry_after({name.replace("_", "-"): value for name, value in headers.items()}, status=status, now=_NOW)


def test_without_headers_there_is_no_wait() -> None:
    assert _retry_after() is None


def test_retry_after_takes_precedence_over_the_reset_of_windows() -> None:
    assert _retry_after(x_ratelimit_reset="60", retry_after="5", ratelimit_reset="30") == 5.0


def test_a_nonsensical_header_does_not_hide_another() -> None:
    assert _retry_after(retry_after="soon", x_ratelimit_reset="60") == 60.0
    assert _retry_after(x_ratelimit_reset="30", ratelimit_reset="") == 30.0


@pytest.mark.parametrize("status", [500, 503])
def test_the_reset_of_a_window_is_waited_for_only_after_a_429(status: int) -> None:
    assert _retry_after(status=status, x_ratelimit_reset="1800", ratelimit_reset="1800") is None
    assert _retry_after(status=status, x_ratelimit_reset="1800", retry_after="2") == 2.0


@given(
    st.dictionaries(
        st.sampled_from(["RateLimit", "X-Rate-Limit-Reset", "RateLimit-Reset", "Retry-After", "Date"]), _WAITS
    )
)
def test_a_refused_request_waits_as_long_as_the_others_are_paused(headers: dict[str, str]) -> None:
    assert retry_after(headers, status=429, now=_NOW) == _parse(headers, status=429).retry_after


@pytest.mark.parametrize("apart", [-90, 90, 3600])
def test_an_epoch_is_compared_with_the_clock_of_the_server(apart: int) -> None:
    server_now = _NOW + timedelta(seconds=apart)
    headers = {"Date": format_datetime(server_now, usegmt=True), "Retry-After": str(int(server_now.timestamp()) + 30)}
    assert _parse(headers, status=429).retry_after == 30


def test_a_date_cut_to_seconds_does_not_lengthen_the_wait() -> None:
    headers = {"Date": format_datetime(_NOW - timedelta(seconds=1), usegmt=True)}
    assert _parse(headers | {"Retry-After": str(int(_NOW.timestamp()) + 30)}, status=429).retry_after == 30


def test_a_policy_that_does_not_count_requests_is_ignored() -> None:
    limits = _parse(
        {
            "RateLimit-Policy": '"bytes";q=5000;w=60;qu="content-bytes", "calls";q=10;w=60;qu="requests"',
            "RateLimit": '"bytes";r=1;t=60, "calls";r=9;t=60',
        },
    )
    assert limits.policies == (Policy(10, 60, "calls"),)
    assert limits.statuses == (LimitStatus(9, 60, None, "calls"),)


def test_a_rate_with_bursts_is_marked_as_one() -> None:
    assert _parse({"RateLimit-Policy": '10;w=1;burst=1000;policy="leaky bucket"'}).policies == (
        Policy(10, 1, burst=True),
    )


def test_the_headers_that_an_invoicing_api_documents() -> None:
    limits = _parse({"RateLimit-Limit": "100", "RateLimit-Policy": "100;w=1, 2000;w=60, 100000;w=86400"})
    assert limits == StatedLimits((Policy(100, 1), Policy(2000, 60), Policy(100_000, 86_400)))


@pytest.mark.parametrize(
    "value",
    ["", "x", "-1", "nan", "inf", "1e999", ";", ",", '"', '"a', ";w=5", "w=5", "q=;w=", "10;w=0", "0;w=5", "10;w=-3"],
)
def test_nonsense_is_ignored(value: str) -> None:
    for name in ("RateLimit-Policy", "RateLimit", "X-RateLimit-Limit", "X-RateLimit-Remaining", "RateLimit-Remaining"):
        assert _parse({name: value}) == StatedLimits()
    sound = {"X-RateLimit-Limit": "9", "X-RateLimit-Remaining": "5", "X-RateLimit-Reset": "3"}
    assert _parse(sound | {"Date": value, "Retry-After": value}) == StatedLimits((), (LimitStatus(5, 3, 9),))


@given(
    st.dictionaries(
        st.sampled_from(
            ["RateLimit", "RateLimit-Policy", "X-RateLimit-Limit", "RateLimit-Reset", "Retry-After", "Date"]
        ),
        st.text(alphabet=_LATIN_1, max_size=60) | st.text(alphabet='";=,qwrt0123456789. \\', max_size=60),
    ),
    st.sampled_from([200, 429, 503]),
)
def test_any_header_gives_usable_numbers_or_none(headers: dict[str, str], status: int) -> None:
    limits = _parse(headers, status=status)
    assert limits.retry_after is None or 0 <= limits.retry_after <= 366 * 86_400
    assert all(policy.limit >= 1 and (policy.seconds is None or policy.seconds > 0) for policy in limits.policies)
    assert all(status.remaining >= 0 and (status.reset is None or status.reset >= 0) for status in limits.statuses)
