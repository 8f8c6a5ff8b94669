"""Parts of a request that the API refuses: includes, cursors, sorts; and what is remembered of them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from conftest import CONCURRENCY, queries_to, warnings_of
from singer_rest_core import RunIncomplete
from singer_rest_core.records import encode, instant

if TYPE_CHECKING:
    from conftest import FakeClock, ReadProductive
    from sandbox.server import RunningSandbox


def bookmark(key: str, value: str) -> dict[str, str]:
    return {"replication_key": key, "replication_key_value": value}


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
def test_an_include_that_was_refused_is_requested_again_after_full_refresh_interval_days(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    clock: FakeClock,
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
    clock.advance(timedelta(days=7).total_seconds())
    third = read_productive(stream, state=second.state)
    assert all(record["company_id" if stream == "invoices" else "invoice_id"] for record in third.records[stream])
    assert "refused" not in third.state["bookmarks"][stream]


@pytest.mark.parametrize("remembered", [None, [], {"at": "soon"}, {"at": "2999-01-01", "includes": 5}])
def test_remembered_refusals_that_cannot_be_read_are_ignored(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    remembered: object,
) -> None:
    reading = read_productive("line_items", state={"bookmarks": {"line_items": {"refused": remembered}}})

    assert reading.error is None
    assert "refused" not in reading.state["bookmarks"]["line_items"]
    assert "service" in queries_to(sandbox, "/line_items")[0]["include"].split(",")


def test_several_parts_of_a_request_that_are_refused_are_all_left_out(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sandbox.admin.set_refusals(
        includes={"tasks": ["assignee", "project"]},
        keyset_sorts={"tasks": ["*"]},
        filters={"tasks": ["updated_at"]},
    )

    reading = read_productive("tasks", state={"bookmarks": {"tasks": bookmark("updated_at", "2026-01-01T00:00:00Z")}})

    assert reading.error is None
    assert sorted(reading.ids("tasks")) == sorted(row["id"] for row in sandbox.admin.records("tasks"))
    assert warnings_of(caplog) == [
        "tasks: the API refuses to include assignee, project: the columns with their ids stay empty",
        "tasks: the API refuses to filter by updated_at: it is read completely",
    ]
    refused = reading.state["bookmarks"]["tasks"]["refused"]
    assert {**refused, "at": ""} == {
        "at": "",
        "includes": ["assignee", "project"],
        "cursor": True,
        "filter": True,
        "sort": True,
    }


def test_a_cursor_that_was_refused_is_not_requested_again(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    sandbox.admin.set_refusals(keyset_sorts={"tasks": ["updated_at"]})
    state = read_productive("tasks").state
    second = read_productive("tasks", state=state)
    sandbox.admin.clear_requests()

    third = read_productive("tasks", state=second.state)

    assert third.ids("tasks") == second.ids("tasks")
    assert [page.get("page[number]") for page in queries_to(sandbox, "/tasks")] == ["1"]


@CONCURRENCY
def test_a_complete_list_without_a_cursor_is_read_by_page_number_for_full_refresh_interval_days(
    sandbox: RunningSandbox, read_productive: ReadProductive, clock: FakeClock, concurrency: int
) -> None:
    sandbox.admin.set_refusals(keyset_sorts={"line_items": ["*"]})
    first = read_productive("line_items", concurrency=concurrency)
    sandbox.admin.clear_requests()

    second = read_productive("line_items", concurrency=concurrency, state=first.state)

    numbers = sorted(query.get("page[number]", "") for query in queries_to(sandbox, "/line_items"))
    assert numbers == ["1", "2", "3", "4"]
    assert sorted(second.ids("line_items")) == sorted(row["id"] for row in sandbox.admin.records("line_items"))
    clock.advance(timedelta(days=7).total_seconds())
    sandbox.admin.set_refusals()
    sandbox.admin.clear_requests()
    third = read_productive("line_items", concurrency=concurrency, state=second.state)
    assert queries_to(sandbox, "/line_items")[0]["page[after]"] == ""
    assert "refused" not in third.state["bookmarks"]["line_items"]


def test_a_cursor_that_is_refused_in_the_middle_of_a_list_leaves_its_sort_alone(
    sandbox: RunningSandbox, read_productive: ReadProductive
) -> None:
    error = {"status": "400", "code": "keyset_invalid_cursor", "detail": "The cursor does not belong to this sort"}
    sandbox.admin.add_fault(
        "*/expenses", query="page[after]", skip=2, status=400, body=encode({"errors": [error]}).decode()
    )

    first = read_productive("expenses", page_size=20, concurrency=1)

    assert isinstance(first.error, RunIncomplete)
    assert "refused" not in first.state["bookmarks"]["expenses"]
    second = read_productive("expenses", page_size=20, state=first.state)
    assert second.error is None
    assert {*first.ids("expenses"), *second.ids("expenses")} == {row["id"] for row in sandbox.admin.records("expenses")}


def test_changes_of_a_list_that_has_no_cursor_are_read_by_page_number(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    sandbox.admin.set_refusals(keyset_sorts={"tasks": ["updated_at"]})
    state = {"bookmarks": {"tasks": bookmark("updated_at", "2026-01-01T00:00:00Z")}}

    reading = read_productive("tasks", page_size=50, state=state, concurrency=1)

    assert reading.error is None
    due = {
        row["id"]
        for row in sandbox.admin.records("tasks")
        if instant(row["attributes"]["updated_at"]) >= instant("2026-01-01")
    }
    assert set(reading.ids("tasks")) == due
    assert [page.get("page[number]") for page in queries_to(sandbox, "/tasks")][:3] == [None, "1", "2"]


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


BOUNDED = [
    "tasks",
    "time_entries",
    "invoices",
    "deals",
    "companies",
    "bookings",
    "proposals",
    "deleted_items",
    "filters",
]


@pytest.mark.parametrize("stream", BOUNDED)
def test_where_gt_eq_is_refused_rows_are_requested_with_gt_from_a_day_before(
    sandbox: RunningSandbox, read_productive: ReadProductive, caplog: pytest.LogCaptureFixture, stream: str
) -> None:
    first = read_productive(stream)
    usual = read_productive(stream, state=first.state)
    (row,) = sandbox.admin.records(stream)[:1]
    sandbox.admin.set_refusals(operations={stream: ["gt_eq"]})
    if stream != "deleted_items":
        sandbox.admin.update(stream, row["id"])
    sandbox.admin.clear_requests()

    second = read_productive(stream, state=first.state)

    assert second.error is None
    assert warnings_of(caplog) == []
    expected = set(usual.ids(stream)) | ({row["id"]} if stream != "deleted_items" else set())
    assert expected <= set(second.ids(stream))
    (refused, accepted) = queries_to(sandbox, f"/{stream}")[:2]
    (name,) = (name for name in refused if name.endswith("[gt_eq]"))
    bound = instant(refused[name]) - timedelta(days=1)
    assert instant(accepted[name.replace("gt_eq", "gt")]) == bound
    assert name not in accepted


def test_an_operation_that_was_refused_is_not_tried_again_for_full_refresh_interval_days(
    sandbox: RunningSandbox, read_productive: ReadProductive, clock: FakeClock
) -> None:
    first = read_productive("tasks")
    sandbox.admin.set_refusals(operations={"tasks": ["gt_eq"]})
    second = read_productive("tasks", state=first.state)
    sandbox.admin.clear_requests()

    third = read_productive("tasks", state=second.state)

    assert {request["status"] for request in sandbox.admin.requests()} == {200}
    assert third.ids("tasks") == second.ids("tasks")
    sandbox.admin.set_refusals()
    clock.advance(timedelta(days=7).total_seconds())
    sandbox.admin.clear_requests()
    fourth = read_productive("tasks", state=third.state)
    assert any(name.endswith("[gt_eq]") for name in queries_to(sandbox, "/tasks")[0])
    assert "refused" not in fourth.state["bookmarks"]["tasks"]


def test_a_filter_is_given_up_where_both_of_its_operations_are_refused(
    sandbox: RunningSandbox, read_productive: ReadProductive, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.admin.set_refusals(operations={"tasks": ["gt_eq", "gt"]})
    state = {"bookmarks": {"tasks": bookmark("updated_at", "2026-01-01T00:00:00Z")}}

    reading = read_productive("tasks", state=state)

    assert reading.error is None
    assert sorted(reading.ids("tasks")) == sorted(row["id"] for row in sandbox.admin.records("tasks"))
    assert warnings_of(caplog) == ["tasks: the API refuses to filter by updated_at: it is read completely"]


@pytest.mark.parametrize("status", [400, 422])
def test_what_is_refused_is_told_by_its_code_whatever_the_status(
    sandbox: RunningSandbox, read_productive: ReadProductive, status: int
) -> None:
    error = {"status": "unprocessable_content", "code": "unsupported_include", "source": {"parameter": "include"}}
    sandbox.admin.add_fault(
        "*/prices", query="include", times=100, status=status, body=encode({"errors": [error]}).decode()
    )

    reading = read_productive("prices")

    assert reading.error is None
    assert len(reading.ids("prices")) == len(sandbox.admin.records("prices"))
