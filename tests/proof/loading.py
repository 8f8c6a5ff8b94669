"""Runs of a tap in this process into a model of the loader, and what has to be true of its tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conftest import Reading, discover, read
from scripts.all_taps import tap_classes
from singer_rest_core import RESCUED_DATA
from singer_rest_core.errors import RunEnded
from tests.loaded_tables import LoadedTables
from tests.proof.left_behind import assert_without_secrets, collected_log, error_text
from tests.proof.world import settings_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.proof.plans import Killed
    from tests.proof.world import TapFacts, World

_TAPS = tap_classes()

QUIET_NIGHTS = 3
"""So many runs without changes make the tables equal to the source, deletes included: the first brings every row, the
second knows what two reads missed, and a list that lost more than half of its rows takes one more."""


NOT_PASSED_ON = "a STATE that was not passed on"

_CATALOGS: dict[str, dict[str, Any]] = {}


def _catalog(facts: TapFacts) -> dict[str, Any] | None:
    """Return a catalog of the streams that are read, where a tap has so many that making them takes most of a run."""
    if facts.name != "tap-productive":
        return None
    if facts.select not in _CATALOGS:
        every = discover(_TAPS[facts.name], settings_of(facts.name, "http://localhost"))["streams"]
        _CATALOGS[facts.select] = {"streams": [each for each in every if each["tap_stream_id"] in facts.sources]}
    return _CATALOGS[facts.select]


def cut_off(reading: Reading, killed: Killed) -> Reading:
    """Return what was loaded of a run that was killed, without the STATEs that the loader had not passed on."""
    kept = reading.messages[: round(killed.at * len(reading.messages))]
    places = [place for place, message in enumerate(kept) if message["type"] == "STATE"]
    late = set(places[len(places) - min(killed.states_late, len(places)) :])
    return Reading([{"type": NOT_PASSED_ON} if place in late else each for place, each in enumerate(kept)])


def _value(record: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - any value of a record
    """Return a value as it was loaded: in its column, or rescued where the schema does not have it."""
    return record[name] if name in record else (record.get(RESCUED_DATA) or {}).get(name)


class Loading:
    """The runs of some nights, one after the other.

    Args:
        world: The source.
        settings: More settings of the tap.
    """

    def __init__(self, world: World, settings: Mapping[str, Any] | None = None) -> None:
        """Start with empty tables and without state."""
        self.world = world
        self.facts = world.facts
        self.settings = world.settings | dict(settings or {})
        self.tables = LoadedTables()
        self.state: dict[str, Any] = {}
        self._came_before: dict[str, set[str]] = {}

    def run(self, killed: Killed | None = None) -> Reading:
        """Read once, load what was written, and check what may never be, whatever the night.

        Args:
            killed: Where the run is killed: nothing after that is loaded.
        """
        reading = self._read(self.settings, self.state)
        self.take(reading if killed is None else cut_off(reading, killed))
        return reading

    def _read(self, settings: Mapping[str, Any], state: Mapping[str, Any]) -> Reading:
        tap, select = _TAPS[self.facts.name], self.facts.select
        with self.world.time_of_taps(), collected_log() as log:
            try:
                reading = read(tap, settings, state=state, select=select, catalog=_catalog(self.facts))
            except RunEnded as ended:  # while it infers its schemas, before the first stream
                reading = Reading(error=ended)
        error = error_text(reading.error)
        left: dict[str, bytes | str] = {
            "messages": b"".join(reading.lines),
            "log": "\n".join(log.lines),
            "error": error,
        }
        assert_without_secrets(self.facts.name, left)
        return reading

    def take(self, reading: Reading) -> None:
        """Load a run, and check that it marks no row that is there."""
        deleted_before = {stream: self._deleted(stream) for stream in self.facts.sources}
        self.tables.load(message for message in reading.messages if message["type"] != NOT_PASSED_ON)
        self.state = reading.state or self.state
        self.world.note_applied()
        came = self._came(reading)
        for stream, source in self.facts.sources.items():
            marked = (self._deleted(stream) - deleted_before[stream]) & self.world.always_there(stream)
            if not source.is_certain:
                marked &= came.get(stream, set()) | self._came_before.get(stream, set())
            assert not marked, f"{stream}: rows that were there all the time are marked as deleted: {sorted(marked)}"
        self._came_before = came

    def assert_brought(self, but: Mapping[str, set[str]] | None = None) -> None:
        """Check that every row of the source is in its table, live, in its newest version.

        Args:
            but: The streams to look at, each with the keys of rows that need not be there; by default all, without any.
        """
        for stream, left_out in ({name: set[str]() for name in self.facts.sources} if but is None else but).items():
            source, live = self.facts.sources[stream], self._live(stream)
            rows = {key: row for key, row in self.world.rows(stream).items() if key not in left_out}
            missing = rows.keys() - live.keys()
            assert not missing, f"{stream}: {len(missing)} of {len(rows)} rows are missing: {sorted(missing)}"
            if source.marker:
                held = {key: _value(live[key], source.marker) for key in rows}
                old = {
                    key: (held[key], row[source.marker]) for key, row in rows.items() if held[key] != row[source.marker]
                }
                assert not old, f"{stream}: old versions of {source.marker}: {old}"

    def assert_equal(self) -> None:
        """Check that tables and source are equal, and that each whole list is loaded as it is read anew."""
        self.assert_brought()
        fresh = self._read(self.settings | {"concurrency": 1}, {})
        assert fresh.error is None
        expected = LoadedTables()
        expected.load(fresh.messages)
        for stream, source in self.facts.sources.items():
            live, rows = self._live(stream), self.world.rows(stream)
            if source.finds_deletes:
                extra = live.keys() - rows.keys()
                assert not extra, f"{stream}: rows that are gone are live: {sorted(extra)}"
            if source.is_whole:
                read_anew = {str(key): row for key, row in expected.live(stream).items()}
                # A key keeps the type that its column had first, also where no sample could be read then (2invoice).
                differing = [key for key in rows if live[key] | {source.key: key} != read_anew[key] | {source.key: key}]
                assert not differing, f"{stream}: rows differ from the source: {differing}"

    def _came(self, reading: Reading) -> dict[str, set[str]]:
        return {
            stream: {str(record[self.facts.sources[stream].key]) for record in records}
            for stream, records in reading.records.items()
            if stream in self.facts.sources
        }

    def _live(self, stream: str) -> dict[str, dict[str, Any]]:
        return {str(key): row for key, row in self.tables.live(stream).items()}

    def _deleted(self, stream: str) -> set[str]:
        return {str(key) for key in self.tables.deleted(stream)} if self.tables.has(stream) else set()
