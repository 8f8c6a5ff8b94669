"""The server's time: what the run has cost, and what happens when it is used up."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import requests

from singer_rest_core.errors import WaitTooLong
from singer_rest_core.records.exact_json import encode
from tap_productive.server_time import seconds_to_next_period

if TYPE_CHECKING:
    from conftest import FakeClock, ReadProductive
    from sandbox.server import RunningSandbox

NOW = datetime(2026, 3, 16, 7, 40, 30, tzinfo=UTC)


def test_the_summary_says_how_much_of_it_the_run_has_cost(
    sandbox: RunningSandbox, read_productive: ReadProductive, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    sandbox.admin.set_runtimes({"/payments": 2.5, "/tax_rates": 0.75})

    read_productive("payments tax_rates")

    pages = -(-len(sandbox.admin.records("payments")) // 200)
    (summary,) = [each.getMessage() for each in caplog.records if "read to their end" in each.getMessage()]
    assert summary.endswith(f"2 streams read to their end; {2.5 * pages + 0.75:.1f} s of the server's time")


def test_when_it_is_used_up_the_run_waits_for_the_next_period(
    sandbox: RunningSandbox, read_productive: ReadProductive, clock_of_both: FakeClock
) -> None:
    sandbox.admin.set_runtimes({"/tasks": 10.0})
    sandbox.admin.set_server_time(limit=25, period=600)

    reading = read_productive("tasks", page_size=100, concurrency=1)

    assert reading.error is None
    assert set(reading.ids("tasks")) == {row["id"] for row in sandbox.admin.records("tasks")}
    assert 429 in {request["status"] for request in sandbox.admin.requests()}
    assert 600 < sum(clock_of_both.waits) < 1300


def test_a_longer_wait_than_allowed_ends_the_run_with_its_state(
    sandbox: RunningSandbox, read_productive: ReadProductive, clock_of_both: FakeClock
) -> None:
    sandbox.admin.set_runtimes({"/tasks": 10.0})
    sandbox.admin.set_server_time(limit=25, period=3600)

    reading = read_productive("tasks time_entries", page_size=100, concurrency=1)

    assert isinstance(reading.error, WaitTooLong)
    assert "Server time limit exceeded" in str(reading.error)
    assert "run again after 20" in str(reading.error)
    assert len(reading.ids("tasks")) == 300
    assert reading.state["bookmarks"]["tasks"]["replication_key_value"] == reading.records["tasks"][-1]["updated_at"]
    assert clock_of_both.waits == []


def test_without_a_header_the_period_says_when_to_come_back(
    sandbox: RunningSandbox, read_productive: ReadProductive, clock_of_both: FakeClock
) -> None:
    refusal = {"status": 429, "title": "Server time limit exceeded", "limit": 21_600, "period": 86_400}
    sandbox.admin.add_fault("*/tasks", status=429, body=encode({"errors": [refusal]}).decode(), times=10)

    reading = read_productive("tasks", max_wait_minutes=0)

    assert isinstance(reading.error, WaitTooLong)
    assert "T00:00+00:00; what was read is kept in the state" in str(reading.error)
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
    refusal = requests.Response()
    refusal.status_code = 429
    vars(refusal)["_content"] = encode({"errors": [error]})

    assert seconds_to_next_period(refusal, now=NOW) == seconds


@pytest.mark.parametrize("content", [b"busy", b'"busy"', b'{"errors": ["busy"]}', b'{"errors": {}}'])
def test_an_odd_refusal_tells_nothing(content: bytes) -> None:
    refusal = requests.Response()
    refusal.status_code = 429
    vars(refusal)["_content"] = content

    assert seconds_to_next_period(refusal, now=NOW) is None
