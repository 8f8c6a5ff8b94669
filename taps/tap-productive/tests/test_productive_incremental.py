"""Incremental streams: what a run reads after the one before, and where their bookmarks are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from conftest import queries_to
from singer_rest_core import RunIncomplete
from singer_rest_core.records import decode, instant
from tap_productive.streams import STREAMS

if TYPE_CHECKING:
    from conftest import FakeClock, ReadProductive
    from sandbox.server import RunningSandbox

INCREMENTAL = {
    str(vars(stream)["name"]): str(vars(stream)["replication_key"])
    for stream in STREAMS
    if "replication_key" in vars(stream)
}
FIRST_DAY = "0001-01-01T00:00:00Z"
APPEND_ONLY = {"activities", "deleted_items", "time_entry_versions"}


def bookmark(key: str, value: str) -> dict[str, str]:
    return {"replication_key": key, "replication_key_value": value}


@pytest.mark.parametrize(("stream", "key"), INCREMENTAL.items())
def test_a_bookmark_at_the_beginning_of_time_reads_everything(
    read_productive: ReadProductive, stream: str, key: str
) -> None:
    reading = read_productive(stream, state={"bookmarks": {stream: bookmark(key, FIRST_DAY)}})
    assert reading.error is None
    assert reading.ids(stream)


def _now_of_the_api(sandbox: RunningSandbox) -> float:
    answer = requests.get(f"{sandbox.url}/productive/api/v2/tasks", timeout=10)
    return parsedate_to_datetime(answer.headers["Date"]).timestamp()


@pytest.mark.parametrize(("stream", "key"), INCREMENTAL.items())
def test_a_second_run_with_nothing_new_makes_one_request_and_reads_only_the_newest_rows(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    stream: str,
    key: str,
) -> None:
    first = read_productive(stream)
    newest = max(instant(record[key]) for record in first.records[stream] if record[key])
    sandbox.admin.clear_requests()

    second = read_productive(stream, state=first.state)

    lookback = timedelta(days=1) if key in {"last_activity_at", "last_action_at"} else timedelta(0)
    bound = (newest - lookback).replace(microsecond=0)
    due = {record["id"] for record in first.records[stream] if record[key] and instant(record[key]) >= bound}
    assert set(second.ids(stream)) == due
    assert len(queries_to(sandbox, f"/{stream}")) == 1
    assert (
        second.state["bookmarks"][stream]["replication_key_value"]
        == (first.state["bookmarks"][stream]["replication_key_value"])
    )


@pytest.mark.parametrize("stream", sorted(INCREMENTAL.keys() - APPEND_ONLY))
def test_a_changed_and_a_new_row_are_read_by_the_next_run(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    stream: str,
) -> None:
    first = read_productive(stream)
    sandbox.admin.advance_clock(10 * 86_400)
    # Of notifications it is not documented what moves their time, so the sandbox moves it by order alone.
    times: dict[str, Any] = {"last_action_at": "2026-03-26T07:00:00Z"} if stream == "notifications" else {}
    changed = sandbox.admin.update(stream, first.ids(stream)[0], times)
    created = sandbox.admin.create(stream, times)

    second = read_productive(stream, state=first.state)

    assert {changed["id"], created["id"]} <= set(second.ids(stream))
    bookmark = second.state["bookmarks"][stream]["replication_key_value"]
    assert instant(bookmark) > instant(first.state["bookmarks"][stream]["replication_key_value"])


@pytest.mark.parametrize("ahead", [0, 3600])
def test_a_bookmark_is_held_to_the_beginning_by_the_clock_of_the_api(
    sandbox: RunningSandbox, read_productive: ReadProductive, clock: FakeClock, ahead: int
) -> None:
    """A row that changes behind the reader has a time after that beginning: the bookmark must not pass it."""
    began = _now_of_the_api(sandbox)
    clock.advance(began + ahead - clock.now().timestamp())
    # Half an hour after the beginning by the API's clock, and before it by ours, where that is an hour ahead.
    row = sandbox.admin.records("tasks")[0]["id"]
    sandbox.admin.update("tasks", row, {"updated_at": datetime.fromtimestamp(began + 1800, UTC).isoformat()})

    reading = read_productive("tasks")

    kept = instant(reading.state["bookmarks"]["tasks"]["replication_key_value"]).timestamp()
    assert began - 10 <= kept <= _now_of_the_api(sandbox) + 1


def test_a_change_that_last_activity_at_does_not_show_is_found_by_the_weekly_complete_read(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    first = read_productive("invoices")
    silent = first.ids("invoices")[0]
    sandbox.admin.update("invoices", silent, {"subject": "quiet"}, touch_last_activity=False)

    second = read_productive("invoices", state=first.state)
    assert silent not in second.ids("invoices")

    state = second.state
    week_ago = datetime.now(UTC) - timedelta(days=7, minutes=1)
    state["bookmarks"]["invoices"]["full_refreshed_at"] = week_ago.isoformat()
    third = read_productive("invoices", state=state)
    assert len(third.ids("invoices")) == len(first.ids("invoices"))
    assert {record["subject"] for record in third.records["invoices"] if record["id"] == silent} == {"quiet"}
    assert instant(third.state["bookmarks"]["invoices"]["full_refreshed_at"]) > week_ago + timedelta(days=7)


def test_rows_without_last_activity_are_read_by_a_complete_read(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    without = {row["id"] for row in sandbox.admin.records("companies") if row["attributes"]["last_activity_at"] is None}

    assert without
    assert without <= set(read_productive("companies").ids("companies"))


def test_lookback_days_widens_what_is_read_again(sandbox: RunningSandbox, read_productive: ReadProductive) -> None:
    first = read_productive("invoices")

    second = read_productive("invoices", state=first.state, lookback_days=30)

    bound = instant(first.state["bookmarks"]["invoices"]["replication_key_value"]) - timedelta(days=30)
    due = {record["id"] for record in first.records["invoices"] if instant(record["last_activity_at"]) >= bound}
    assert set(second.ids("invoices")) == due
    assert len(due) > 1
    assert sandbox.admin.requests()


def test_start_date_bounds_the_first_run(read_productive: ReadProductive) -> None:
    everything = read_productive("tasks").records["tasks"]

    some = read_productive("tasks", start_date="2026-02-01").ids("tasks")

    bound = instant("2026-02-01")
    assert set(some) == {record["id"] for record in everything if instant(record["updated_at"]) >= bound}
    assert 0 < len(some) < len(everything)


def test_a_run_that_dies_between_pages_goes_on_where_it_stopped(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    sandbox.admin.add_fault("*/tasks", query="page[after]", skip=2, times=100, status=500)
    first = read_productive("tasks", page_size=100)
    assert isinstance(first.error, RunIncomplete)
    assert len(first.ids("tasks")) == 200
    sandbox.admin.clear_faults()

    second = read_productive("tasks", page_size=100, state=first.state)

    everything = {row["id"] for row in sandbox.admin.records("tasks")}
    assert set(first.ids("tasks")) | set(second.ids("tasks")) == everything
    assert len(second.ids("tasks")) == len(everything) - 200


def test_a_bookmark_that_cannot_be_read_ends_the_run_before_the_first_request(
    sandbox: RunningSandbox, read_productive: ReadProductive
) -> None:
    state = {"bookmarks": {"time_entries": bookmark("updated_at", "soon")}}

    reading = read_productive("payments projects time_entries", state=state)

    assert "time_entries (replication_key_value 'soon'): correct the state" in str(reading.error)
    assert reading.messages == []
    assert not sandbox.admin.requests()


def test_fractions_of_days_are_days(read_productive: ReadProductive) -> None:
    settings = decode(b'{"lookback_days": 0.5, "full_refresh_interval_days": 1.5}')

    assert read_productive("invoices", **settings).error is None
