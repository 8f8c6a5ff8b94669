"""The runs of some nights as both loaders for PostgreSQL load them, compared with the model of a loader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from singer_rest_core.records.exact_json import encode
from tests.proof.loading import NOT_PASSED_ON, Loading
from tests.proof.processes import NEEDED_BY_THE_KEPT_LOADER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conftest import Reading
    from tests.loader_world import Database
    from tests.proof.world import World

LOADERS: Mapping[str, Mapping[str, Any]] = {"exact": {}, "kept": NEEDED_BY_THE_KEPT_LOADER}
"""The settings that each needs, by the name that `Database` has for it."""


class LoadingIntoPostgres(Loading):
    """Loads every run into PostgreSQL too, by both loaders.

    Args:
        database: The database; what earlier cases loaded is dropped.
        world: The source.
        settings: More settings of the tap.
    """

    def __init__(self, database: Database, world: World, settings: Mapping[str, Any] | None = None) -> None:
        """Start with empty tables."""
        super().__init__(world, settings)
        self._database = database
        database.execute(*(f'drop schema if exists "{name}" cascade' for name in LOADERS))

    @override
    def take(self, reading: Reading) -> None:
        """Load a run, and check that the tables of both loaders are equal, and have the rows of the model."""
        super().take(reading)
        lines = [encode(message).decode() for message in reading.messages if message["type"] != NOT_PASSED_ON]
        for name, needed in LOADERS.items():
            loaded = self._database.load(lines, name, **needed)
            assert loaded.failure is None, f"the loader {name} failed: {loaded.failure!r}"
        for stream, source in self.facts.sources.items():
            self._compare(stream, source.key, source.marker)

    @override
    def assert_equal(self) -> None:
        """Check, too, that both loaders made the same of it, column by column and value by value.

        Tables whose columns the kept loader has to be told to rename are left out.
        """
        super().assert_equal()
        renamed = NEEDED_BY_THE_KEPT_LOADER["stream_maps"].keys()
        exact, kept = (
            {table: content for table, content in self._database.content(name).items() if table not in renamed}
            for name in ("exact", "kept")
        )
        assert exact.keys() == kept.keys()
        differing = [table for table in exact if exact[table] != kept[table]]
        assert not differing, f"the loaders made different tables: {differing}"

    def _compare(self, stream: str, key: str, marker: str) -> None:
        if not self.tables.has(stream):
            return
        held = {str(each): row for each, row in self.tables.live(stream).items()}
        expected = {each: row.get(marker) for each, row in held.items()}
        for name in LOADERS:
            rows = self._database.rows(stream, name)
            live = {str(row[key]): row.get(marker) for row in rows if row["_sdc_deleted_at"] is None}
            assert live == expected, f"{stream}: the loader {name} holds other rows than the model"
