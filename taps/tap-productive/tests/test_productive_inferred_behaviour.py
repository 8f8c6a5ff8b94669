"""What is only inferred of the API is checked by every run: sorts and filters that it ignores or refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conftest import queries_to, warnings_of
from singer_rest_core.records import instant
from tap_productive.streams import STREAMS

if TYPE_CHECKING:
    from conftest import ReadProductive
    from sandbox.server import RunningSandbox

KEYS = {
    str(vars(stream)["name"]): (str(stream.replication_key), stream.filter_times, stream.sort_times)
    for stream in STREAMS
    if "replication_key" in vars(stream)
}
ASCENDING = sorted(name for name, (key, filters, sorts) in KEYS.items() if key in filters and key in sorts)
NEWEST_FIRST = sorted(name for name, (key, filters, sorts) in KEYS.items() if key not in filters)
FILTERED = sorted(name for name, (key, filters, sorts) in KEYS.items() if key in filters and key not in sorts)
OLD = "2026-01-01T00:00:00Z"


def state_of(stream: str, bookmark: str = OLD) -> dict[str, object]:
    known = {"replication_key": KEYS[stream][0], "replication_key_value": bookmark}
    return {"bookmarks": {stream: known | {"full_refreshed_at": "2999-01-01T00:00:00Z"}}}


def all_ids(sandbox: RunningSandbox, stream: str) -> set[str]:
    return {row["id"] for row in sandbox.admin.records(stream)}


def test_every_incremental_stream_is_read_in_one_of_three_ways() -> None:
    assert sorted([*ASCENDING, *NEWEST_FIRST, *FILTERED]) == sorted(KEYS)
    assert ASCENDING
    assert NEWEST_FIRST
    assert FILTERED


@pytest.mark.parametrize("stream", NEWEST_FIRST)
def test_a_list_that_is_only_sorted_is_read_down_to_the_bookmark(
    sandbox: RunningSandbox, read_productive: ReadProductive, stream: str
) -> None:
    key = KEYS[stream][0]
    newest = sorted((row["attributes"][key] for row in sandbox.admin.records(stream)), key=instant)
    bookmark = newest[len(newest) // 2]

    reading = read_productive(stream, state=state_of(stream, bookmark), page_size=3, lookback_days=0)

    sent = queries_to(sandbox, f"/{stream}")
    assert {query["sort"] for query in sent} == {f"-{key}"}
    assert not [name for query in sent for name in query if name.startswith("filter")]
    due = {row["id"] for row in sandbox.admin.records(stream) if instant(row["attributes"][key]) >= instant(bookmark)}
    assert set(reading.ids(stream)) == due
    assert len(sent) == len(due) // 3 + 1


@pytest.mark.parametrize("stream", FILTERED)
def test_a_list_that_is_only_filtered_keeps_its_bookmark_to_the_end(
    sandbox: RunningSandbox, read_productive: ReadProductive, stream: str
) -> None:
    reading = read_productive(stream, state=state_of(stream), page_size=3)

    key = KEYS[stream][0]
    sent = queries_to(sandbox, f"/{stream}")
    assert len(sent) > 1
    assert not [query for query in sent if "sort" in query]
    assert {name for query in sent for name in query if name.startswith("filter")} >= {
        "filter[after]" if stream == "activities" else f"filter[{key}][gt_eq]"
    }
    bookmarks = [message["value"]["bookmarks"][stream]["replication_key_value"] for message in reading.of("STATE")]
    assert set(bookmarks[:-1]) == {OLD}
    assert instant(bookmarks[-1]) == max(instant(record[key]) for record in reading.records[stream])


@pytest.mark.parametrize("stream", [*ASCENDING, *FILTERED])
def test_rows_that_the_filter_should_leave_out_make_the_run_read_the_list_completely(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    caplog: pytest.LogCaptureFixture,
    stream: str,
) -> None:
    key = KEYS[stream][0]
    name = "after" if stream == "activities" else key
    sandbox.admin.set_refusals(ignored_filters={stream: [name]})
    newest = max(
        (row["attributes"][key] for row in sandbox.admin.records(stream)), key=lambda text: instant(text or OLD)
    )

    reading = read_productive(stream, state=state_of(stream, newest), page_size=10)

    assert reading.error is None
    assert set(reading.ids(stream)) >= {
        row["id"] for row in sandbox.admin.records(stream) if not row["attributes"].get("draft")
    }
    assert warnings_of(caplog) == [f"{stream}: rows are older by {key} than was asked for: it is read completely"]
    assert instant(reading.state["bookmarks"][stream]["replication_key_value"]) == instant(newest)


@pytest.mark.parametrize("stream", [*NEWEST_FIRST, "tasks", "invoices"])
def test_rows_in_another_order_than_requested_make_the_run_read_the_list_completely(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    caplog: pytest.LogCaptureFixture,
    stream: str,
) -> None:
    key = KEYS[stream][0]
    sandbox.admin.set_refusals(ignored_sorts={stream: [key]})

    reading = read_productive(stream, state=state_of(stream, "2025-12-01T00:00:00Z"), page_size=100)

    order = "descending" if stream in NEWEST_FIRST else "ascending"
    assert reading.error is None
    assert set(reading.ids(stream)) == all_ids(sandbox, stream)
    assert warnings_of(caplog) == [
        f"{stream}: rows do not come in {order} order of {key}, as was asked for: it is read completely"
    ]


def test_an_order_that_is_not_kept_to_on_a_first_run_only_holds_the_bookmark(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sandbox.admin.set_refusals(ignored_sorts={"tasks": ["updated_at"]})

    reading = read_productive("tasks", page_size=100)

    assert len(reading.ids("tasks")) == len(all_ids(sandbox, "tasks"))
    assert len(warnings_of(caplog)) == 1
    assert "the bookmark moves only at the end" in warnings_of(caplog)[0]


@pytest.mark.parametrize("stream", ["bookings", "proposals", "activities", "tasks"])
def test_a_filter_that_is_refused_makes_the_run_read_the_list_completely(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    caplog: pytest.LogCaptureFixture,
    stream: str,
) -> None:
    name = "after" if stream == "activities" else KEYS[stream][0]
    sandbox.admin.set_refusals(filters={stream: [name]})

    reading = read_productive(stream, state=state_of(stream))

    assert reading.error is None
    assert set(reading.ids(stream)) == all_ids(sandbox, stream)
    assert len(reading.ids(stream)) == len(all_ids(sandbox, stream))
    assert warnings_of(caplog) == [f"{stream}: the API refuses to filter by {name}: it is read completely"]


@pytest.mark.parametrize("stream", ["deleted_items", "tasks", "invoices"])
def test_a_list_that_was_not_filtered_is_read_newest_first_from_then_on(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    caplog: pytest.LogCaptureFixture,
    stream: str,
) -> None:
    key = KEYS[stream][0]
    sandbox.admin.set_refusals(filters={stream: [key]})
    second = read_productive(stream, state=read_productive(stream).state)
    caplog.clear()
    sandbox.admin.clear_requests()

    third = read_productive(stream, state=second.state)

    assert [query["sort"] for query in queries_to(sandbox, f"/{stream}")] == [f"-{key}"]
    assert 0 < len(third.ids(stream)) < len(second.ids(stream))
    assert warnings_of(caplog) == []
    assert (
        third.state["bookmarks"][stream]["replication_key_value"]
        == (second.state["bookmarks"][stream]["replication_key_value"])
    )


@pytest.mark.parametrize("bookmark", [OLD, None])
def test_a_descending_sort_that_is_refused_makes_the_run_read_the_list_completely(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    caplog: pytest.LogCaptureFixture,
    bookmark: str | None,
) -> None:
    sandbox.admin.set_refusals(sorts={"pages": ["updated_at"]})

    reading = read_productive("pages", state=state_of("pages", bookmark) if bookmark else None)

    assert reading.error is None
    assert set(reading.ids("pages")) == all_ids(sandbox, "pages")
    expected = ["pages: the API refuses to sort by updated_at: it is read completely"] if bookmark else []
    assert warnings_of(caplog) == expected


def test_drafts_of_bookings_and_expenses_are_read(sandbox: RunningSandbox, read_productive: ReadProductive) -> None:
    reading = read_productive("bookings expenses")

    assert set(reading.ids("bookings")) == all_ids(sandbox, "bookings")
    assert set(reading.ids("expenses")) == all_ids(sandbox, "expenses")
    assert {record["draft"] for record in reading.records["bookings"]} == {True, False}


@pytest.mark.parametrize("state", [None, state_of("bookings")])
def test_a_refusal_that_names_no_filter_means_the_one_for_drafts_where_there_is_no_other(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    caplog: pytest.LogCaptureFixture,
    state: dict[str, object] | None,
) -> None:
    body = '{"errors":[{"status":"400","title":"Unsupported Filter"}]}'
    sandbox.admin.add_fault("*/bookings", query="filter[with_draft]=true", status=400, body=body, times=100)

    reading = read_productive("bookings", state=state)

    drafts = {row["id"] for row in sandbox.admin.records("bookings") if row["attributes"]["draft"]}
    assert reading.error is None
    assert set(reading.ids("bookings")) == all_ids(sandbox, "bookings") - drafts
    assert warnings_of(caplog)[-1] == ("bookings: the API refuses the filter with_draft: rows that need it are missing")


def test_without_the_filter_for_drafts_the_rest_is_read(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sandbox.admin.set_refusals(filters={"bookings": ["with_draft"]})

    reading = read_productive("bookings")

    drafts = {row["id"] for row in sandbox.admin.records("bookings") if row["attributes"]["draft"]}
    assert reading.error is None
    assert set(reading.ids("bookings")) == all_ids(sandbox, "bookings") - drafts
    assert warnings_of(caplog) == ["bookings: the API refuses the filter with_draft: rows that need it are missing"]


@pytest.mark.parametrize("stream", ["boards", "agents", "placeholders", "project_assignments", "artifacts"])
def test_a_list_that_may_be_missing_is_skipped_with_its_reason(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    caplog: pytest.LogCaptureFixture,
    stream: str,
) -> None:
    sandbox.admin.set_refusals(routes=[stream])

    reading = read_productive(f"{stream} payments")

    assert reading.error is None
    assert reading.ids("payments")
    (warning,) = warnings_of(caplog)
    assert f"{stream}: skipped: GET /productive/api/v2/{stream} answered 404" in warning
    assert "; the list is " in warning


def test_a_second_run_with_nothing_new_makes_one_request_a_stream(
    sandbox: RunningSandbox, read_productive: ReadProductive
) -> None:
    first = read_productive()
    sandbox.admin.clear_requests()

    second = read_productive(state=first.state)

    assert second.error is None
    for stream in KEYS:
        assert len(queries_to(sandbox, f"/{stream}")) == 1, stream
    pages = {name: -(-len(records) // 200) for name, records in first.records.items() if name != "custom_field_values"}
    expected = sum(1 if name in KEYS else count for name, count in pages.items())
    assert len(sandbox.admin.requests()) == expected
