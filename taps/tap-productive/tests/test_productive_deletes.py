"""Tombstones from the recycle bin for streams that are read by their changes (setting `tombstones`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from conftest import discover, read, warnings_of
from singer_rest_core.records import instant
from tap_productive.tap import TapProductive
from tests.loaded_tables import LoadedTables

if TYPE_CHECKING:
    from conftest import FakeClock, Reading, ReadProductive
    from sandbox.server import RunningSandbox

DELETED = "_sdc_deleted_at"


def tombstones(reading: Reading) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for message in reading.of("RECORD"):
        if message["record"].get(DELETED):
            found.setdefault(message["stream"], []).append(message["record"])
    return found


def test_records_in_the_recycle_bin_get_tombstones_in_every_stream_read_by_its_changes(
    sandbox: RunningSandbox, read_productive: ReadProductive
) -> None:
    selected = "deals deleted_items expenses invoices tasks time_entries"
    first = read_productive(selected, tombstones=True)
    assert tombstones(first) == {}
    kinds = {"invoices": "invoice", "deals": "deal", "tasks": "task", "time_entries": "time_entry"}
    gone = {stream: sandbox.admin.records(stream)[-1]["id"] for stream in kinds}
    bin_rows = {stream: sandbox.admin.delete(stream, row) for stream, row in gone.items()}
    sandbox.admin.delete("expenses", sandbox.admin.records("expenses")[-1]["id"])

    second = read_productive(selected, state=first.state, tombstones=True)

    found = tombstones(second)
    last_of_first_run = max(record["created_at"] for record in first.records["deleted_items"])
    for stream, row in bin_rows.items():
        assert row is not None
        new = [each for each in found[stream] if instant(each[DELETED]) > instant(last_of_first_run)]
        assert [each["id"] for each in new] == [gone[stream]]
        assert set(new[0]) == {"id", DELETED}
        assert instant(new[0][DELETED]) == instant(row["attributes"]["created_at"])
    # Expenses are read completely: ACTIVATE_VERSION covers what is gone.
    assert "expenses" not in found


def test_a_tombstone_comes_after_all_rows_under_a_schema_of_the_key_alone(
    sandbox: RunningSandbox, read_productive: ReadProductive
) -> None:
    first = read_productive("deleted_items tasks", tombstones=True)
    sandbox.admin.delete("tasks", first.ids("tasks")[0])

    second = read_productive("deleted_items tasks", tombstones=True, state=first.state)

    about = [message for message in second.messages if message.get("stream") == "tasks"]
    assert about[-1]["record"]["id"] == first.ids("tasks")[0]
    schema = [message["schema"] for message in about if message["type"] == "SCHEMA"][-1]
    assert list(schema["properties"]) == ["id", DELETED]
    streams = [message["stream"] for message in second.messages if message["type"] == "SCHEMA"]
    assert streams == ["tasks", "deleted_items", "tasks"]


def test_a_run_that_dies_before_its_tombstones_writes_them_next_time(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    first = read_productive("deleted_items tasks", tombstones=True)
    sandbox.admin.delete("tasks", first.ids("tasks")[0])
    sandbox.admin.add_fault("*/deleted_items", times=100, status=500)
    second = read_productive("deleted_items tasks", tombstones=True, state=first.state)
    assert second.error is not None
    assert tombstones(second) == {}
    sandbox.admin.clear_faults()

    third = read_productive("deleted_items tasks", tombstones=True, state=second.state)

    assert first.ids("tasks")[0] in {each["id"] for each in tombstones(third)["tasks"]}


def test_a_restored_record_gets_no_tombstone(sandbox: RunningSandbox, read_productive: ReadProductive) -> None:
    first = read_productive("deleted_items tasks", tombstones=True)
    restored, gone = (sandbox.admin.delete("tasks", row) for row in first.ids("tasks")[:2])
    assert restored is not None
    assert gone is not None
    sandbox.admin.update("deleted_items", restored["id"], {"recovered_at": gone["attributes"]["created_at"]})

    second = read_productive("deleted_items tasks", tombstones=True, state=first.state)

    found = {each["id"] for each in tombstones(second)["tasks"]}
    assert str(gone["attributes"]["item_id"]) in found
    assert str(restored["attributes"]["item_id"]) not in found


def test_the_first_read_of_the_recycle_bin_gives_tombstones_to_streams_that_were_read_before(
    sandbox: RunningSandbox, read_productive: ReadProductive
) -> None:
    first = read_productive("tasks")
    sandbox.admin.delete("tasks", first.ids("tasks")[0])

    second = read_productive("deleted_items tasks invoices", tombstones=True, state=first.state)

    assert first.ids("tasks")[0] in {each["id"] for each in tombstones(second)["tasks"]}
    assert "invoices" not in tombstones(second)


def test_there_are_no_tombstones_without_the_setting(sandbox: RunningSandbox, read_productive: ReadProductive) -> None:
    first = read_productive("deleted_items tasks")
    sandbox.admin.delete("tasks", first.ids("tasks")[0])

    second = read_productive("deleted_items tasks", state=first.state)

    assert tombstones(second) == {}
    assert [message["stream"] for message in second.of("SCHEMA")] == ["tasks", "deleted_items"]


def test_a_stream_that_is_not_selected_gets_no_tombstones(
    sandbox: RunningSandbox, read_productive: ReadProductive
) -> None:
    first = read_productive("deleted_items tasks", tombstones=True)
    sandbox.admin.delete("tasks", first.ids("tasks")[0])

    second = read_productive("deleted_items", tombstones=True, state=first.state)

    assert tombstones(second) == {}


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"tombstones": True}, "Setting tombstones has no effect, as the stream deleted_items is not selected"),
        (
            {"change_detection": "activities"},
            "Setting change_detection has no effect, as the stream activities is not selected",
        ),
    ],
)
def test_a_setting_without_the_stream_it_needs_is_warned_of(
    read_productive: ReadProductive,
    caplog: pytest.LogCaptureFixture,
    settings: dict[str, Any],
    line: str,
) -> None:
    reading = read_productive("tasks payments", **settings)

    assert reading.error is None
    assert warnings_of(caplog) == [line]


@pytest.mark.parametrize("concurrency", [1, 16])
def test_a_row_deleted_between_two_nights_of_a_first_load_gets_a_tombstone(
    sandbox: RunningSandbox, read_productive: ReadProductive, clock_of_both: FakeClock, concurrency: int
) -> None:
    tables, selected = LoadedTables(), "deleted_items tasks"
    settings: dict[str, Any] = {"tombstones": True, "concurrency": concurrency, "page_size": 5}
    sandbox.admin.add_fault("*/tasks", skip=30, times=10_000, status=429, headers={"Retry-After": "7200"})
    night = read_productive(selected, **settings)
    tables.load(night.messages)
    gone = night.ids("tasks")[0]
    sandbox.admin.delete("tasks", gone)
    sandbox.admin.clear_faults()
    clock_of_both.advance(60)
    # What the recycle bin holds last is of another list.
    sandbox.admin.delete("invoices", sandbox.admin.records("invoices")[0]["id"])

    for _ in range(2):
        clock_of_both.advance(86_400)
        night = read_productive(selected, **settings, state=night.state)
        assert night.error is None
        tables.load(night.messages)

    assert gone not in tables.live("tasks")
    assert set(tables.live("tasks")) == {each["id"] for each in sandbox.admin.records("tasks")}


@pytest.mark.parametrize("concurrency", [1, 16])
def test_a_row_restored_while_a_first_run_reads_is_not_marked(
    sandbox: RunningSandbox, productive_settings: dict[str, Any], concurrency: int
) -> None:
    catalog = discover(TapProductive, productive_settings)
    (expenses,) = [each for each in catalog["streams"] if each["tap_stream_id"] == "expenses"]
    by_time = {"replication-key": "created_at", "forced-replication-method": "INCREMENTAL"}
    expenses |= {"replication_key": "created_at", "replication_method": "INCREMENTAL"}
    (of_table,) = [each["metadata"] for each in expenses["metadata"] if each["breadcrumb"] == []]
    of_table |= by_time
    restored = sandbox.admin.records("expenses")[-1]["id"]
    last = {"resource": "expenses", "place": -1}
    sandbox.admin.schedule("productive", [{"after_request": 0, "changes": [{**last, "action": "delete"}]}])
    pages_of_bin = len(sandbox.admin.records("deleted_items")) // 3 + 2
    from_bin = {"action": "delete", "resource": "deleted_items", "place": -1}
    changes = [{**last, "action": "restore"}, from_bin]
    schedule = [{"path": "*/deleted_items", "after_request": pages_of_bin, "changes": changes}]
    sandbox.admin.schedule("productive", schedule)
    config = {**productive_settings, "tombstones": True, "concurrency": concurrency, "page_size": 3}

    tables = LoadedTables()
    tables.load(read(TapProductive, config, select="comments deleted_items expenses", catalog=catalog).messages)

    assert restored in {each["id"] for each in sandbox.admin.records("expenses")}
    assert restored not in tables.deleted("expenses")
