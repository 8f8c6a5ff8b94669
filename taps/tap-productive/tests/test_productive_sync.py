"""How tap-productive reads: what is asked for, what is read again, and what it does when the API refuses."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import requests

from conftest import read
from singer_rest_core import AccessRefused, RestStream, RunIncomplete
from singer_rest_core.api import Window
from singer_rest_core.errors import ApiUnreachable, WaitTooLong
from singer_rest_core.records.exact_json import decode, encode
from singer_rest_core.records.timestamps import instant
from tap_productive.streams import STREAMS
from tap_productive.tap import TapProductive

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conftest import FakeClock, ReadProductive
    from sandbox.admin_client import LoggedRequest
    from sandbox.server import RunningSandbox
    from singer_rest_core.api import Rule

INCREMENTAL = {
    str(vars(stream)["name"]): str(vars(stream)["replication_key"])
    for stream in STREAMS
    if "replication_key" in vars(stream)
}
APPEND_ONLY = {"activities", "deleted_items", "time_entry_versions"}
UNKNOWN = {str(vars(stream)["name"]) for stream in STREAMS if stream.evidence == "inferred"}
"""Streams of whose records nothing is documented: all of it is rescued."""


def query_of(request: LoggedRequest) -> dict[str, str]:
    return {name: value for name, value in request["query"]}  # noqa: C416 - pairs come as lists


def requests_to(sandbox: RunningSandbox, stream: str) -> list[dict[str, str]]:
    return [query_of(request) for request in sandbox.admin.requests() if request["path"].endswith(f"/{stream}")]


def bookmark(key: str, value: str) -> dict[str, str]:
    return {"replication_key": key, "replication_key_value": value}


def without_time(message: dict[str, Any]) -> dict[str, Any]:
    """A message without what differs between two runs: when it was extracted, and versions and times made of that."""
    pattern = rb'"(version|time_extracted|full_refreshed_at)":("[^"]*"|[0-9]+)'
    changed: dict[str, Any] = decode(re.sub(pattern, rb'"\1":0', encode(message)))
    return changed


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_every_row_of_every_stream_arrives_once(sandbox: RunningSandbox, read_productive: ReadProductive) -> None:
    reading = read_productive(page_size=50)

    assert reading.error is None
    for name in (str(vars(stream)["name"]) for stream in STREAMS):
        expected = {record["id"] for record in sandbox.admin.records(name)}
        ids = reading.ids(name)
        assert expected, name
        assert set(ids) == expected, name
        assert len(ids) == len(set(ids)), name


def test_a_record_is_the_row_and_the_ids_of_its_relationships(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    records = {record["id"]: record for record in read_productive("invoices").records["invoices"]}

    for row in sandbox.admin.records("invoices"):
        record = records[row["id"]]
        assert record["company_id"] == row["relationships"]["company"]
        assert record["creator_id"] == row["relationships"]["creator"]
        assert record["invoice_attributions_ids"] == row["relationships"]["invoice_attributions"]
        assert record["organization_id"] == "1"
        assert record["amount_with_tax"] == row["attributes"]["amount_with_tax"]
        assert record["number"] == row["attributes"]["number"]


def test_included_records_come_without_attributes(sandbox: RunningSandbox, read_productive: ReadProductive) -> None:
    read_productive("tasks")

    asked = requests_to(sandbox, "tasks")[0]
    assert asked["include"].split(",")[:2] == ["assignee", "attachments"]
    assert asked["fields[people]"] == "id"
    assert "fields[tasks]" not in asked  # it would narrow the rows themselves


def test_a_whole_list_is_read_by_page_number_each_page_once(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    read_productive("line_items")

    pages = requests_to(sandbox, "line_items")
    assert sorted(page["page[number]"] for page in pages) == ["1", "2", "3", "4"]
    assert {page["page[size]"] for page in pages} == {"200"}


def test_changes_are_read_by_cursor_and_nothing_else_of_the_link_is_used(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    first = read_productive("tasks")
    sandbox.admin.clear_requests()

    read_productive(
        "tasks", state=first.state | {"bookmarks": {"tasks": bookmark("updated_at", "2026-01-01")}}, page_size=50
    )

    pages = requests_to(sandbox, "tasks")
    assert pages[0]["page[after]"] == ""
    assert len({page["page[after]"] for page in pages}) == len(pages) > 1
    assert all("page[number]" not in page for page in pages)


@pytest.mark.parametrize("concurrency", [2, 16])
def test_reading_ahead_changes_nothing_in_what_is_written(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    concurrency: int,
) -> None:
    def written(workers: int) -> list[str]:
        messages = read_productive(page_size=20, concurrency=workers).messages
        return [encode(without_time(message)).decode() for message in messages]

    one, many = written(1), written(concurrency)

    assert one == many
    assert len(one) > 3000
    assert sandbox.admin.requests()


@pytest.mark.parametrize("organization", ["1", "recorded"])
@pytest.mark.parametrize("drift", [False, True])
def test_every_stream_is_written_alike_by_pages_and_by_records(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    monkeypatch: pytest.MonkeyPatch,
    organization: str,
    *,
    drift: bool,
) -> None:
    """Pages go from bytes to messages at once; with stream maps and the like, the SDK writes record by record."""
    if drift:
        odd: dict[str, Any] = {
            "brand_new": {"a": [1.50, None]},
            "created_at": 17,
            "amount": "12.50",
            "name": 5,
            "tag_list": "x\x00",
        }
        sandbox.admin.set_extra_attributes({str(vars(stream)["name"]): odd for stream in STREAMS})

    def written() -> list[str]:
        messages = read_productive(organization_id=organization, page_size=150).messages
        return [encode(without_time(message)).decode() for message in messages]

    by_page = written()
    monkeypatch.setattr(RestStream, "page_codec", None)
    by_record = written()

    assert by_page == by_record
    of_lists_and_custom_field_values = len(STREAMS) + 1
    assert len({line for line in by_page if '"SCHEMA"' in line}) == of_lists_and_custom_field_values


def test_an_error_on_a_page_surfaces_when_the_page_is_due(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    sandbox.admin.add_fault("*/tasks", query="page[number]=3", status=400)

    reading = read_productive("tasks", page_size=50, concurrency=16)

    assert isinstance(reading.error, RunIncomplete)
    assert len(reading.ids("tasks")) == 100
    assert reading.state["bookmarks"]["tasks"]["replication_key_value"] == reading.records["tasks"][-1]["updated_at"]


def test_pages_of_a_numbered_list_are_fetched_side_by_side(
    sandbox: RunningSandbox, read_productive: ReadProductive, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered: list[str] = []
    monkeypatch.setattr(TapProductive, "on_response", lambda _, answer: answered.append(answer.url))
    sandbox.admin.add_fault("*/tasks", query="page[number]=2", delay_ms=1000)

    reading = read_productive("tasks", page_size=50, concurrency=8)

    assert reading.error is None
    assert sorted(reading.ids("tasks")) == sorted(row["id"] for row in sandbox.admin.records("tasks"))
    numbers = [re.findall(r"page%5Bnumber%5D=(\d+)", url)[0] for url in answered]
    # While the second page was waited for, all the others came.
    assert numbers[0] == "1"
    assert numbers[-1] == "2"
    assert sorted(numbers) == [str(number) for number in range(1, 10)]


def test_first_pages_are_fetched_while_the_stream_before_is_waited_for(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    sandbox.admin.add_fault("*/payments", query="page[number]=1", delay_ms=300)
    reading = read_productive("organizations payments prices subsidiaries tax_rates", concurrency=4)

    assert reading.error is None
    asked = {"organizations", "payments", "prices", "subsidiaries", "tax_rates"}
    names = (request["path"].rsplit("/", 1)[-1] for request in sandbox.admin.requests())
    paths = [name for name in names if name in asked]
    assert paths[0] == "organizations"
    assert set(paths[1:5]) == {"payments", "prices", "subsidiaries", "tax_rates"}
    assert paths[5:] == ["payments"]


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
    assert len(requests_to(sandbox, stream)) == 1
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


def _now_of_the_api(sandbox: RunningSandbox) -> float:
    answer = requests.get(f"{sandbox.url}/productive/api/v2/tasks", timeout=10)
    return parsedate_to_datetime(answer.headers["Date"]).timestamp()


@pytest.mark.parametrize("ahead", [0, 3600])
def test_a_bookmark_is_held_to_the_beginning_by_the_clock_of_the_api(
    sandbox: RunningSandbox, read_productive: ReadProductive, monkeypatch: pytest.MonkeyPatch, ahead: int
) -> None:
    """A row that changes behind the reader has a time after that beginning: the bookmark must not pass it."""
    began = _now_of_the_api(sandbox)
    monkeypatch.setattr(TapProductive, "initialized_at", int((began + ahead) * 1000))
    # Half an hour after the beginning by the API's clock, and before it by ours, where that is an hour ahead.
    row = sandbox.admin.records("tasks")[0]["id"]
    sandbox.admin.update("tasks", row, {"updated_at": datetime.fromtimestamp(began + 1800, UTC).isoformat()})

    reading = read_productive("tasks")

    kept = instant(reading.state["bookmarks"]["tasks"]["replication_key_value"]).timestamp()
    assert began - 10 <= kept <= _now_of_the_api(sandbox) + 1


def test_filters_carry_the_flag_that_keeps_their_times_exact(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    first = read_productive("tasks")
    sandbox.admin.clear_requests()
    read_productive("tasks", state=first.state)

    (request,) = sandbox.admin.requests()
    assert request["feature_flags"] == "filteringSkipDatetimeCastToDate"
    bookmark = instant(first.state["bookmarks"]["tasks"]["replication_key_value"])
    assert query_of(request)["filter[updated_at][gt_eq]"] == f"{bookmark:%Y-%m-%dT%H:%M:%SZ}"
    assert query_of(request)["sort"] == "updated_at"


def test_a_change_that_last_activity_at_does_not_show_is_found_by_the_weekly_whole_read(
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


def test_rows_without_last_activity_are_read_by_a_whole_read(
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
    sandbox.admin.add_fault("*/tasks", query="page[number]=3", times=100, status=500)
    first = read_productive("tasks", page_size=100)
    assert isinstance(first.error, RunIncomplete)
    assert len(first.ids("tasks")) == 200
    sandbox.admin.clear_faults()

    second = read_productive("tasks", page_size=100, state=first.state)

    everything = {row["id"] for row in sandbox.admin.records("tasks")}
    assert set(first.ids("tasks")) | set(second.ids("tasks")) == everything
    assert len(second.ids("tasks")) < len(everything) - 150


def test_rows_that_move_while_they_are_read_are_not_lost(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    rows = sorted(sandbox.admin.records("tasks"), key=lambda row: instant(row["attributes"]["updated_at"]))
    moved, deleted = rows[0]["id"], rows[1]["id"]
    sandbox.admin.script_changes(
        "/tasks",
        after_request=1,
        changes=[
            {"action": "update", "resource": "tasks", "id": moved, "attributes": {"title": "later"}},
            {"action": "delete", "resource": "tasks", "id": deleted},
        ],
    )

    reading = read_productive("tasks", page_size=50)

    assert set(reading.ids("tasks")) == {row["id"] for row in rows}
    assert [record["title"] for record in reading.records["tasks"] if record["id"] == moved][-1] == "later"


def test_an_include_that_is_refused_is_left_out_and_named_once(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sandbox.admin.set_refusals(includes={"invoices": ["bank_account", "issuer"]})

    reading = read_productive("invoices", page_size=100)

    assert reading.error is None
    assert len(reading.ids("invoices")) == len(sandbox.admin.records("invoices"))
    assert {record["issuer_id"] for record in reading.records["invoices"]} == {None}
    assert all(record["company_id"] for record in reading.records["invoices"])
    assert warnings_of(caplog) == [
        "invoices: the API refuses to include bank_account, issuer: the columns with their ids stay empty",
    ]


@pytest.mark.parametrize("stream", ["invoices", "line_items"])
def test_an_include_that_was_refused_is_not_asked_for_again_until_the_next_whole_read_is_due(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    caplog: pytest.LogCaptureFixture,
    stream: str,
) -> None:
    sandbox.admin.set_refusals(includes={stream: ["company" if stream == "invoices" else "invoice"]})
    first = read_productive(stream)
    caplog.clear()
    sandbox.admin.clear_requests()

    second = read_productive(stream, state=first.state)

    assert {request["status"] for request in sandbox.admin.requests()} == {200}
    assert warnings_of(caplog) == []
    assert second.state["bookmarks"][stream]["refused"] == first.state["bookmarks"][stream]["refused"]

    sandbox.admin.set_refusals(includes={})
    state = second.state
    state["bookmarks"][stream]["refused"]["at"] = (datetime.now(UTC) - timedelta(days=7)).isoformat()
    third = read_productive(stream, state=state)
    assert all(record["company_id" if stream == "invoices" else "invoice_id"] for record in third.records[stream])
    assert "refused" not in third.state["bookmarks"][stream]


@pytest.mark.parametrize("noted", [None, [], {"at": "soon"}, {"at": "2999-01-01", "includes": 5}])
def test_a_note_of_refusals_that_cannot_be_read_counts_for_nothing(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    noted: object,
) -> None:
    reading = read_productive("line_items", state={"bookmarks": {"line_items": {"refused": noted}}})

    assert reading.error is None
    assert "refused" not in reading.state["bookmarks"]["line_items"]
    assert "service" in requests_to(sandbox, "line_items")[0]["include"].split(",")


def test_several_parts_of_a_request_that_are_refused_are_all_left_out(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sandbox.admin.set_refusals(
        includes={"tasks": ["assignee", "project"]},
        keyset_sorts={"tasks": ["updated_at"]},
        filters={"tasks": ["updated_at"]},
    )

    reading = read_productive("tasks", state={"bookmarks": {"tasks": bookmark("updated_at", "2026-01-01T00:00:00Z")}})

    assert reading.error is None
    assert sorted(reading.ids("tasks")) == sorted(row["id"] for row in sandbox.admin.records("tasks"))
    assert warnings_of(caplog) == [
        "tasks: the API refuses to include assignee, project: the columns with their ids stay empty",
        "tasks: the API refuses to filter by updated_at: it is read whole",
    ]
    refused = reading.state["bookmarks"]["tasks"]["refused"]
    assert {**refused, "at": ""} == {"at": "", "includes": ["assignee", "project"], "cursor": True, "filter": True}


def test_a_list_that_was_not_walked_by_cursor_is_not_asked_to_again(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    sandbox.admin.set_refusals(keyset_sorts={"tasks": ["updated_at"]})
    state = read_productive("tasks").state
    second = read_productive("tasks", state=state)
    sandbox.admin.clear_requests()

    third = read_productive("tasks", state=second.state)

    assert third.ids("tasks") == second.ids("tasks")
    assert [page.get("page[number]") for page in requests_to(sandbox, "tasks")] == ["1"]


def test_changes_of_a_list_that_has_no_cursor_are_read_by_page_number(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    sandbox.admin.set_refusals(keyset_sorts={"tasks": ["updated_at"]})
    state = {"bookmarks": {"tasks": bookmark("updated_at", "2026-01-01T00:00:00Z")}}

    reading = read_productive("tasks", page_size=50, state=state)

    assert reading.error is None
    due = {
        row["id"]
        for row in sandbox.admin.records("tasks")
        if instant(row["attributes"]["updated_at"]) >= instant("2026-01-01")
    }
    assert set(reading.ids("tasks")) == due
    assert [page.get("page[number]") for page in requests_to(sandbox, "tasks")][:3] == [None, "1", "2"]


def test_a_row_that_slips_between_two_pages_is_read_by_a_second_reading(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    rows = {row["id"] for row in sandbox.admin.records("line_items")}
    gone = sandbox.admin.records("line_items")[0]["id"]
    sandbox.admin.script_changes(
        "/line_items",
        after_request=2,
        changes=[{"action": "delete", "resource": "line_items", "id": gone}],
    )

    reading = read_productive("line_items", page_size=100, concurrency=1)

    assert reading.error is None
    assert set(reading.ids("line_items")) == rows
    assert len(reading.ids("line_items")) == len(rows)
    assert [message["stream"] for message in reading.of("ACTIVATE_VERSION")] == ["line_items"]
    assert len(requests_to(sandbox, "line_items")) == 16


def test_a_row_that_moves_to_the_end_of_an_ordered_list_does_not_hide_another(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    rows = sorted(sandbox.admin.records("tasks"), key=lambda row: instant(row["attributes"]["updated_at"]))
    sandbox.admin.script_changes(
        "/tasks",
        after_request=2,
        changes=[{"action": "update", "resource": "tasks", "id": rows[0]["id"]}],
    )

    reading = read_productive("tasks", page_size=100, concurrency=1)

    assert set(reading.ids("tasks")) == {row["id"] for row in rows}
    states = [message["value"]["bookmarks"]["tasks"] for message in reading.of("STATE")]
    assert "replication_key_value" in states[-1]
    assert "full_read_cut_short" not in states[-1]


def test_a_list_that_does_not_come_to_rest_is_walked_by_cursor(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    rows = [row["id"] for row in sandbox.admin.records("line_items")]
    for reading_number in range(2):
        sandbox.admin.script_changes(
            "/line_items",
            after_request=2 + 8 * reading_number,
            changes=[{"action": "delete", "resource": "line_items", "id": rows[reading_number]}],
        )

    reading = read_productive("line_items", page_size=100, concurrency=1)

    assert reading.error is None
    assert set(reading.ids("line_items")) == set(rows)
    assert "page[after]" in requests_to(sandbox, "line_items")[-1]
    assert reading.of("ACTIVATE_VERSION")


def test_a_list_that_never_comes_to_rest_marks_nothing_as_deleted(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sandbox.admin.set_refusals(keyset_sorts={"line_items": ["*"]})
    rows = [row["id"] for row in sandbox.admin.records("line_items")]
    for reading_number in range(3):
        sandbox.admin.script_changes(
            "/line_items",
            after_request=2 + 8 * reading_number + reading_number // 2,
            changes=[{"action": "delete", "resource": "line_items", "id": rows[reading_number]}],
        )

    reading = read_productive("line_items", page_size=100, concurrency=1)

    assert reading.error is None
    assert not reading.of("ACTIVATE_VERSION")
    assert "no row is taken for deleted" in warnings_of(caplog)[0]


def test_changes_that_are_answered_by_number_are_checked_as_numbered_lists_are(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sandbox.admin.set_refusals(keyset_sorts={"tasks": ["updated_at"]})
    rows = sorted(sandbox.admin.records("tasks"), key=lambda row: instant(row["attributes"]["updated_at"]))
    state = {"bookmarks": {"tasks": bookmark("updated_at", "2020-01-01T00:00:00Z")}}
    for reading_number in range(3):
        sandbox.admin.script_changes(
            "/tasks",
            # The first request of each reading asks for a cursor and is refused, but not in the second.
            after_request=3 + 5 * reading_number,
            changes=[{"action": "delete", "resource": "tasks", "id": rows[reading_number]["id"]}],
        )

    reading = read_productive("tasks", page_size=100, state=state, concurrency=1)

    assert reading.error is None
    assert "the bookmark stays" in warnings_of(caplog)[-1]
    assert reading.state["bookmarks"]["tasks"]["replication_key_value"] == "2020-01-01T00:00:00Z"


def test_a_row_that_changes_between_two_readings_of_a_moving_list_is_written_again(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    rows = sorted(sandbox.admin.records("tasks"), key=lambda row: instant(row["attributes"]["updated_at"]))
    gone, changed = rows[0]["id"], rows[10]["id"]
    change: dict[str, Any] = {"action": "update", "resource": "tasks", "id": changed, "attributes": {"title": "later"}}
    sandbox.admin.script_changes(
        "/tasks",
        after_request=2,
        changes=[{"action": "delete", "resource": "tasks", "id": gone}],
    )
    sandbox.admin.script_changes("/tasks", after_request=5, changes=[change])

    reading = read_productive("tasks", page_size=100, concurrency=1)

    assert [record["title"] for record in reading.records["tasks"] if record["id"] == changed][-1] == "later"


def test_a_failure_ahead_of_its_turn_is_forgotten_if_the_api_is_well_when_it_is_due(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    # The first page of prices fails for good while the streams before it are read.
    sandbox.admin.add_fault("*/prices", times=6, status=500)
    sandbox.admin.add_fault("*/payments", query="page[number]=2", delay_ms=500)

    reading = read_productive("organizations payments prices", concurrency=4)

    assert reading.error is None
    assert len(reading.ids("prices")) == len(sandbox.admin.records("prices"))


def test_a_bookmark_that_cannot_be_read_is_complained_of_at_its_streams_turn(read_productive: ReadProductive) -> None:
    state = {"bookmarks": {"time_entries": bookmark("updated_at", "soon")}}

    reading = read_productive("payments projects time_entries", state=state)

    assert "mend or clear the state" in str(reading.error)
    assert reading.ids("payments")
    assert reading.ids("projects")


def test_fractions_of_days_are_days(read_productive: ReadProductive) -> None:
    settings = decode(b'{"lookback_days": 0.5, "full_refresh_interval_days": 1.5}')

    assert read_productive("invoices", **settings).error is None


def test_a_refusal_in_the_middle_of_a_list_is_a_failure(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    sandbox.admin.add_fault("*/line_items", query="page[number]=2", status=403)

    reading = read_productive("line_items payments")

    assert isinstance(reading.error, RunIncomplete)
    assert "line_items" not in {message["stream"] for message in reading.of("ACTIVATE_VERSION")}


def test_a_sort_that_is_refused_holds_the_bookmark_back_to_the_end(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    sandbox.admin.set_refusals(sorts={"deleted_items": ["created_at"]})

    reading = read_productive("deleted_items", page_size=5)

    assert reading.error is None
    states = [message["value"]["bookmarks"].get("deleted_items", {}) for message in reading.of("STATE")]
    assert all("replication_key_value" not in state for state in states[:-1])
    newest = max(instant(record["created_at"]) for record in reading.records["deleted_items"])
    assert instant(states[-1]["replication_key_value"]) == newest


def test_a_feature_that_is_off_skips_its_stream_with_one_warning(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    sandbox.admin.set_features(financials=False)

    reading = read_productive()

    assert reading.error is None
    assert not reading.records["tax_rates"]
    assert "tax_rates" not in {message["stream"] for message in reading.of("ACTIVATE_VERSION")}
    (warning,) = [line for line in warnings_of(caplog) if "kept in _rescued_data" not in line]
    assert "Feature financials unavailable" in warning
    summary = next(r.getMessage() for r in caplog.records if "read to their end" in r.getMessage())
    others = {message["stream"] for message in reading.of("SCHEMA")} - {"tax_rates"}
    assert others > {str(vars(stream)["name"]) for stream in STREAMS} - {"tax_rates"}
    assert f"{len(others)} streams read to their end, 1 skipped: tax_rates (GET /productive/api/v2/tax_rates" in summary


def test_a_feature_that_is_off_is_no_matter_of_the_organization_even_where_it_is_asked_for_first(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    sandbox.admin.set_features(financials=False)
    sandbox.admin.set_refusals(routes=["organization_memberships"])

    reading = read_productive("tax_rates time_entries")

    assert reading.error is None
    assert reading.ids("time_entries")
    assert requests_to(sandbox, "organization_memberships") == []


@pytest.mark.parametrize("fault", [{"status": 404}, {"status": 500}])
def test_a_first_refusal_is_of_its_stream_alone_where_the_memberships_tell_nothing(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    fault: dict[str, Any],
) -> None:
    sandbox.admin.add_fault("*/salaries", status=403)
    sandbox.admin.add_fault("*/organization_memberships", times=100, **fault)

    reading = read_productive("salaries time_entries")

    assert reading.error is None
    assert reading.ids("time_entries")


def test_a_first_refusal_ends_the_run_if_the_memberships_are_of_other_organizations(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    sandbox.admin.add_fault("*/activities", status=403)
    membership = {"type": "organization_memberships", "id": "1"}
    elsewhere = {"organization": {"data": {"type": "organizations", "id": "99"}}}
    body = encode({"data": [membership | {"relationships": elsewhere}]}).decode()
    sandbox.admin.add_fault("*/organization_memberships", status=200, body=body)

    reading = read_productive("activities payments")

    assert isinstance(reading.error, AccessRefused)
    assert str(reading.error).endswith("belongs to that organization; its organizations are: 99")
    assert requests_to(sandbox, "organization_memberships")[0]["include"] == "organization"


def test_an_api_url_below_which_there_is_nothing_is_named(
    productive_settings: dict[str, Any],
    read_productive: ReadProductive,
) -> None:
    wrong = f"{productive_settings['api_url']}/v3"

    reading = read_productive("activities payments", api_url=wrong)

    assert isinstance(reading.error, AccessRefused)
    assert f"Check api_url {wrong}" in str(reading.error)


def test_an_organization_that_yaml_made_a_number_of_is_asked_for(read_productive: ReadProductive) -> None:
    assert read_productive("payments", organization_id=1).ids("payments")


@pytest.mark.parametrize(
    "body", ['{"errors": ["no"]}', '{"errors": {"title": "no"}}', '{"errors": null}', '"no"', "no"]
)
@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_refusal_of_another_form_ends_its_stream_alone(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    caplog: pytest.LogCaptureFixture,
    status: int,
    body: str,
) -> None:
    sandbox.admin.add_fault("*/payments", status=status, body=body, times=100)

    reading = read_productive("payments prices")

    assert reading.ids("prices")
    assert (reading.error is None) == (status == 403)
    assert "the tap is at fault" not in caplog.text


@pytest.mark.parametrize("body", ['{"data": [1]}', '{"data": {}}', '{"data": null}', "[]", '"x"'])
def test_an_answer_that_is_no_list_of_resources_ends_its_stream_with_one_line(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    caplog: pytest.LogCaptureFixture,
    body: str,
) -> None:
    sandbox.admin.add_fault("*/payments", status=200, body=body)

    reading = read_productive("payments prices")

    assert isinstance(reading.error, RunIncomplete)
    assert reading.ids("prices")
    assert [line for line in warnings_of(caplog) if line.startswith("payments: failed: GET /payments answered ")]


def test_an_undocumented_list_that_does_not_exist_is_skipped(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    sandbox.admin.set_refusals(routes=["payment_reminders"])

    reading = read_productive("payment_reminders payments")

    assert reading.error is None
    assert reading.ids("payments")


def test_a_documented_list_that_does_not_exist_fails_the_run_but_not_the_others(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    sandbox.admin.set_refusals(routes=["prices"])

    reading = read_productive("payments prices tasks")

    assert isinstance(reading.error, RunIncomplete)
    assert "prices" in str(reading.error)
    assert len(reading.ids("tasks")) == len(sandbox.admin.records("tasks"))


def test_a_field_the_schema_does_not_know_is_rescued_and_named_once(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sandbox.admin.set_extra_attributes({"payments": {"brand_new": {"a": [1, "x"]}, "amount": "12.345"}})

    reading = read_productive("payments")

    assert reading.error is None
    for record in reading.records["payments"]:
        assert record["_rescued_data"] == {"amount": "12.345", "brand_new": {"a": [1, "x"]}}
        assert record["amount"] is None
    lines = warnings_of(caplog)
    assert len(lines) == 2
    assert any("brand_new" in line for line in lines)


def test_the_generated_world_fits_the_schemas(read_productive: ReadProductive) -> None:
    reading = read_productive()

    rescued = {
        (stream, name)
        for stream, records in reading.records.items()
        for record in records
        for name in record["_rescued_data"] or ()
        if stream not in UNKNOWN
    }
    assert rescued == set()


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"auth_token": "wrong"}, AccessRefused, "Check auth_token"),
        ({"organization_id": "4711"}, AccessRefused, "Check organization_id 4711"),
        ({"api_url": "http://127.0.0.1:9/api"}, ApiUnreachable, "Check api_url"),
    ],
)
def test_wrong_access_ends_the_run_with_one_line_that_says_what_to_do(
    read_productive: ReadProductive,
    caplog: pytest.LogCaptureFixture,
    settings: dict[str, Any],
    error: type[Exception],
    words: str,
) -> None:
    reading = read_productive(**settings)

    assert isinstance(reading.error, error)
    assert words in str(reading.error)
    assert "\n" not in str(reading.error)
    assert not reading.of("RECORD")
    assert warnings_of(caplog) == []


def test_a_full_window_is_waited_for_as_long_as_the_api_says(
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


class LimitedTap(TapProductive):
    """One for a smaller API, so that few requests use its limits up."""

    rate_limits: ClassVar[Mapping[str, Sequence[Rule]]] = {"": (Window(6, 10), Window(30, 60))}


@pytest.mark.parametrize("share", [1, 0.5])
def test_the_limits_are_used_up_and_not_overrun(
    sandbox: RunningSandbox, productive_settings: dict[str, Any], clock_of_both: FakeClock, share: float
) -> None:
    sandbox.admin.set_limits(
        [
            {"scope": "token", "limit": 6, "period": 10},
            {"scope": "organization", "limit": 30, "period": 60},
        ],
    )

    settings = productive_settings | {"page_size": 10, "concurrency": 1, "quota_share": share}
    reading = read(LimitedTap, settings, select="line_items")

    assert reading.error is None
    requests = sandbox.admin.requests()
    assert {request["status"] for request in requests} == {200}
    # 77 pages: 30 (or 15) of them in each minute.
    assert len(requests) == 77
    assert sum(clock_of_both.waits) == pytest.approx(60 * ((77 - 1) // (30 * share)), rel=0.25)


def test_a_longer_wait_than_allowed_ends_the_run_and_says_when_to_come_back(
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


@pytest.mark.parametrize("kind", [{"truncate": True}, {"not_json": True}, {"drop": True}, {"status": 503}])
def test_an_answer_that_is_broken_is_asked_for_again(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    kind: dict[str, Any],
) -> None:
    sandbox.admin.add_fault("*/tasks", query="page[number]=2", times=2, **kind)

    reading = read_productive("organizations tasks")

    assert reading.error is None
    assert set(reading.ids("tasks")) == {row["id"] for row in sandbox.admin.records("tasks")}


def test_an_answer_that_only_looks_like_json_is_asked_for_again(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    half = '{"data": [{"id": "1"}'
    headers = {"Content-Type": "application/vnd.api+json"}
    sandbox.admin.add_fault("*/tasks", query="page[number]=2", times=3, status=200, body=half, headers=headers)

    reading = read_productive("organizations tasks")

    assert reading.error is None
    assert set(reading.ids("tasks")) == {row["id"] for row in sandbox.admin.records("tasks")}
