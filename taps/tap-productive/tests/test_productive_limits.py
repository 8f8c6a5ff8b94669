"""Limits of requests: used completely, not exceeded, and waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from singer_rest_core.api import Window
from singer_rest_core.errors import WaitTooLong
from tap_productive.tap import TapProductive

if TYPE_CHECKING:
    from conftest import FakeClock, ReadProductive
    from sandbox.server import RunningSandbox


def test_a_full_window_pauses_the_run_as_long_as_the_api_says(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    clock_of_both: FakeClock,
) -> None:
    sandbox.admin.set_limits([{"scope": "token", "limit": 3, "period": 10}])

    reading = read_productive("line_items", page_size=50, concurrency=1)

    assert reading.error is None
    assert len(reading.ids("line_items")) == len(sandbox.admin.records("line_items"))
    assert 429 in {request["status"] for request in sandbox.admin.requests()}
    assert 40 <= sum(clock_of_both.waits) <= 60


@pytest.mark.parametrize("share", [1, 0.5])
def test_the_documented_limits_are_used_completely_and_not_exceeded(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    monkeypatch: pytest.MonkeyPatch,
    clock_of_both: FakeClock,
    share: float,
) -> None:
    monkeypatch.setattr(TapProductive, "rate_limits", {"": (Window(6, 10), Window(30, 60))})
    sandbox.admin.set_limits(
        [
            {"scope": "token", "limit": 6, "period": 10},
            {"scope": "organization", "limit": 30, "period": 60},
        ],
    )

    reading = read_productive("line_items", page_size=10, concurrency=1, quota_share=share)

    assert reading.error is None
    requests = sandbox.admin.requests()
    assert {request["status"] for request in requests} == {200}
    # 77 pages: 30 (or 15) of them in each minute.
    assert len(requests) == 77
    assert sum(clock_of_both.waits) == pytest.approx(60 * ((77 - 1) // (30 * share)), rel=0.25)


def test_a_longer_wait_than_allowed_ends_the_run_and_names_the_time_to_run_again(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    clock_of_both: FakeClock,
) -> None:
    body = '{"errors":[{"status":429,"title":"Server time limit exceeded","detail":"Try again later"}]}'
    headers = {"X-RateLimit-Reset": "1800"}
    sandbox.admin.add_fault("*/tasks", query="page[number]=3", status=429, body=body, headers=headers)

    reading = read_productive("tasks time_entries", concurrency=1)

    assert isinstance(reading.error, WaitTooLong)
    assert "Server time limit exceeded" in str(reading.error)
    assert "run again after" in str(reading.error)
    assert len(reading.ids("tasks")) == 400
    assert reading.state["bookmarks"]["tasks"]["replication_key_value"] == reading.records["tasks"][-1]["updated_at"]
    assert clock_of_both.waits == []
