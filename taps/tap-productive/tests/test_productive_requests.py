"""Which pages are requested, with which parameters, and in which order."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conftest import queries_to
from singer_rest_core import RunIncomplete
from singer_rest_core.records import instant
from tap_productive.tap import TapProductive

if TYPE_CHECKING:
    import pytest

    from conftest import ReadProductive
    from sandbox.server import RunningSandbox


def bookmark(key: str, value: str) -> dict[str, str]:
    return {"replication_key": key, "replication_key_value": value}


def test_included_records_come_without_attributes(sandbox: RunningSandbox, read_productive: ReadProductive) -> None:
    read_productive("tasks")

    query = queries_to(sandbox, "/tasks")[0]
    assert query["include"].split(",")[:2] == ["assignee", "attachments"]
    assert query["fields[people]"] == "id"
    assert "fields[tasks]" not in query  # it would restrict the rows themselves


def test_a_complete_list_is_read_by_page_number_each_page_once(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    read_productive("line_items")

    pages = queries_to(sandbox, "/line_items")
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


def test_first_pages_are_requested_while_the_stream_before_is_read(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    sandbox.admin.add_fault("*/payments", query="page[number]=1", delay_ms=300)
    reading = read_productive("organizations payments prices subsidiaries tax_rates", concurrency=4)

    assert reading.error is None
    streams = {"organizations", "payments", "prices", "subsidiaries", "tax_rates"}
    names = (request["path"].rsplit("/", 1)[-1] for request in sandbox.admin.requests())
    paths = [name for name in names if name in streams]
    assert paths[0] == "organizations"
    assert set(paths[1:5]) == {"payments", "prices", "subsidiaries", "tax_rates"}
    assert paths[5:] == ["payments"]


def test_an_error_on_a_page_that_was_requested_ahead_counts_when_the_page_is_due(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    sandbox.admin.add_fault("*/tasks", query="page[number]=3", status=400)

    reading = read_productive("tasks", page_size=50, concurrency=16)

    assert isinstance(reading.error, RunIncomplete)
    assert len(reading.ids("tasks")) == 100
    assert reading.state["bookmarks"]["tasks"]["replication_key_value"] == reading.records["tasks"][-1]["updated_at"]


def test_a_page_that_failed_ahead_of_its_turn_is_requested_again_in_its_turn(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    # The first page of prices fails for good while the streams before it are read.
    sandbox.admin.add_fault("*/prices", times=6, status=500)
    sandbox.admin.add_fault("*/payments", query="page[number]=2", delay_ms=500)

    reading = read_productive("organizations payments prices", concurrency=4)

    assert reading.error is None
    assert len(reading.ids("prices")) == len(sandbox.admin.records("prices"))
