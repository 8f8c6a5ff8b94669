"""Lists whose rows come and go while they are read: none is lost, and no live row is marked as deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.loaded_tables import LoadedTables

if TYPE_CHECKING:
    from conftest import ReadProductive
    from sandbox.server import RunningSandbox

CONCURRENCY = pytest.mark.parametrize("concurrency", [1, 2, 8, 16])


def _ids(sandbox: RunningSandbox, resource: str) -> set[str]:
    return {record["id"] for record in sandbox.admin.records(resource)}


def _replace(sandbox: RunningSandbox, resource: str, path: str, *, after_request: int, count: int) -> None:
    """Delete rows that were read first and create as many, in one transaction: what editing an invoice's lines does."""
    records = sandbox.admin.records(resource)
    changes: list[Any] = [{"action": "delete", "resource": resource, "id": each["id"]} for each in records[:count]]
    changes += [
        {"action": "create", "resource": resource, "relationships": records[-1]["relationships"]} for _ in range(count)
    ]
    sandbox.admin.script_changes(path, after_request=after_request, changes=changes)


@CONCURRENCY
@pytest.mark.parametrize("after_request", [1, 2, 3])
def test_rows_deleted_and_created_at_once_lose_no_other_row(
    sandbox: RunningSandbox, read_productive: ReadProductive, concurrency: int, after_request: int
) -> None:
    before = _ids(sandbox, "line_items")
    _replace(sandbox, "line_items", "/line_items", after_request=after_request, count=15)
    tables = LoadedTables()

    first = read_productive("line_items", concurrency=concurrency)
    tables.load(first.messages)
    second = read_productive("line_items", concurrency=concurrency, state=first.state)

    throughout = before & _ids(sandbox, "line_items")
    assert throughout <= tables.live("line_items").keys()
    tables.load(second.messages)
    assert tables.live("line_items").keys() == _ids(sandbox, "line_items")


@CONCURRENCY
def test_a_list_that_changes_before_its_turn_is_read_from_one_moment_on(
    sandbox: RunningSandbox, read_productive: ReadProductive, concurrency: int
) -> None:
    """Its first page may not be older than the others: a row that moves between them would be lost."""
    _replace(sandbox, "payments", "/line_items", after_request=3, count=10)
    before = _ids(sandbox, "payments")
    tables = LoadedTables()

    first = read_productive("line_items payments", concurrency=concurrency, page_size=50)
    tables.load(first.messages)

    after = _ids(sandbox, "payments")
    assert before & after <= tables.live("payments").keys()
    tables.load(read_productive("line_items payments", concurrency=concurrency, state=first.state).messages)
    assert tables.live("payments").keys() == after


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


def _requests(sandbox: RunningSandbox, path: str) -> list[dict[str, str]]:
    return [dict(request["query"]) for request in sandbox.admin.requests() if request["path"].endswith(path)]


@CONCURRENCY
def test_a_long_list_is_read_in_windows_that_cost_little(
    sandbox: RunningSandbox, read_productive: ReadProductive, concurrency: int
) -> None:
    sandbox.admin.clear_requests()
    reading = read_productive("tasks", concurrency=concurrency, page_size=2)

    asked = _requests(sandbox, "/tasks")
    windows = {query.get("filter[created_at][gt_eq]", "") for query in asked if "page[after]" in query}
    pages = -(-len(sandbox.admin.records("tasks")) // 2)
    assert len(windows) > 2
    assert sum(query["page[size]"] == "1" for query in asked) == 2
    assert len(asked) - 2 <= pages * 1.05 + 2
    assert sorted(reading.ids("tasks")) == sorted(_ids(sandbox, "tasks"))
    assert (
        len(reading.of("ACTIVATE_VERSION")) == len(reading.ids("tasks")) * 0
    )  # incremental: its bookmark moves instead


def test_a_list_of_one_page_is_not_counted(sandbox: RunningSandbox, read_productive: ReadProductive) -> None:
    sandbox.admin.clear_requests()
    reading = read_productive("tax_rates")

    assert len(_requests(sandbox, "/tax_rates")) == 1
    assert reading.activated == ["tax_rates"]
