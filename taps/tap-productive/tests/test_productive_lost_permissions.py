"""Lists that suddenly lack their rows: a token that loses rights is answered with 200 and without them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from conftest import CONCURRENCY, warnings_of
from singer_rest_core import RunIncomplete
from tests.loaded_tables import LoadedTables

if TYPE_CHECKING:
    import pytest

    from conftest import FakeClock, Reading, ReadProductive
    from sandbox.server import RunningSandbox

_HOUR = 3600


def _ids(sandbox: RunningSandbox, stream: str = "line_items") -> set[str]:
    return {record["id"] for record in sandbox.admin.records(stream)}


def _answer_with(sandbox: RunningSandbox, rows: int, stream: str = "line_items") -> None:
    """Answer every request for a list with its first rows only."""
    data = [
        {"id": record["id"], "type": stream, "attributes": record["attributes"], "relationships": {}}
        for record in sandbox.admin.records(stream)[:rows]
    ]
    body = json.dumps({"data": data, "links": {}, "meta": {"page_size": 200, "max_page_size": 200}})
    sandbox.admin.add_fault(f"*/{stream}", times=1000, status=200, body=body)


def _about(reading: Reading, caplog: pytest.LogCaptureFixture) -> str:
    """Return the one line about the list, which the run ends with or warns of."""
    return str(reading.error) if reading.error is not None else warnings_of(caplog)[-1]


@CONCURRENCY
def test_a_list_without_any_row_fails_the_run_and_marks_none_until_a_later_run_agrees(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
    concurrency: int,
) -> None:
    tables = LoadedTables()
    first = read_productive("line_items payments", concurrency=concurrency)
    tables.load(first.messages)
    _answer_with(sandbox, 0)
    caplog.clear()

    second = read_productive("line_items payments", concurrency=concurrency, state=first.state)
    tables.load(second.messages)

    assert isinstance(second.error, RunIncomplete)
    assert second.activated == ["payments"]
    assert [line for line in warnings_of(caplog) if "the list has 0 rows; the last complete read found 766" in line]
    assert tables.live("line_items").keys() == _ids(sandbox)

    clock.advance(19 * _HOUR)
    third = read_productive("line_items payments", concurrency=concurrency, state=second.state)
    tables.load(third.messages)
    assert third.error is not None
    assert tables.live("line_items").keys() == _ids(sandbox)

    clock.advance(2 * _HOUR)
    fourth = read_productive("line_items payments", concurrency=concurrency, state=third.state)
    tables.load(fourth.messages)
    assert fourth.error is not None
    assert tables.live("line_items") == {}

    fifth = read_productive("line_items payments", concurrency=concurrency, state=fourth.state)
    assert fifth.error is None


@CONCURRENCY
def test_rows_that_come_back_are_live_as_before(
    sandbox: RunningSandbox, read_productive: ReadProductive, clock: FakeClock, concurrency: int
) -> None:
    tables = LoadedTables()
    first = read_productive("line_items", concurrency=concurrency)
    tables.load(first.messages)
    _answer_with(sandbox, 0)
    second = read_productive("line_items", concurrency=concurrency, state=first.state)
    tables.load(second.messages)
    sandbox.admin.clear_faults()
    clock.advance(30 * _HOUR)

    third = read_productive("line_items", concurrency=concurrency, state=second.state)
    tables.load(third.messages)

    assert third.error is None
    assert tables.live("line_items").keys() == _ids(sandbox)
    assert "shrunken_read" not in third.state["bookmarks"]["line_items"]


@CONCURRENCY
def test_a_list_with_less_than_half_of_its_rows_marks_none_until_a_later_run_agrees(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
    concurrency: int,
) -> None:
    tables = LoadedTables()
    first = read_productive("line_items", concurrency=concurrency)
    tables.load(first.messages)
    _answer_with(sandbox, 100)
    caplog.clear()

    second = read_productive("line_items", concurrency=concurrency, state=first.state)
    tables.load(second.messages)

    assert second.error is None
    assert "the list has 100 rows; the last complete read found 766" in _about(second, caplog)
    assert tables.live("line_items").keys() == _ids(sandbox)

    clock.advance(21 * _HOUR)
    third = read_productive("line_items", concurrency=concurrency, state=second.state)
    tables.load(third.messages)
    assert third.error is None
    assert len(tables.live("line_items")) == 100


def test_a_short_list_may_become_empty(sandbox: RunningSandbox, read_productive: ReadProductive) -> None:
    first = read_productive("tax_rates")
    for each in _ids(sandbox, "tax_rates"):
        sandbox.admin.delete("tax_rates", each)

    second = read_productive("tax_rates", state=first.state)

    assert second.error is None
    assert second.activated == ["tax_rates"]


@CONCURRENCY
def test_changes_that_a_token_does_not_see_any_more_do_not_move_its_bookmark(
    sandbox: RunningSandbox, read_productive: ReadProductive, concurrency: int
) -> None:
    """No row comes: what changed meanwhile is read when the rights are back."""
    first = read_productive("tasks", concurrency=concurrency)
    changed = first.ids("tasks")[0]
    sandbox.admin.update("tasks", changed, {"title": "later"})
    _answer_with(sandbox, 0, "tasks")
    second = read_productive("tasks", concurrency=concurrency, state=first.state)
    sandbox.admin.clear_faults()

    third = read_productive("tasks", concurrency=concurrency, state=second.state)

    assert changed in third.ids("tasks")
