"""Long lists that are read in windows of `created_at`: what the windows leave out is noticed and read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from conftest import CONCURRENCY, queries_to, warnings_of
from singer_rest_core.records import instant
from tests.loaded_tables import LoadedTables

if TYPE_CHECKING:
    from conftest import ReadProductive
    from sandbox.server import RunningSandbox

_LOWER, _UPPER = "filter[created_at][gt_eq]", "filter[created_at][lt]"
_PAGES = 75
"""Pages of expenses, two rows each."""


def _ids(sandbox: RunningSandbox) -> list[str]:
    return sorted(record["id"] for record in sandbox.admin.records("expenses"))


def _cursor_requests(sandbox: RunningSandbox) -> list[dict[str, str]]:
    return [query for query in queries_to(sandbox, "/expenses") if "page[after]" in query]


def _counts(sandbox: RunningSandbox) -> int:
    return sum(query["page[size]"] == "1" for query in queries_to(sandbox, "/expenses"))


@CONCURRENCY
def test_a_long_list_is_read_in_windows_that_cost_little(
    sandbox: RunningSandbox, read_productive: ReadProductive, concurrency: int
) -> None:
    reading = read_productive("expenses", concurrency=concurrency, page_size=2)

    windows = {(query.get(_LOWER, ""), query.get(_UPPER, "")) for query in _cursor_requests(sandbox)}
    assert len(windows) > 2
    assert {query["sort"] for query in _cursor_requests(sandbox)} == {"created_at"}
    assert _counts(sandbox) == 2
    assert len(_cursor_requests(sandbox)) <= _PAGES * 1.05 + 2
    assert sorted(reading.ids("expenses")) == _ids(sandbox)
    assert reading.activated == ["expenses"]


@CONCURRENCY
def test_the_bookmark_of_a_list_read_in_windows_waits_for_the_end(
    sandbox: RunningSandbox, read_productive: ReadProductive, concurrency: int
) -> None:
    reading = read_productive("tasks", concurrency=concurrency, page_size=5)

    states = [message["value"]["bookmarks"]["tasks"] for message in reading.of("STATE")]
    assert not any("replication_key_value" in state for state in states[:-1])
    assert instant(states[-1]["replication_key_value"]) == max(
        instant(record["attributes"]["updated_at"]) for record in sandbox.admin.records("tasks")
    )


@CONCURRENCY
def test_rows_without_created_at_are_read(
    sandbox: RunningSandbox, read_productive: ReadProductive, concurrency: int
) -> None:
    """They are in no window: the count shows that they are missing."""
    for each in ("10", "11", "75"):
        sandbox.admin.update("expenses", each, {"created_at": None})

    reading = read_productive("expenses", concurrency=concurrency, page_size=2)

    assert sorted(reading.ids("expenses")) == _ids(sandbox)
    assert reading.activated == ["expenses"]
    assert len(_cursor_requests(sandbox)) <= _PAGES * 2.05 + 2


@CONCURRENCY
def test_rows_of_the_future_are_read(
    sandbox: RunningSandbox, read_productive: ReadProductive, concurrency: int
) -> None:
    sandbox.admin.update("expenses", "10", {"created_at": "2099-01-01T00:00:00.000+01:00"})

    reading = read_productive("expenses", concurrency=concurrency, page_size=2)

    assert sorted(reading.ids("expenses")) == _ids(sandbox)
    assert len(_cursor_requests(sandbox)) <= _PAGES * 1.05 + 2


@CONCURRENCY
def test_a_filter_that_drops_rows_is_made_up_for_by_one_cursor(
    sandbox: RunningSandbox, read_productive: ReadProductive, concurrency: int
) -> None:
    """A window is answered with no rows, though it has some."""
    body = json.dumps({"data": [], "links": {}, "meta": {"page_size": 2, "max_page_size": 200}})
    sandbox.admin.add_fault("*/expenses", query=_UPPER, status=200, body=body, skip=1)

    reading = read_productive("expenses", concurrency=concurrency, page_size=2)

    assert sorted(reading.ids("expenses")) == _ids(sandbox)
    assert reading.activated == ["expenses"]


@CONCURRENCY
def test_a_filter_without_effect_is_noticed_at_the_first_pages(
    sandbox: RunningSandbox, read_productive: ReadProductive, caplog: pytest.LogCaptureFixture, concurrency: int
) -> None:
    sandbox.admin.set_refusals(ignored_filters={"expenses": ["created_at"]})

    reading = read_productive("expenses", concurrency=concurrency, page_size=2)

    assert sorted(reading.ids("expenses")) == _ids(sandbox)
    assert reading.activated == ["expenses"]
    assert warnings_of(caplog) == [
        "expenses: the API does not keep to the filter created_at: the list is read without windows"
    ]
    assert len(_cursor_requests(sandbox)) <= _PAGES + 2


@CONCURRENCY
def test_a_filter_that_is_refused_leaves_the_list_to_one_cursor(
    sandbox: RunningSandbox, read_productive: ReadProductive, concurrency: int
) -> None:
    sandbox.admin.set_refusals(filters={"expenses": ["created_at"]})

    reading = read_productive("expenses", concurrency=concurrency, page_size=2)

    assert reading.error is None
    assert sorted(reading.ids("expenses")) == _ids(sandbox)
    assert reading.activated == ["expenses"]


@CONCURRENCY
@pytest.mark.parametrize("after_request", [1, 3, 30, 70])
def test_rows_that_go_and_come_lose_no_other_row(
    sandbox: RunningSandbox, read_productive: ReadProductive, concurrency: int, after_request: int
) -> None:
    before = _ids(sandbox)
    records = sandbox.admin.records("expenses")
    changes: list[Any] = [{"action": "delete", "resource": "expenses", "id": each["id"]} for each in records[:15]]
    changes += [{"action": "create", "resource": "expenses"} for _ in range(15)]
    sandbox.admin.script_changes("/expenses", after_request=after_request, changes=changes)
    tables = LoadedTables()

    first = read_productive("expenses", concurrency=concurrency, page_size=2)
    tables.load(first.messages)

    assert set(before) & set(_ids(sandbox)) <= tables.live("expenses").keys()
    tables.load(read_productive("expenses", concurrency=concurrency, page_size=2, state=first.state).messages)
    assert sorted(tables.live("expenses")) == _ids(sandbox)


@CONCURRENCY
def test_windows_of_a_filter_that_is_cut_to_the_date_lose_no_row(
    sandbox: RunningSandbox, read_productive: ReadProductive, monkeypatch: pytest.MonkeyPatch, concurrency: int
) -> None:
    """Without the feature flag the sandbox cuts what it filters by to the date of its own time zone."""
    monkeypatch.setattr("tap_productive.client.EXACT_FILTER_TIMES", "-")

    reading = read_productive("expenses", concurrency=concurrency, page_size=2)

    assert sorted(reading.ids("expenses")) == _ids(sandbox)
    assert len(_cursor_requests(sandbox)) <= _PAGES * 1.05 + 2
