"""Parts of a request that the API refuses: includes, cursors, sorts; and what is remembered of them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from conftest import queries_to, warnings_of
from singer_rest_core.records import instant

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
        keyset_sorts={"tasks": ["updated_at"]},
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
    assert {**refused, "at": ""} == {"at": "", "includes": ["assignee", "project"], "cursor": True, "filter": True}


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
