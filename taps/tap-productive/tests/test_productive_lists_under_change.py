"""Lists whose rows come and go while they are read: none is lost, and no live row is marked as deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from conftest import CONCURRENCY, queries_to
from tests.loaded_tables import LoadedTables

if TYPE_CHECKING:
    from conftest import Reading, ReadProductive
    from sandbox.server import RunningSandbox

_LISTS = "companies expenses line_items payments tasks time_entries"
_FULL_TABLE = ("expenses", "line_items", "payments")


def _ids(sandbox: RunningSandbox, resource: str) -> set[str]:
    return {record["id"] for record in sandbox.admin.records(resource)}


def _replacement(sandbox: RunningSandbox, resource: str, count: int) -> list[Any]:
    """Return changes that delete the rows that are read first, and create as many: as editing an invoice's lines does.

    Each deletion is followed by a creation.
    """
    records = sandbox.admin.records(resource)
    new = {"action": "create", "resource": resource, "relationships": records[-1]["relationships"]}
    return [
        change
        for each in records[:count]
        for change in ({"action": "delete", "resource": resource, "id": each["id"]}, new)
    ]


def _change(
    sandbox: RunningSandbox, path: str, changes: list[Any], *, after_request: int, at_once: bool = True
) -> None:
    """Let changes happen after a request to a path: in one transaction, or two after each request from then on."""
    if at_once:
        sandbox.admin.script_changes(path, after_request=after_request, changes=changes)
        return
    for number, start in enumerate(range(0, len(changes), 2)):
        sandbox.admin.script_changes(path, after_request=after_request + number, changes=changes[start : start + 2])


@CONCURRENCY
@pytest.mark.parametrize("after_request", [1, 2, 3])
def test_rows_deleted_and_created_at_once_lose_no_other_row(
    sandbox: RunningSandbox, read_productive: ReadProductive, concurrency: int, after_request: int
) -> None:
    before = _ids(sandbox, "line_items")
    _change(sandbox, "/line_items", _replacement(sandbox, "line_items", 15), after_request=after_request)
    tables = LoadedTables()

    first = read_productive("line_items", concurrency=concurrency)
    tables.load(first.messages)
    second = read_productive("line_items", concurrency=concurrency, state=first.state)

    throughout = before & _ids(sandbox, "line_items")
    assert throughout <= tables.live("line_items").keys()
    tables.load(second.messages)
    assert tables.live("line_items").keys() == _ids(sandbox, "line_items")


@CONCURRENCY
@pytest.mark.parametrize("at_once", [True, False], ids=["in one transaction", "one by one"])
@pytest.mark.parametrize("path", ["/companies", "/line_items", "/time_entries"])
def test_lists_that_were_read_are_being_read_or_come_later_lose_no_row(
    sandbox: RunningSandbox, read_productive: ReadProductive, concurrency: int, path: str, *, at_once: bool
) -> None:
    """Requests to the first list, one in the middle and the last one each set off changes in all lists."""
    before = {name: _ids(sandbox, name) for name in _LISTS.split()}
    for resource in (*_FULL_TABLE, "tasks", "time_entries"):
        changes = _replacement(sandbox, resource, 12 if at_once else 3)
        _change(sandbox, path, changes, after_request=2, at_once=at_once)
    tables = LoadedTables()

    first = read_productive(_LISTS, concurrency=concurrency, page_size=20)
    tables.load(first.messages)

    assert first.error is None
    for name, ids in before.items():
        assert ids & _ids(sandbox, name) <= tables.live(name).keys(), name
    second = read_productive(_LISTS, concurrency=concurrency, page_size=20, state=first.state)
    tables.load(second.messages)
    for name in before:
        assert _ids(sandbox, name) <= tables.live(name).keys(), name
    for name in _FULL_TABLE:
        assert tables.live(name).keys() == _ids(sandbox, name), name


@CONCURRENCY
def test_a_list_that_changes_before_its_turn_is_read_from_one_moment_on(
    sandbox: RunningSandbox, read_productive: ReadProductive, concurrency: int
) -> None:
    """Its first page may not be older than the others: a row that moves between them would be lost."""
    _change(sandbox, "/line_items", _replacement(sandbox, "payments", 10), after_request=3)
    before = _ids(sandbox, "payments")
    tables = LoadedTables()

    first = read_productive("line_items payments", concurrency=concurrency, page_size=50)
    tables.load(first.messages)

    after = _ids(sandbox, "payments")
    assert before & after <= tables.live("payments").keys()
    tables.load(read_productive("line_items payments", concurrency=concurrency, state=first.state).messages)
    assert tables.live("payments").keys() == after


@CONCURRENCY
def test_a_row_that_changes_after_its_page_is_written_as_it_is_now_by_the_next_run(
    sandbox: RunningSandbox, read_productive: ReadProductive, concurrency: int
) -> None:
    changed = sandbox.admin.records("tasks")[3]["id"]
    update = {"action": "update", "resource": "tasks", "id": changed, "attributes": {"title": "later"}}
    _change(sandbox, "/time_entries", [update], after_request=1)
    tables = LoadedTables()

    first = read_productive("tasks time_entries", concurrency=concurrency, page_size=50)
    tables.load(first.messages)
    tables.load(read_productive("tasks time_entries", concurrency=concurrency, state=first.state).messages)

    assert tables.live("tasks")[changed]["title"] == "later"


@CONCURRENCY
def test_a_deleted_row_is_marked_by_the_next_run(
    sandbox: RunningSandbox, read_productive: ReadProductive, concurrency: int
) -> None:
    tables = LoadedTables()
    first = read_productive("line_items", concurrency=concurrency)
    tables.load(first.messages)
    gone = sandbox.admin.records("line_items")[7]["id"]
    sandbox.admin.delete("line_items", gone)

    tables.load(read_productive("line_items", concurrency=concurrency, state=first.state).messages)

    assert tables.deleted("line_items") == {gone}


@CONCURRENCY
def test_output_is_the_same_for_every_concurrency(read_productive: ReadProductive, concurrency: int) -> None:
    streams = "invoices line_items tasks time_entries payments companies"
    one = read_productive(streams, concurrency=1, page_size=20)
    many = read_productive(streams, concurrency=concurrency, page_size=20)

    assert one.records == many.records
    assert [message["stream"] for message in one.of("SCHEMA")] == [message["stream"] for message in many.of("SCHEMA")]


def test_a_list_of_one_page_is_not_counted(sandbox: RunningSandbox, read_productive: ReadProductive) -> None:
    reading = read_productive("tax_rates")

    assert len(queries_to(sandbox, "/tax_rates")) == 1
    assert reading.activated == ["tax_rates"]


class TestACursorOverAChangingColumn:
    """People are listed by name, which nobody asked for and which no sort can change."""

    @staticmethod
    def rename_last(sandbox: RunningSandbox, *, after_request: int, place: int = -1) -> None:
        """Move somebody from the end of the list to its beginning, which was read already."""
        people = sandbox.admin.records("people")
        by_name = sorted(people, key=lambda row: row["attributes"]["first_name"].casefold())
        attributes = {"first_name": "Aaa"}
        change = {"action": "update", "resource": "people", "id": by_name[place]["id"], "attributes": attributes}
        _change(sandbox, "/people", [change], after_request=after_request)

    @CONCURRENCY
    def test_a_row_that_moves_behind_the_cursor_is_read_by_a_second_pass(
        self, sandbox: RunningSandbox, read_productive: ReadProductive, concurrency: int
    ) -> None:
        self.rename_last(sandbox, after_request=3)

        reading = read_productive("people", concurrency=concurrency, page_size=50)

        assert set(reading.ids("people")) == _ids(sandbox, "people")
        assert len(reading.ids("people")) == len(_ids(sandbox, "people"))
        assert reading.activated == ["people"]
        assert len(queries_to(sandbox, "/people")) == 6 + 2 + 6 + 1

    @CONCURRENCY
    def test_rows_that_move_in_every_pass_are_marked_only_if_two_runs_miss_them(
        self, sandbox: RunningSandbox, read_productive: ReadProductive, concurrency: int
    ) -> None:
        tables = LoadedTables()
        first = read_productive("people", concurrency=concurrency, page_size=50)
        tables.load(first.messages)
        self.rename_last(sandbox, after_request=3)
        self.rename_last(sandbox, after_request=11, place=-2)
        gone = sandbox.admin.records("people")[5]["id"]
        sandbox.admin.delete("people", gone)

        second = read_productive("people", concurrency=concurrency, page_size=50, state=first.state)
        tables.load(second.messages)

        assert tables.deleted("people") == set()
        third = read_productive("people", concurrency=concurrency, page_size=50, state=second.state)
        tables.load(third.messages)
        assert tables.deleted("people") == {gone}
        assert tables.live("people").keys() == _ids(sandbox, "people")


def _live_after(tables: LoadedTables, reading: Reading, stream: str) -> set[str]:
    tables.load(reading.messages)
    return set(tables.live(stream))


@CONCURRENCY
def test_a_list_without_a_cursor_marks_only_rows_that_two_complete_reads_missed(
    sandbox: RunningSandbox, read_productive: ReadProductive, concurrency: int
) -> None:
    sandbox.admin.set_refusals(keyset_sorts={"line_items": ["*"]})
    tables = LoadedTables()
    first = read_productive("line_items", concurrency=concurrency)
    before = _live_after(tables, first, "line_items")
    gone = sandbox.admin.records("line_items")[7]["id"]
    sandbox.admin.delete("line_items", gone)

    second = read_productive("line_items", concurrency=concurrency, state=first.state)

    assert _live_after(tables, second, "line_items") == before
    third = read_productive("line_items", concurrency=concurrency, state=second.state)
    assert _live_after(tables, third, "line_items") == before - {gone}


@CONCURRENCY
@pytest.mark.parametrize("after_request", [2, 3])
def test_a_list_without_a_cursor_does_not_lose_a_row_that_slips_between_two_pages(
    sandbox: RunningSandbox, read_productive: ReadProductive, concurrency: int, after_request: int
) -> None:
    """Fifteen rows that go and as many that come at once shift the pages unnoticed: what was loaded stays live."""
    sandbox.admin.set_refusals(keyset_sorts={"line_items": ["*"]})
    tables = LoadedTables()
    state: dict[str, Any] = {}
    for _ in range(3):
        before = _ids(sandbox, "line_items")
        _change(sandbox, "/line_items", _replacement(sandbox, "line_items", 15), after_request=after_request)
        reading = read_productive("line_items", concurrency=concurrency, state=state)
        state = reading.state
        live = _live_after(tables, reading, "line_items")
    assert before & _ids(sandbox, "line_items") <= live

    last = read_productive("line_items", concurrency=concurrency, state=state)
    tables.load(last.messages)
    last = read_productive("line_items", concurrency=concurrency, state=last.state)
    assert _live_after(tables, last, "line_items") == _ids(sandbox, "line_items")
