"""Rows that come, go and move while their list is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from conftest import queries_to, warnings_of
from singer_rest_core.records import instant

if TYPE_CHECKING:
    from conftest import ReadProductive
    from sandbox.server import RunningSandbox


def bookmark(key: str, value: str) -> dict[str, str]:
    return {"replication_key": key, "replication_key_value": value}


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

    assert set(reading.ids("tasks")) >= {row["id"] for row in rows} - {deleted}
    following = read_productive("tasks", page_size=50, state=reading.state)
    written = [*reading.records["tasks"], *following.records["tasks"]]
    assert [record["title"] for record in written if record["id"] == moved][-1] == "later"


@pytest.mark.parametrize("deleted", [1, 2])
def test_rows_that_go_do_not_make_a_list_be_read_again_by_cursor(
    sandbox: RunningSandbox, read_productive: ReadProductive, deleted: int
) -> None:
    rows = [row["id"] for row in sandbox.admin.records("line_items")]
    for number in range(deleted):
        sandbox.admin.script_changes(
            "/line_items",
            after_request=3 + 3 * number,
            changes=[{"action": "delete", "resource": "line_items", "id": rows[number]}],
        )

    reading = read_productive("line_items", page_size=100, concurrency=1)

    assert reading.error is None
    assert sorted(reading.ids("line_items")) == sorted(rows)
    assert reading.activated == ["line_items"]
    assert len(queries_to(sandbox, "/line_items")) == 8 + 2


def test_a_row_that_slips_between_two_numbered_pages_is_read_by_a_second_pass(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    sandbox.admin.set_refusals(keyset_sorts={"line_items": ["*"]})
    rows = {row["id"] for row in sandbox.admin.records("line_items")}
    gone = sandbox.admin.records("line_items")[0]["id"]
    sandbox.admin.script_changes(
        "/line_items",
        # The first request asks for a cursor and is refused.
        after_request=3,
        changes=[{"action": "delete", "resource": "line_items", "id": gone}],
    )

    reading = read_productive("line_items", page_size=100, concurrency=1)

    assert reading.error is None
    assert set(reading.ids("line_items")) == rows
    assert len(reading.ids("line_items")) == len(rows)
    assert len(queries_to(sandbox, "/line_items")) == 1 + 16


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


def test_a_numbered_list_that_never_stops_moving_is_read_twice_and_marks_nothing_as_deleted(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sandbox.admin.set_refusals(keyset_sorts={"line_items": ["*"]})
    first = read_productive("line_items", page_size=100, concurrency=1)
    rows = [row["id"] for row in sandbox.admin.records("line_items")]
    for reading_number in range(3):
        sandbox.admin.script_changes(
            "/line_items",
            after_request=2 + 8 * reading_number,
            changes=[{"action": "delete", "resource": "line_items", "id": rows[reading_number]}],
        )
    sandbox.admin.clear_requests()

    reading = read_productive("line_items", page_size=100, concurrency=1, state=first.state)

    assert reading.error is None
    assert len(queries_to(sandbox, "/line_items")) == 16
    versions = {message["version"] for message in first.of("RECORD")}
    assert {message["version"] for message in reading.of("ACTIVATE_VERSION")} == versions
    assert "rows moved between pages each time they were read" in warnings_of(caplog)[0]


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
    assert "the next run reads them again" in warnings_of(caplog)[-1]
    assert reading.state["bookmarks"]["tasks"]["replication_key_value"] == "2020-01-01T00:00:00Z"


def test_a_row_that_changes_between_two_passes_over_a_moving_list_is_written_again(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    sandbox.admin.set_refusals(keyset_sorts={"tasks": ["*"]})
    state = read_productive("tasks").state["bookmarks"]["tasks"]
    gone, changed = (row["id"] for row in sandbox.admin.records("tasks")[:2])
    change: dict[str, Any] = {"action": "update", "resource": "tasks", "id": changed, "attributes": {"title": "later"}}
    sandbox.admin.script_changes(
        "/tasks",
        after_request=2,
        changes=[{"action": "delete", "resource": "tasks", "id": gone}],
    )
    sandbox.admin.script_changes("/tasks", after_request=5, changes=[change])

    refused = {"bookmarks": {"tasks": {"refused": state["refused"]}}}
    reading = read_productive("tasks", page_size=100, concurrency=1, state=refused)

    assert [record["title"] for record in reading.records["tasks"] if record["id"] == changed][-1] == "later"
