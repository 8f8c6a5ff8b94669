"""Request windows: fixed windows, buckets, and the admin's settings of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from sandbox.admin_client import AdminError
from sandbox.clock import Clock
from sandbox.limits import RequestWindows, Window
from sandbox.server import running_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.admin_client import WindowSettings
    from sandbox.server import RunningSandbox


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    with running_sandbox(scale=0.02) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: RunningSandbox) -> RunningSandbox:
    running.admin.reset()
    return running


def test_a_bucket_accepts_a_burst_and_is_refilled_evenly() -> None:
    clock = Clock()
    windows = RequestWindows(clock, [Window("list", 60, 60, burst=5), Window("token", 100, 1)])
    keys = {"list": "key", "token": "key"}
    assert [windows.take(keys) for _ in range(5)] == [None] * 5
    refused = windows.take(keys)
    assert refused
    assert (refused.window.scope, refused.reset_after) == ("list", 1)
    # What is no list takes nothing from the lists' bucket, nor is it stopped by it.
    assert windows.take({"token": "key"}) is None
    clock.advance(2)
    assert [windows.take(keys) is None for _ in range(3)] == [True, True, False]
    clock.advance(3600)
    assert [windows.take(keys) is None for _ in range(6)] == [True] * 5 + [False]


def test_a_request_counts_when_it_came_however_long_its_answer_takes() -> None:
    clock = Clock()
    windows = RequestWindows(clock, [Window("token", 2, 10)])
    keys = {"token": "key"}
    arrived = clock.monotonic()
    clock.advance(9)
    late = clock.monotonic()
    clock.advance(2)
    assert [windows.take(keys, at) for at in (arrived, late)] == [None, None]
    refused = windows.take(keys, late)
    assert refused
    assert refused.reset_after == 1
    assert windows.take(keys) is None


def test_a_bucket_gives_nothing_for_a_request_whose_answer_was_made_after_a_later_one() -> None:
    clock = Clock()
    windows = RequestWindows(clock, [Window("list", 60, 60, burst=2)])
    keys = {"list": "key"}
    earlier = clock.monotonic()
    clock.advance(1)
    assert [windows.take(keys) is None for _ in range(2)] == [True, True]
    assert windows.take(keys, earlier) is not None


def test_reading_window_statuses_counts_nothing_and_the_tightest_is_first() -> None:
    windows = RequestWindows(Clock(), [Window("token", 100, 60), Window("organization", 3, 10)])
    keys = {"token": "a", "organization": "b"}
    windows.take(keys)
    for _ in range(3):
        statuses = windows.statuses(keys)
        assert [status.remaining for status in statuses] == [2, 99]
    assert 9 < statuses[0].reset_after <= 10
    assert [status.remaining for status in windows.statuses({"token": "other"})] == [100]


def test_windows_can_be_set_for_one_system_or_for_all(sandbox: RunningSandbox) -> None:
    def statuses(path: str) -> list[int]:
        headers = {"Authorization": "Bearer sandbox-token"}
        return [requests.get(f"{sandbox.url}/{path}", headers=headers, timeout=5).status_code for _ in range(3)]

    two: list[WindowSettings] = [{"scope": "token", "limit": 2, "period": 600}]
    sandbox.admin.set_limits(two, system="invobi")
    assert statuses("invobi/api/v1/prompts") == [200, 200, 429]
    assert statuses("2invoice/templates") == [200, 200, 200]
    sandbox.admin.set_limits(two)
    assert statuses("2invoice/templates") == [200, 200, 429]
    sandbox.admin.set_limits([])
    assert statuses("2invoice/templates") == statuses("invobi/api/v1/prompts") == [200, 200, 200]


def test_a_window_with_an_unknown_scope_is_refused(sandbox: RunningSandbox) -> None:
    with pytest.raises(AdminError, match="scope of a window must be token"):
        sandbox.admin.set_limits([{"scope": "organization", "limit": 1, "period": 1}], system="invobi")
    with pytest.raises(AdminError, match="no limits here"):
        sandbox.admin.set_limits([{"scope": "token", "limit": 1, "period": 1}], system="covage")
