"""Values of custom fields by name, derived from the records that were read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from conftest import CONCURRENCY, warnings_of
from singer_rest_core.records import encode

if TYPE_CHECKING:
    import pytest

    from conftest import ReadProductive
    from sandbox.server import RunningSandbox

VALUES = "custom_field_values"
TYPES = {1: "text", 2: "number", 3: "select", 4: "date", 5: "multi-select", 6: "person", 7: "attachment"}


def expected(sandbox: RunningSandbox, streams: set[str]) -> dict[tuple[str, str, str], Any]:
    return {
        (stream, row["id"], field): value
        for stream in streams
        for row in sandbox.admin.records(stream)
        for field, value in (row["attributes"].get("custom_fields") or {}).items()
    }


def test_every_value_is_a_row_with_names(sandbox: RunningSandbox, read_productive: ReadProductive) -> None:
    reading = read_productive()

    with_values = {"deals", "invoices", "tasks", "projects", "people", "companies", "bookings"}
    wanted = expected(sandbox, with_values | {"expenses", "services", "prices", "pages", "proposals"})
    rows = {(row["resource_type"], row["resource_id"], row["custom_field_id"]): row for row in reading.records[VALUES]}
    assert rows.keys() == wanted.keys()
    assert len(rows) == len(reading.records[VALUES])
    fields = {row["id"]: row["attributes"] for row in sandbox.admin.records("custom_fields")}
    options = {row["id"]: row["attributes"]["name"] for row in sandbox.admin.records("custom_field_options")}
    for key, row in rows.items():
        field = fields[key[2]]
        assert row["field_name"] == field["name"]
        assert row["data_type"] == TYPES[field["data_type_id"]]
        value = wanted[key]
        if row["data_type"] == "select":
            assert row["option_name"] == options[value]
            assert row["option_names"] == [options[value]]
        elif row["data_type"] == "multi-select":
            assert row["option_names"] == [options[each] for each in value]
            assert json.loads(row["value"]) == value
        else:
            assert row["option_name"] is row["option_names"] is None
            assert row["value"] == (value if isinstance(value, str) else encode(value).decode())
    assert {row["data_type"] for row in rows.values()} >= {"text", "number", "select", "date", "multi-select"}


def test_no_request_is_sent_for_definitions_that_were_read(
    sandbox: RunningSandbox, read_productive: ReadProductive
) -> None:
    read_productive(f"tasks custom_fields custom_field_options {VALUES}")

    assert len([request for request in sandbox.admin.requests() if "/custom_field" in request["path"]]) == 2


def test_definitions_that_were_not_read_are_requested_once_and_not_written(
    sandbox: RunningSandbox, read_productive: ReadProductive
) -> None:
    reading = read_productive(f"tasks {VALUES}")

    assert reading.error is None
    requested = [request["path"].rsplit("/", 1)[-1] for request in sandbox.admin.requests()]
    assert sorted(name for name in requested if name.startswith("custom")) == ["custom_field_options", "custom_fields"]
    assert {row["field_name"] for row in reading.records[VALUES]} - {None}
    assert {message["stream"] for message in reading.of("RECORD")} == {"tasks", VALUES}
    assert {message["stream"] for message in reading.of("SCHEMA")} == {"tasks", VALUES}


def test_names_stay_empty_where_definitions_may_not_be_read(
    sandbox: RunningSandbox, read_productive: ReadProductive, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.admin.add_fault("*/custom_fields", status=403, times=10)

    reading = read_productive(f"tasks {VALUES}")

    assert reading.error is None
    assert {row["field_name"] for row in reading.records[VALUES]} == {None}
    (warning,) = warnings_of(caplog)
    assert warning.startswith(f"{VALUES}: names stay empty: GET /productive/api/v2/custom_fields answered 403")


def test_values_are_taken_as_deleted_only_if_all_lists_were_read_completely(
    sandbox: RunningSandbox, read_productive: ReadProductive
) -> None:
    first = read_productive()
    assert VALUES in first.activated
    changed = next(row for row in sandbox.admin.records("tasks") if row["attributes"]["custom_fields"])
    sandbox.admin.advance_clock(86_400)
    sandbox.admin.update("tasks", changed["id"], {"custom_fields": {"1": "other"}})

    second = read_productive(state=first.state)

    assert VALUES not in second.activated
    rows = [
        row for row in second.records[VALUES] if (row["resource_type"], row["resource_id"]) == ("tasks", changed["id"])
    ]
    assert [(row["custom_field_id"], row["value"]) for row in rows] == [("1", "other")]
    assert len(second.records[VALUES]) < len(first.records[VALUES])


def test_no_value_is_taken_as_deleted_if_a_start_date_leaves_records_out(
    sandbox: RunningSandbox, read_productive: ReadProductive
) -> None:
    reading = read_productive(start_date="2026-01-01")

    assert reading.records[VALUES]
    assert VALUES not in reading.activated
    assert sandbox.admin.requests()


def test_rows_of_reports_give_no_values(sandbox: RunningSandbox, read_productive: ReadProductive) -> None:
    sandbox.admin.set_extra_attributes({"page_reports": {"custom_fields": {"1": "x"}}})

    reading = read_productive(f"page_reports_by_page {VALUES}", reports=[{"name": "page_reports", "group": ["page"]}])

    assert reading.records["page_reports_by_page"]
    assert reading.records[VALUES] == []


def test_no_values_come_from_a_stream_that_is_not_selected(
    sandbox: RunningSandbox, read_productive: ReadProductive
) -> None:
    reading = read_productive("tasks")

    assert reading.records[VALUES] == []
    assert [request["path"].rsplit("/", 1)[-1] for request in sandbox.admin.requests()] == ["tasks"] * 5


def test_values_of_a_list_that_took_two_nights_are_not_taken_for_all_of_them(
    sandbox: RunningSandbox, read_productive: ReadProductive, caplog: pytest.LogCaptureFixture
) -> None:
    """The second night sees only the records that the first one did not come to."""
    selected = f"expenses {VALUES}"
    first = read_productive(selected, page_size=10, concurrency=1)
    sandbox.admin.add_fault("*/expenses", query="page[after]", skip=14, times=100, status=400)
    second = read_productive(selected, page_size=10, concurrency=1, state=first.state)
    assert second.error is not None
    sandbox.admin.clear_faults()
    caplog.clear()

    third = read_productive(selected, page_size=10, concurrency=1, state=second.state)

    assert third.error is None
    assert 0 < len(third.ids("expenses")) < len(first.ids("expenses"))
    assert VALUES not in third.activated
    assert warnings_of(caplog) == []


@CONCURRENCY
def test_values_that_a_run_had_seen_when_it_was_cut_short_come_with_the_next_one(
    sandbox: RunningSandbox, read_productive: ReadProductive, concurrency: int
) -> None:
    lists = {"companies", "deals", "expenses", "tasks"}
    selected = f"{' '.join(lists)} {VALUES}"
    # All lists but the last one are read to their end; the wait ends the run.
    sandbox.admin.add_fault("*/tasks", query="page[after]", status=429, headers={"Retry-After": "9000"}, times=99)
    first = read_productive(selected, concurrency=concurrency)
    assert first.error is not None
    assert first.records[VALUES] == []
    sandbox.admin.clear_faults()
    sandbox.admin.advance_clock(86_400)
    changed = next(row for row in sandbox.admin.records("companies") if row["attributes"]["custom_fields"])
    sandbox.admin.update("companies", changed["id"], {"custom_fields": {"1": "other"}})

    second = read_productive(selected, concurrency=concurrency, state=first.state)

    assert second.error is None
    rows = {
        (row["resource_type"], row["resource_id"], row["custom_field_id"]): row["value"]
        for row in second.records[VALUES]
    }
    assert rows.keys() == expected(sandbox, lists).keys()
    assert rows["companies", changed["id"], "1"] == "other"
    assert VALUES not in second.activated

    third = read_productive(selected, concurrency=concurrency, state=second.state)
    assert third.error is None
    assert len(third.records[VALUES]) < len(second.records[VALUES]) / 2, "nothing is read twice any more"
    assert VALUES not in third.state["bookmarks"] or "unwritten" not in third.state["bookmarks"][VALUES]
