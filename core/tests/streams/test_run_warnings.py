"""What a run warns of before it reads: no stream, a replication key that is no column, times in the future."""

from __future__ import annotations

import re
from datetime import timedelta, timezone
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from conftest import discover, read, warnings_of
from singer_rest_core import RestStream, RestTap, RunEnded, settings_schema
from singer_rest_core.records.row_layout import FlatRows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import requests
    from pytest_httpserver import HTTPServer

    from conftest import FakeClock, Reading

_DAY = timedelta(days=1)


class Bookings(RestStream):
    """Read whole."""

    name = "bookings"
    primary_keys = ("id",)
    row_layout = FlatRows("rows")
    schema: ClassVar[dict[str, Any]] = {
        "properties": {"id": {"type": "string"}, "updated_at": {"type": ["string", "null"], "format": "date-time"}}
    }

    def __init__(self, tap: RestTap) -> None:
        """Bind it to its path."""
        super().__init__(tap, path=f"/{self.name}")


class Changes(Bookings):
    """Read by its changes."""

    name = "changes"
    replication_key = "updated_at"
    is_sorted = True


class MoreChanges(Changes):
    """Read by its changes, too."""

    name = "more_changes"


class PlainTap(RestTap):
    """Three lists of one page."""

    name = "tap-plain"
    config_jsonschema: ClassVar[dict[str, Any]] = settings_schema(
        api_url=None, page_size=None, start_date="Rows before it are not read."
    )
    stream_classes: ClassVar[tuple[type[Bookings], ...]] = (Bookings, Changes, MoreChanges)

    def discover_streams(self) -> Sequence[RestStream]:
        return [stream(self) for stream in self.stream_classes]

    def authenticate(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class World:
    """The lists on a server of the test, with one row each."""

    def __init__(self, server: HTTPServer, caplog: pytest.LogCaptureFixture) -> None:
        """Answer for any of them."""
        self._caplog = caplog
        self._config = {"api_url": server.url_for("/")}
        row = {"id": "1", "updated_at": "2026-01-05T00:00:00Z"}
        server.expect_request(re.compile("/.+")).respond_with_json({"rows": [row]})

    def catalog(self) -> dict[str, Any]:
        return discover(PlainTap, self._config)

    def run(
        self,
        state: Mapping[str, Any] | None = None,
        *,
        select: str = "*",
        catalog: Mapping[str, Any] | None = None,
        **settings: str,
    ) -> Reading:
        self._caplog.clear()
        return read(PlainTap, self._config | settings, state=state, select=select, catalog=catalog)

    @property
    def warnings(self) -> list[str]:
        return warnings_of(self._caplog)


@pytest.fixture
def world(httpserver: HTTPServer, caplog: pytest.LogCaptureFixture) -> World:
    return World(httpserver, caplog)


def _state(moment: str, *names: str, key: str = "updated_at") -> Mapping[str, Any]:
    return {"bookmarks": {name: {"replication_key": key, "replication_key_value": moment} for name in names}}


def test_a_usual_run_warns_of_nothing(world: World) -> None:
    first = world.run(start_date="2026-01-01")
    assert world.warnings == []
    world.run(state=first.state)
    assert world.warnings == []


def test_a_run_without_a_selected_stream_warns_once(world: World) -> None:
    reading = world.run(select="")
    assert reading.error is None
    assert reading.of("RECORD") == []
    (line,) = world.warnings
    assert line.startswith("No stream is selected, so nothing is read")


@pytest.mark.parametrize("key", ["updated", "Updated_At", "updated_at.value"])
def test_a_replication_key_that_is_no_column_warns_once_and_changes_nothing(world: World, key: str) -> None:
    before = world.run(state=_state("2026-01-03T00:00:00Z", "changes", "more_changes"))
    catalog = world.catalog()
    for entry in catalog["streams"]:
        entry |= {"replication_key": key, "replication_method": "INCREMENTAL"}

    reading = world.run(state=_state("2026-01-03T00:00:00Z", "changes", "more_changes"), catalog=catalog)

    (line,) = world.warnings
    named = f"bookings ({key}), changes ({key}), more_changes ({key})"
    assert line.startswith(f"The replication key in the catalog is not a column: {named}")
    assert reading.records == before.records
    assert reading.activated == before.activated == ["bookings"]
    assert reading.bookmark("changes") == before.bookmark("changes") == "2026-01-05T00:00:00Z"


def test_an_incremental_stream_without_a_replication_key_warns_once_and_stays_what_it_is(world: World) -> None:
    catalog = world.catalog()
    (entry,) = [entry for entry in catalog["streams"] if entry["stream"] == "bookings"]
    entry["replication_method"] = "INCREMENTAL"

    reading = world.run(catalog=catalog)

    (line,) = world.warnings
    assert line.startswith("The replication key in the catalog is not a column: bookings (none).")
    assert reading.activated == ["bookings"]


def test_a_deselected_stream_with_such_a_key_is_not_worth_a_warning(world: World) -> None:
    catalog = world.catalog()
    (entry,) = [entry for entry in catalog["streams"] if entry["stream"] == "changes"]
    entry["replication_key"] = "updated"
    (root,) = [each["metadata"] for each in entry["metadata"] if not each["breadcrumb"]]
    root["selected"] = False
    reading = world.run(catalog=catalog)
    assert "changes" not in reading.records
    assert world.warnings == []


def test_bookmarks_in_the_future_warn_once(world: World, clock: FakeClock) -> None:
    moment = (clock.now() + _DAY).isoformat()
    reading = world.run(state=_state(moment, "changes", "more_changes"))
    (line,) = world.warnings
    assert line.startswith(f"The state has bookmarks in the future: changes ({moment}), more_changes ({moment}).")
    assert reading.bookmark("changes") == moment, "what is wrong with it is for the user to decide"


@pytest.mark.parametrize(
    ("held", "named"),
    [
        ({"replication_key_value": "not a date"}, "replication_key_value 'not a date'"),
        ({"replication_key_value": 5}, "replication_key_value 5"),
        ({"replication_key_value": 0}, "replication_key_value 0"),
        ({"replication_key_value": ["2026-01-01"]}, "replication_key_value ['2026-01-01']"),
        ({"replication_key_value": "2026-01-01T00:00:00Z", "full_refreshed_at": "x"}, "full_refreshed_at 'x'"),
    ],
)
def test_bookmarks_that_are_no_time_end_the_run_before_the_first_request(
    world: World, httpserver: HTTPServer, held: Mapping[str, Any], named: str
) -> None:
    broken = {"replication_key": "updated_at", **held}
    reading = world.run(state={"bookmarks": {"changes": broken, "more_changes": broken, "others": broken}})
    assert isinstance(reading.error, RunEnded)
    listed = f"changes ({named}), more_changes ({named})"
    assert str(reading.error).startswith(f"The state has bookmarks that are no date or time: {listed}: correct")
    assert reading.messages == []
    assert not httpserver.log


def test_a_bookmark_that_is_no_time_matters_only_where_it_is_used(world: World) -> None:
    state = {
        "bookmarks": {
            "bookings": {"replication_key": None, "replication_key_value": "x", "full_refreshed_at": 5},
            "changes": {"replication_key": "created_at", "replication_key_value": "x"},
            "more_changes": {"replication_key": "updated_at", "replication_key_value": "x"},
        }
    }
    reading = world.run(state=state, select="bookings changes")
    assert reading.error is None
    assert reading.records.keys() == {"bookings", "changes"}


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "0001-01-01"])
def test_the_first_day_of_all_is_a_bookmark_like_any_other(world: World, moment: str) -> None:
    reading = world.run(state=_state(moment, "changes"), select="changes")
    assert reading.error is None
    assert reading.ids("changes") == ["1"]
    assert world.warnings == []


def _foreign(name: str) -> dict[str, Any]:
    return {"tap_stream_id": name, "schema": {"properties": {}}, "metadata": []}


def test_streams_of_the_catalog_that_the_tap_does_not_have_are_named_once(world: World) -> None:
    catalog = world.catalog()
    catalog["streams"] += [_foreign("deals"), _foreign("people")]
    reading = world.run(catalog=catalog)
    assert reading.error is None
    assert world.warnings == [
        "The catalog has streams that tap-plain does not have: deals, people: it may be that of another tap"
    ]


def test_a_catalog_without_a_stream_of_the_tap_ends_the_run_before_the_first_request(
    world: World, httpserver: HTTPServer
) -> None:
    reading = world.run(catalog={"streams": [_foreign("deals")]})
    assert isinstance(reading.error, RunEnded)
    assert str(reading.error).startswith("The catalog has streams that tap-plain does not have: deals")
    assert reading.messages == []
    assert not httpserver.log


def test_many_bookmarks_in_the_future_are_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"changes_{number}" for number in range(8)]
    many = [type(name, (Changes,), {"name": name}) for name in names]
    monkeypatch.setattr(PlainTap, "stream_classes", tuple(many))
    world.run(state=_state("2999-01-01T00:00:00Z", *names))
    (line,) = world.warnings
    assert "changes_4 (2999-01-01T00:00:00Z) and 3 more." in line


@pytest.mark.parametrize(
    "state",
    [
        _state("2999-01-01T00:00:00Z", "bookings"),
        _state("2999-01-01T00:00:00Z", "changes", key="created_at"),
        {"bookmarks": {"changes": {"replication_key": "updated_at"}}},
    ],
    ids=["full table", "bookmark of another key", "no bookmark"],
)
def test_a_bookmark_that_is_not_used_is_not_worth_a_warning(world: World, state: Mapping[str, Any]) -> None:
    world.run(state=state)
    assert world.warnings == []


@pytest.mark.parametrize("ahead", [timedelta(days=2), timedelta(hours=1), timedelta(days=36_500)])
def test_a_start_date_in_the_future_warns_once(world: World, clock: FakeClock, ahead: timedelta) -> None:
    moment = (clock.now() + ahead).isoformat(timespec="seconds")
    world.run(start_date=moment)
    (line,) = world.warnings
    assert line.startswith(f"Setting start_date is in the future ({moment})")


def test_the_same_instant_in_another_zone_is_not_in_the_future(world: World, clock: FakeClock) -> None:
    moment = clock.now().astimezone(timezone(timedelta(hours=9))).isoformat(timespec="seconds")
    world.run(start_date=moment, state=_state(moment, "changes"))
    assert world.warnings == []


def test_the_date_of_a_day_that_has_begun_somewhere_is_not_in_the_future(world: World, clock: FakeClock) -> None:
    world.run(start_date=(clock.now() + timedelta(hours=13, minutes=59)).date().isoformat())
    assert world.warnings == []
    world.run(start_date=(clock.now() + 2 * _DAY).date().isoformat())
    assert len(world.warnings) == 1
