"""How much of a rate limit was used, at an even pace and in bursts."""

from __future__ import annotations

import pytest

from bench.quota_usage import RateLimit, burst_share, steady_share
from bench.server.process import LoggedRequest

LIMIT = RateLimit(100, 10)


def log_of(*times: float, status: int = 200) -> list[LoggedRequest]:
    return [LoggedRequest(time, "/invoices", status) for time in times]


def test_an_even_pace_at_the_limit_uses_all_of_it() -> None:
    log = log_of(*(place / 10 for place in range(1000)))
    assert steady_share(log, LIMIT, seconds=60) == pytest.approx(1, abs=0.002)


def test_a_burst_at_the_start_of_each_window_uses_all_of_it() -> None:
    log = log_of(*(window * 10 + place / 100 for window in range(9) for place in range(100)))
    assert steady_share(log, LIMIT, seconds=60) == pytest.approx(1, abs=0.002)


def test_a_reader_that_waits_for_each_response_uses_what_the_latency_permits() -> None:
    log = log_of(*(place / 4 for place in range(400)))
    assert steady_share(log, LIMIT, seconds=60) == pytest.approx(0.4, abs=0.005)


def test_the_first_window_does_not_count() -> None:
    log = log_of(*(place / 100 for place in range(100)), *(10 + place for place in range(70)))
    assert steady_share(log, LIMIT, seconds=60) == pytest.approx(0.1, abs=0.002)


def test_refused_requests_do_not_count() -> None:
    log = [*log_of(*range(100)), *log_of(*range(100), status=429)]
    assert steady_share(log, LIMIT, seconds=60) == pytest.approx(0.1, abs=0.002)


@pytest.mark.parametrize("times", [(), (1.0,), (1.0, 2.0)])
def test_a_log_without_a_second_window_has_no_steady_share(times: tuple[float, ...]) -> None:
    assert steady_share(log_of(*times), LIMIT, seconds=60) == 0


def test_a_burst_is_compared_with_an_even_pace() -> None:
    assert burst_share(log_of(*(place / 20 for place in range(101))), LIMIT) == pytest.approx(2)
    assert burst_share(log_of(1.0), LIMIT) == 0


def test_a_limit_is_written_as_the_server_takes_it() -> None:
    assert str(LIMIT) == "100/10"
