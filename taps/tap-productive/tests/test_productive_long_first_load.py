"""A first load that takes several nights: ended by the API's limits or killed, it goes on where it stopped."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conftest import CONCURRENCY, queries_to, read, write
from singer_rest_core.errors import WaitTooLong
from singer_rest_core.records import instant
from tap_productive.tap import TapProductive
from tests.loaded_tables import LoadedTables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import FakeClock, Reading, ReadProductive
    from sandbox.server import RunningSandbox

_TAP = str(Path(sys.executable).with_name("tap-productive"))
_STREAMS = "line_items tasks"
_PAGE = 5
_DAY = 24 * 60 * 60


def _ids(sandbox: RunningSandbox, stream: str) -> set[str]:
    return {record["id"] for record in sandbox.admin.records(stream)}


def _end_night_in(sandbox: RunningSandbox, stream: str, *, after: int) -> None:
    """Let the API ask for a longer wait than `max_wait_minutes` after some requests to a list."""
    sandbox.admin.clear_faults()
    sandbox.admin.add_fault(f"*/{stream}", skip=after, times=10_000, status=429, headers={"Retry-After": "7200"})


def _change_world(sandbox: RunningSandbox) -> None:
    """Delete, change and create rows where the read has been, where it is and where it comes to."""
    for stream in _STREAMS.split():
        records = sandbox.admin.records(stream)
        for place in (1, len(records) // 2, len(records) - 2):
            sandbox.admin.delete(stream, records[place]["id"])
        for place in (5, len(records) // 2 + 5, len(records) - 5):
            text = {"title": "changed"} if stream == "tasks" else {"description": "changed"}
            sandbox.admin.update(stream, records[place]["id"], text)
        for _ in range(3):
            sandbox.admin.create(stream, relationships=dict(records[-1]["relationships"]))


class Loader:
    """What the runs of some nights have loaded, and the state of the last one."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.tables = LoadedTables()
        self.state: dict[str, Any] = {}

    def load(self, reading: Reading) -> Reading:
        """Load what a run wrote."""
        self.tables.load(reading.messages)
        self.state = reading.state or self.state
        return reading


def _assert_up_to_date(sandbox: RunningSandbox, loader: Loader) -> None:
    """Line items are as in the account; tasks too, but for those deleted, which only the recycle bin names."""
    assert loader.tables.live("line_items").keys() == _ids(sandbox, "line_items")
    tasks = loader.tables.live("tasks")
    for record in sandbox.admin.records("tasks"):
        assert tasks[record["id"]]["title"] == record["attributes"]["title"]


@CONCURRENCY
def test_a_load_over_three_nights_of_a_changing_account_loses_and_marks_nothing(
    sandbox: RunningSandbox, read_productive: ReadProductive, clock: FakeClock, concurrency: int
) -> None:
    loader = Loader()
    for stream, requests in (("line_items", 40), ("line_items", 40), ("tasks", 30), ("tasks", 30)):
        _end_night_in(sandbox, stream, after=requests)
        night = loader.load(read_productive(_STREAMS, concurrency=concurrency, page_size=_PAGE, state=loader.state))
        assert isinstance(night.error, WaitTooLong)
        assert loader.tables.deleted("line_items").isdisjoint(_ids(sandbox, "line_items"))
        _change_world(sandbox)
        clock.advance(_DAY)
    sandbox.admin.clear_faults()

    last = loader.load(read_productive(_STREAMS, concurrency=concurrency, page_size=_PAGE, state=loader.state))

    assert last.error is None
    for stream in _STREAMS.split():
        assert _ids(sandbox, stream) <= loader.tables.live(stream).keys()
    for _ in range(2):
        loader.load(read_productive(_STREAMS, concurrency=concurrency, page_size=_PAGE, state=loader.state))
    _assert_up_to_date(sandbox, loader)


@CONCURRENCY
@pytest.mark.parametrize("stream", ["line_items", "tasks"])
def test_each_night_goes_on_where_the_last_one_stopped(
    sandbox: RunningSandbox, read_productive: ReadProductive, clock: FakeClock, concurrency: int, stream: str
) -> None:
    loader = Loader()
    nights = []
    for _ in range(2):
        _end_night_in(sandbox, stream, after=30)
        nights.append(
            loader.load(read_productive(stream, concurrency=concurrency, page_size=_PAGE, state=loader.state))
        )
        clock.advance(_DAY)
    sandbox.admin.clear_faults()
    nights.append(loader.load(read_productive(stream, concurrency=concurrency, page_size=_PAGE, state=loader.state)))

    counts = [len(night.ids(stream)) for night in nights]
    assert all(counts)
    assert sum(counts) <= len(_ids(sandbox, stream)) + 2 * _PAGE
    assert loader.tables.live(stream).keys() == _ids(sandbox, stream)
    versions = {message.get("version") for night in nights for message in night.of("RECORD")}
    assert len(versions) == 1
    assert "unfinished_read" not in loader.state["bookmarks"][stream]


@CONCURRENCY
def test_the_bookmark_after_three_nights_is_not_newer_than_the_first_one(
    sandbox: RunningSandbox, read_productive: ReadProductive, clock_of_both: FakeClock, concurrency: int
) -> None:
    """A row that was read in the first night and changed before the last one is read again."""
    loader = Loader()
    began = clock_of_both.now()
    changed = sandbox.admin.records("tasks")[2]["id"]
    for _ in range(2):
        _end_night_in(sandbox, "tasks", after=30)
        loader.load(read_productive("tasks", concurrency=concurrency, page_size=_PAGE, state=loader.state))
        clock_of_both.advance(_DAY)
        sandbox.admin.update("tasks", changed, {"title": "later"})
    sandbox.admin.clear_faults()

    loader.load(read_productive("tasks", concurrency=concurrency, page_size=_PAGE, state=loader.state))

    assert instant(loader.state["bookmarks"]["tasks"]["replication_key_value"]) <= began
    loader.load(read_productive("tasks", concurrency=concurrency, page_size=_PAGE, state=loader.state))
    assert loader.tables.live("tasks")[changed]["title"] == "later"


@CONCURRENCY
def test_rows_without_created_at_are_not_forgotten_by_a_load_over_several_nights(
    sandbox: RunningSandbox, read_productive: ReadProductive, clock: FakeClock, concurrency: int
) -> None:
    """They are in none of the windows that a night finishes."""
    for each in ("10", "200", "420"):
        sandbox.admin.update("tasks", each, {"created_at": None})
    loader = Loader()
    for _ in range(2):
        _end_night_in(sandbox, "tasks", after=30)
        loader.load(read_productive("tasks", concurrency=concurrency, page_size=_PAGE, state=loader.state))
        clock.advance(_DAY)
    sandbox.admin.clear_faults()

    loader.load(read_productive("tasks", concurrency=concurrency, page_size=_PAGE, state=loader.state))

    assert loader.tables.live("tasks").keys() == _ids(sandbox, "tasks")


@CONCURRENCY
@pytest.mark.parametrize("stream", ["line_items", "tasks"])
def test_a_cursor_that_is_refused_in_the_next_night_begins_the_load_anew_once(
    sandbox: RunningSandbox, read_productive: ReadProductive, clock: FakeClock, concurrency: int, stream: str
) -> None:
    loader = Loader()
    _end_night_in(sandbox, stream, after=30)
    loader.load(read_productive(stream, concurrency=concurrency, page_size=_PAGE, state=loader.state))
    loader.state = json.loads(json.dumps(loader.state))
    place = loader.state["bookmarks"][stream]["unfinished_read"]["place"]
    expired = {"page[after]": "expired", "page[size]": str(_PAGE)}
    if "windows" in place:
        place["places"] = [expired if isinstance(each, dict) else each for each in place["places"]]
        assert expired in place["places"]
    else:
        place["cursor"] = expired
    clock.advance(_DAY)
    sandbox.admin.clear_faults()
    sandbox.admin.clear_requests()

    second = loader.load(read_productive(stream, concurrency=concurrency, page_size=_PAGE, state=loader.state))

    assert second.error is None
    assert set(second.ids(stream)) == _ids(sandbox, stream)
    assert loader.tables.live(stream).keys() == _ids(sandbox, stream)
    pages = -(-len(_ids(sandbox, stream)) // _PAGE)
    assert len(queries_to(sandbox, f"/{stream}")) <= pages * 1.15 + 5


def _messages_until_killed(
    settings: dict[str, Any], state: dict[str, Any], folder: Path, *, states: int
) -> Iterator[dict[str, Any]]:
    """Run the tap as a process, and kill it when it has written some STATEs: a loader gets what was written before."""
    catalog = TapProductive(config=settings).catalog_dict
    for entry in catalog["streams"]:
        for about in entry["metadata"]:
            if not about["breadcrumb"]:
                about["metadata"]["selected"] = entry["tap_stream_id"] in _STREAMS.split()
    files = {"config": settings, "catalog": catalog, "state": state}
    options = [each for name, content in files.items() for each in (f"--{name}", write(folder / name, content))]
    with subprocess.Popen([_TAP, *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if not line.endswith(b"\n"):
                break
            message = json.loads(line)
            yield message
            states -= message["type"] == "STATE"
            if states == 0:
                process.kill()


@pytest.mark.slow
@CONCURRENCY
def test_a_load_that_is_killed_in_three_nights_loses_and_marks_nothing(
    sandbox: RunningSandbox,
    productive_settings: dict[str, Any],
    tmp_path: Path,
    clock: FakeClock,
    concurrency: int,
) -> None:
    settings = productive_settings | {"concurrency": concurrency, "page_size": _PAGE}
    # Slow enough that the process is still reading when it is killed.
    sandbox.admin.add_fault("*", times=10_000, delay_ms=5)
    loader = Loader()
    for states in (60, 120, 40):
        written = list(_messages_until_killed(settings, loader.state, tmp_path, states=states))
        loader.tables.load(written)
        loader.state = [message["value"] for message in written if message["type"] == "STATE"][-1]
        assert loader.tables.deleted("line_items").isdisjoint(_ids(sandbox, "line_items"))
        _change_world(sandbox)
    sandbox.admin.clear_faults()
    clock.advance(_DAY)

    last = loader.load(read(TapProductive, settings, state=loader.state, select=_STREAMS))

    assert last.error is None
    for stream in _STREAMS.split():
        assert _ids(sandbox, stream) <= loader.tables.live(stream).keys()
    for _ in range(2):
        loader.load(read(TapProductive, settings, state=loader.state, select=_STREAMS))
    _assert_up_to_date(sandbox, loader)
