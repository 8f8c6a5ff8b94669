"""Which pages are requested, with which parameters, and in which order."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from conftest import queries_to
from singer_rest_core import RunIncomplete
from singer_rest_core.records import instant
from tap_productive.tap import TapProductive

if TYPE_CHECKING:
    from conftest import FakeClock, ReadProductive
    from sandbox.server import RunningSandbox


def bookmark(key: str, value: str) -> dict[str, str]:
    return {"replication_key": key, "replication_key_value": value}


def test_included_records_come_without_attributes(sandbox: RunningSandbox, read_productive: ReadProductive) -> None:
    read_productive("tasks")

    query = queries_to(sandbox, "/tasks")[0]
    assert query["include"].split(",")[:2] == ["assignee", "attachments"]
    assert query["fields[people]"] == "id"
    assert "fields[tasks]" not in query  # it would restrict the rows themselves


def test_a_complete_list_is_read_by_cursor_each_page_once_and_counted_twice(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    read_productive("line_items")

    requested = queries_to(sandbox, "/line_items")
    pages = [query for query in requested if "page[after]" in query]
    assert len({page["page[after]"] for page in pages}) == len(pages) == 4
    assert {page["page[size]"] for page in pages} == {"200"}
    counts = [query for query in requested if query not in pages]
    assert counts == [{"page[number]": "1", "page[size]": "1"}] * 2


@pytest.mark.parametrize(
    ("stream", "sort"),
    [("invoices", "created_at"), ("tasks", "created_at"), ("attachments", "id"), ("line_items", None)],
)
def test_a_complete_list_is_sorted_by_what_never_changes_where_that_is_documented(
    sandbox: RunningSandbox, read_productive: ReadProductive, stream: str, sort: str | None
) -> None:
    read_productive(stream, page_size=50)

    pages = [query for query in queries_to(sandbox, f"/{stream}") if "page[after]" in query]
    assert len(pages) > 1
    assert {page.get("sort") for page in pages} == {sort}


def test_a_sort_that_a_cursor_does_not_take_is_left_out_for_full_refresh_interval_days(
    sandbox: RunningSandbox, read_productive: ReadProductive, clock: FakeClock
) -> None:
    sandbox.admin.set_refusals(keyset_sorts={"expenses": ["created_at"]})
    first = read_productive("expenses", page_size=50)
    sandbox.admin.clear_requests()

    second = read_productive("expenses", page_size=50, state=first.state)

    assert {query.get("sort") for query in queries_to(sandbox, "/expenses")} == {None}
    assert len(second.ids("expenses")) == len(sandbox.admin.records("expenses"))
    clock.advance(timedelta(days=7).total_seconds())
    sandbox.admin.clear_requests()
    read_productive("expenses", page_size=50, state=second.state)
    assert queries_to(sandbox, "/expenses")[0]["sort"] == "created_at"


def test_changes_are_read_by_cursor_and_nothing_else_of_the_link_is_used(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    first = read_productive("tasks")
    sandbox.admin.clear_requests()

    read_productive(
        "tasks", state=first.state | {"bookmarks": {"tasks": bookmark("updated_at", "2026-01-01")}}, page_size=50
    )

    pages = queries_to(sandbox, "/tasks")
    assert pages[0]["page[after]"] == ""
    assert len({page["page[after]"] for page in pages}) == len(pages) > 1
    assert all("page[number]" not in page for page in pages)


def test_filters_carry_the_flag_that_keeps_their_times_exact(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    first = read_productive("tasks")
    sandbox.admin.clear_requests()
    read_productive("tasks", state=first.state)

    (request,) = sandbox.admin.requests()
    (query,) = queries_to(sandbox, "/tasks")
    assert request["feature_flags"] == "filteringSkipDatetimeCastToDate"
    bookmark = instant(first.state["bookmarks"]["tasks"]["replication_key_value"])
    assert query["filter[updated_at][gt_eq]"] == f"{bookmark:%Y-%m-%dT%H:%M:%SZ}"
    assert query["sort"] == "updated_at"


def test_pages_of_a_numbered_list_are_requested_side_by_side(
    sandbox: RunningSandbox, read_productive: ReadProductive, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.admin.set_refusals(keyset_sorts={"line_items": ["*"]})
    state = read_productive("line_items").state
    answered: list[str] = []
    monkeypatch.setattr(TapProductive, "on_response", lambda _, answer: answered.append(answer.url))
    sandbox.admin.add_fault("*/line_items", query="page[number]=2", delay_ms=4000)

    reading = read_productive("line_items", page_size=100, concurrency=8, state=state)

    assert reading.error is None
    assert sorted(reading.ids("line_items")) == sorted(row["id"] for row in sandbox.admin.records("line_items"))
    numbers = [re.findall(r"page%5Bnumber%5D=(\d+)", url)[0] for url in answered]
    # While the second page was waited for, all the others came.
    assert numbers[0] == "1"
    assert numbers[-1] == "2"
    assert sorted(numbers) == [str(number) for number in range(1, 9)]


def test_lists_are_read_completely_while_the_one_before_is_read(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    sandbox.admin.add_fault("*/payments", query="page[after]", delay_ms=1500)

    streams = "organizations payments prices subsidiaries tax_rates team_memberships"
    reading = read_productive(streams, concurrency=4, page_size=40)

    assert reading.error is None
    paths = [request["path"].rsplit("/", 1)[-1] for request in sandbox.admin.requests()]
    last_of_others = max(place for place, name in enumerate(paths) if name != "payments")
    # One request for payments was under way; all others of its seven pages and its counts came later.
    assert [name for name in paths[: last_of_others + 1] if name == "payments"] == ["payments"]
    assert paths[last_of_others + 1 :] == ["payments"] * 8
    assert paths.count("team_memberships") == 2 + 2
    assert [message["stream"] for message in reading.of("SCHEMA")] == streams.split()


def test_an_error_on_a_page_that_was_requested_ahead_counts_when_the_page_is_due(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    sandbox.admin.add_fault("*/tasks", query="page[after]", skip=2, status=400)

    reading = read_productive("payments tasks", page_size=50, concurrency=16)

    assert isinstance(reading.error, RunIncomplete)
    assert reading.activated == ["payments"]
    assert len(reading.ids("tasks")) == 100
    assert reading.state["bookmarks"]["tasks"]["unfinished_read"]["rows"] == 100


def test_a_page_that_failed_ahead_of_its_turn_is_requested_again_in_its_turn(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    # The first page of prices fails for good while the streams before it are read.
    sandbox.admin.add_fault("*/prices", times=6, status=500)
    sandbox.admin.add_fault("*/payments", query="page[after]", skip=1, delay_ms=500)

    reading = read_productive("organizations payments prices", concurrency=4)

    assert reading.error is None
    assert len(reading.ids("prices")) == len(sandbox.admin.records("prices"))
