"""Server time: how much the run took, and what happens when it is used up."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, time, timedelta
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
import requests

from singer_rest_core.errors import WaitTooLong
from singer_rest_core.records import encode
from tap_productive.server_time import ServerTime, seconds_to_next_period

if TYPE_CHECKING:
    from conftest import FakeClock, ReadProductive
    from sandbox.server import RunningSandbox

NOW = datetime(2026, 3, 16, 7, 40, 30, tzinfo=UTC)


def refusal_with(content: bytes) -> requests.Response:
    refusal = requests.Response()
    refusal.status_code = 429
    refusal.raw = BytesIO(content)
    return refusal


def test_the_summary_states_the_server_time_of_the_run(
    sandbox: RunningSandbox, read_productive: ReadProductive, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    sandbox.admin.set_runtimes({"/payments": 2.5, "/tax_rates": 0.75})

    read_productive("payments tax_rates")

    pages_and_counts = -(-len(sandbox.admin.records("payments")) // 200) + 2
    (summary,) = [each.getMessage() for each in caplog.records if "read to their end" in each.getMessage()]
    assert summary.endswith(f"2 streams read to their end; {2.5 * pages_and_counts + 0.75:.1f} s of the server's time")


def test_the_run_waits_for_the_next_period_when_server_time_is_used_up(
    sandbox: RunningSandbox, read_productive: ReadProductive, clock_of_both: FakeClock
) -> None:
    sandbox.admin.set_runtimes({"/tasks": 10.0})
    sandbox.admin.set_server_time(limit=25, period=600)

    reading = read_productive("tasks", page_size=100, concurrency=1)

    assert reading.error is None
    assert set(reading.ids("tasks")) == {row["id"] for row in sandbox.admin.records("tasks")}
    assert 429 in {request["status"] for request in sandbox.admin.requests()}
    # A period, less the real time that passes in the sandbox meanwhile.
    assert 500 < sum(clock_of_both.waits) < 1300


def test_a_longer_wait_than_allowed_ends_the_run_with_its_state(
    sandbox: RunningSandbox, read_productive: ReadProductive, clock_of_both: FakeClock
) -> None:
    sandbox.admin.set_runtimes({"/tasks": 10.0})
    sandbox.admin.set_server_time(limit=25, period=3600)

    reading = read_productive("tasks time_entries", page_size=100, concurrency=1)

    assert isinstance(reading.error, WaitTooLong)
    assert "Server time limit exceeded" in str(reading.error)
    assert "run again after 20" in str(reading.error)
    # Two pages and a count in between have used it up.
    assert len(reading.ids("tasks")) == 200
    assert clock_of_both.waits == []
    sandbox.admin.set_server_time(limit=1000)
    later = read_productive("tasks", page_size=100, state=reading.state)
    assert {*reading.ids("tasks"), *later.ids("tasks")} == {row["id"] for row in sandbox.admin.records("tasks")}
    assert len(later.ids("tasks")) == 220


@pytest.mark.parametrize(
    ("now", "again"),
    [(time(7, 40, 30), "T00:00+00:00"), (time(0), "T00:00+00:00"), (time(23, 53, 44), "T00:00:01+00:00")],
)
def test_the_time_to_run_again_comes_from_the_period_if_there_is_no_header(
    sandbox: RunningSandbox, read_productive: ReadProductive, clock_of_both: FakeClock, now: time, again: str
) -> None:
    then = datetime.combine(clock_of_both.now() + timedelta(days=1), now, UTC)
    clock_of_both.advance((then - clock_of_both.now()).total_seconds())
    refusal = {"status": 429, "title": "Server time limit exceeded", "limit": 21_600, "period": 86_400}
    sandbox.admin.add_fault("*/tasks", status=429, body=encode({"errors": [refusal]}).decode(), times=10)

    reading = read_productive("tasks", max_wait_minutes=0)

    assert isinstance(reading.error, WaitTooLong)
    assert f"{again}; what was read is kept in the state" in str(reading.error)
    assert clock_of_both.waits == []


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        ({"title": "Server time limit exceeded", "limit": 1800, "period": 3600}, 19 * 60 + 30),
        ({"title": "Server time limit exceeded"}, 19 * 60 + 30),
        ({"title": "Server time limit exceeded", "limit": 21_600, "period": 86_400}, (16 * 60 + 19) * 60 + 30),
        ({"title": "Too many requests", "limit": 100, "period": 10}, None),
    ],
)
def test_periods_begin_at_the_top_of_the_hour_and_at_midnight(error: dict[str, object], seconds: float | None) -> None:
    assert seconds_to_next_period(refusal_with(encode({"errors": [error]})), now=NOW) == seconds


@pytest.mark.parametrize("content", [b"busy", b'"busy"', b'{"errors": ["busy"]}', b'{"errors": {}}'])
def test_a_refusal_of_another_form_gives_no_period(content: bytes) -> None:
    assert seconds_to_next_period(refusal_with(content), now=NOW) is None


@pytest.mark.parametrize(("answers", "text"), [(1, "2.5 s"), (20, "50.0 s"), (40, "1 min 40 s"), (3000, "2 h 5 min")])
def test_server_time_is_told_in_units_that_fit(answers: int, text: str) -> None:
    time = ServerTime()
    for _ in range(answers):
        time.add("2.5")
    assert str(time) == f"{text} of the server's time"
