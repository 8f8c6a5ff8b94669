"""Lists that others depend on: activities are read before them, the recycle bin after them, at any concurrency."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from conftest import CONCURRENCY
from tap_productive.tap import TapProductive
from tests.loaded_tables import LoadedTables

if TYPE_CHECKING:
    from conftest import ReadProductive
    from sandbox.server import RunningSandbox

_WITH_BIN = "deleted_items invoices tasks time_entries users"
_WITH_FEED = "activities expenses invoices line_items payments services"
_FED = {"expenses", "line_items", "payments", "services"}


def _requested(sandbox: RunningSandbox) -> list[str]:
    return [request["path"].rsplit("/", 1)[-1] for request in sandbox.admin.requests()]


@CONCURRENCY
def test_the_recycle_bin_is_read_after_all_other_lists(
    sandbox: RunningSandbox, read_productive: ReadProductive, concurrency: int
) -> None:
    state = read_productive(_WITH_BIN, tombstones=True, concurrency=concurrency).state
    sandbox.admin.clear_requests()
    later = {"full_refresh_interval_days": 0, "page_size": 50}
    read_productive(_WITH_BIN, tombstones=True, concurrency=concurrency, state=state, **later)

    requested = _requested(sandbox)
    first = requested.index("deleted_items")
    assert set(requested[:first]) == {"invoices", "tasks", "time_entries", "users"}
    assert set(requested[first:]) == {"deleted_items"}


@CONCURRENCY
@pytest.mark.parametrize("path", ["/invoices", "/tasks", "/users"])
def test_a_row_that_is_restored_while_lists_are_read_is_not_marked_as_deleted(
    sandbox: RunningSandbox, read_productive: ReadProductive, concurrency: int, path: str
) -> None:
    tables = LoadedTables()
    first = read_productive(_WITH_BIN, tombstones=True, concurrency=concurrency)
    tables.load(first.messages)
    restored = sandbox.admin.records("tasks")[-1]["id"]
    last = {"resource": "tasks", "place": -1}
    sandbox.admin.schedule("productive", [{"after_request": 0, "changes": [{**last, "action": "delete"}]}])
    (in_bin,) = [each["id"] for each in sandbox.admin.records("deleted_items")[-1:]]
    changes = [
        {**last, "action": "restore"},
        {**last, "action": "update", "attributes": {"title": "restored"}},
        {"action": "delete", "resource": "deleted_items", "place": -1},
    ]
    sandbox.admin.schedule("productive", [{"path": f"*{path}", "after_request": 1, "changes": changes}])

    second = read_productive(_WITH_BIN, tombstones=True, concurrency=concurrency, state=first.state)
    tables.load(second.messages)

    assert sandbox.admin.records("tasks")[-1]["id"] == restored
    assert in_bin not in {each["id"] for each in sandbox.admin.records("deleted_items")}
    assert restored in tables.live("tasks")
    tables.load(read_productive(_WITH_BIN, tombstones=True, concurrency=concurrency, state=second.state).messages)
    assert tables.live("tasks")[restored]["title"] == "restored"


@CONCURRENCY
@pytest.mark.parametrize("path", ["/invoices", "/tasks", "/users"])
def test_a_row_that_is_deleted_while_lists_are_read_is_marked_by_the_same_run(
    sandbox: RunningSandbox, read_productive: ReadProductive, concurrency: int, path: str
) -> None:
    tables = LoadedTables()
    first = read_productive(_WITH_BIN, tombstones=True, concurrency=concurrency)
    tables.load(first.messages)
    gone = first.ids("tasks")[5]
    sandbox.admin.script_changes(path, after_request=1, changes=[{"action": "delete", "resource": "tasks", "id": gone}])

    tables.load(read_productive(_WITH_BIN, tombstones=True, concurrency=concurrency, state=first.state).messages)

    assert gone in tables.deleted("tasks")


@CONCURRENCY
def test_activities_are_read_before_the_lists_whose_changes_they_name(
    sandbox: RunningSandbox, read_productive: ReadProductive, concurrency: int
) -> None:
    settings: dict[str, Any] = {"change_detection": "activities", "concurrency": concurrency, "page_size": 50}
    first = read_productive(_WITH_FEED, **settings)
    for row in ("1", "2", "3"):
        sandbox.admin.update("payments", row, {"note": "found"})
    sandbox.admin.clear_requests()

    second = read_productive(_WITH_FEED, **settings, state=first.state)

    requested = _requested(sandbox)
    last = max(place for place, name in enumerate(requested) if name == "activities")
    assert _FED.isdisjoint(requested[:last])
    assert {"1", "2", "3"} <= set(second.ids("payments"))
    assert requested.count("payments") == 1


@CONCURRENCY
def test_a_row_that_changes_after_activities_were_read_is_read_by_the_next_run(
    sandbox: RunningSandbox, read_productive: ReadProductive, concurrency: int
) -> None:
    settings: dict[str, Any] = {"change_detection": "activities", "concurrency": concurrency}
    tables = LoadedTables()
    first = read_productive(_WITH_FEED, **settings)
    tables.load(first.messages)
    update: dict[str, Any] = {"action": "update", "resource": "payments", "id": "7", "attributes": {"note": "later"}}
    sandbox.admin.script_changes("/activities", after_request=1, changes=[update])

    second = read_productive(_WITH_FEED, **settings, state=first.state)
    tables.load(second.messages)
    tables.load(read_productive(_WITH_FEED, **settings, state=second.state).messages)

    assert tables.live("payments")["7"]["note"] == "later"


@CONCURRENCY
def test_a_row_that_changes_between_two_nights_of_a_complete_read_is_read_by_the_run_after_it(
    sandbox: RunningSandbox, read_productive: ReadProductive, concurrency: int
) -> None:
    """The second night's activities name it, but that night reads only the rest of the list."""
    settings: dict[str, Any] = {"change_detection": "activities", "concurrency": concurrency, "page_size": 10}
    tables = LoadedTables()
    sandbox.admin.add_fault("*/payments", query="page[after]", skip=10, times=100, status=400)
    night = read_productive("activities payments", **settings)
    assert night.error is not None
    tables.load(night.messages)
    sandbox.admin.clear_faults()
    changed = night.ids("payments")[0]
    sandbox.admin.update("payments", changed, {"note": "later"})

    for _ in range(2):
        night = read_productive("activities payments", **settings, state=night.state)
        tables.load(night.messages)

    assert tables.live("payments")[changed]["note"] == "later"
    assert tables.live("payments").keys() == {row["id"] for row in sandbox.admin.records("payments")}


@CONCURRENCY
def test_the_recycle_bin_is_read_with_the_other_lists_where_nothing_was_loaded_before(
    sandbox: RunningSandbox, read_productive: ReadProductive, concurrency: int
) -> None:
    """No tombstone is written then; a row that is restored meanwhile stays live."""
    restored = sandbox.admin.records("tasks")[-1]["id"]
    last = {"resource": "tasks", "place": -1}
    sandbox.admin.schedule("productive", [{"after_request": 0, "changes": [{**last, "action": "delete"}]}])
    changes = [{**last, "action": "restore"}, {"action": "delete", "resource": "deleted_items", "place": -1}]
    sandbox.admin.schedule("productive", [{"path": "*/invoices", "after_request": 3, "changes": changes}])
    tables = LoadedTables()

    first = read_productive(_WITH_BIN, tombstones=True, concurrency=concurrency, page_size=10)
    tables.load(first.messages)

    assert [each for each in first.messages if each["type"] == "SCHEMA"][-1]["stream"] == "deleted_items"
    assert tables.deleted("tasks") == set()
    second = read_productive(_WITH_BIN, tombstones=True, concurrency=concurrency, state=first.state)
    tables.load(second.messages)
    assert restored in tables.live("tasks")


def test_the_recycle_bin_does_not_wait_for_the_longest_list_of_a_first_run(
    sandbox: RunningSandbox, read_productive: ReadProductive
) -> None:
    read_productive(_WITH_BIN, tombstones=True, concurrency=16, page_size=2)

    requested = _requested(sandbox)
    assert requested.index("deleted_items") < len(requested) // 4


def test_the_lists_that_are_often_the_longest_are_expected_to_be_until_a_read_says_more(
    read_productive: ReadProductive, productive_settings: dict[str, Any]
) -> None:
    names = ["boards", "comments", "line_items", "people", "services", "tags"]

    def expected(state: dict[str, Any] | None) -> dict[str, int]:
        tap = TapProductive(config=productive_settings, state=state)
        return {each.name: each.expected_rows for each in tap.lists if each.name in names}

    at_first = expected(None)
    assert {name for name, rows in at_first.items() if rows} == {"comments", "line_items", "services"}

    first = read_productive(" ".join(names))
    assert expected(first.state) == {name: len(set(first.ids(name))) for name in names}


@CONCURRENCY
@pytest.mark.parametrize("path", ["/invoices", "/tasks", "/deleted_items"])
def test_a_row_that_is_deleted_in_a_first_run_is_marked_by_the_next_one_at_the_latest(
    sandbox: RunningSandbox, read_productive: ReadProductive, concurrency: int, path: str
) -> None:
    """Whether its list was read before that, and whether the recycle bin was."""
    tables = LoadedTables()
    gone = sandbox.admin.records("tasks")[5]["id"]
    delete: dict[str, Any] = {"action": "delete", "resource": "tasks", "id": gone}
    sandbox.admin.script_changes(path, after_request=1, changes=[delete])

    first = read_productive(_WITH_BIN, tombstones=True, concurrency=concurrency, page_size=50)
    tables.load(first.messages)
    tables.load(read_productive(_WITH_BIN, tombstones=True, concurrency=concurrency, state=first.state).messages)

    assert gone not in {each["id"] for each in sandbox.admin.records("tasks")}
    assert gone not in tables.live("tasks")
