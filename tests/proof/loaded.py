"""What has to be true of tables that processes have filled, and the changes of the source that show it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tests.proof.world import World


class Tables(Protocol):
    """Where a loader has put rows."""

    marks_deleted: bool
    """Whether rows that are gone are marked."""

    def live(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of a table that are not marked as deleted; none if there is no table."""
        ...


class PostgresTables:
    """The tables of one schema.

    Args:
        url: PostgreSQL, as psycopg takes it.
        schema: The schema.
    """

    marks_deleted = True

    def __init__(self, url: str, schema: str = "proof") -> None:
        """Connect to nothing yet."""
        self._url = url
        self._schema = schema

    def live(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of a table that are not marked as deleted; none if there is no table."""
        return self._rows(table, "_sdc_deleted_at is null")

    def keys(self, table: str, key: str) -> set[str]:
        """Return the keys of all rows of a table."""
        return {str(row[key]) for row in self._rows(table, "true")}

    def keys_received_since(self, table: str, key: str, moment: datetime) -> set[str]:
        """Return the keys of the rows that a loader has received later than a moment, which has a time zone."""
        return {str(row[key]) for row in self._rows(table, "_sdc_received_at at time zone 'UTC' > %s", moment)}

    def texts(self) -> str:
        """Return the rows of all tables as text."""
        with psycopg.connect(self._url) as connection:
            names = connection.execute("select tablename from pg_tables where schemaname = %s", [self._schema])
            queries = [self._query("t::text", name, "true") for (name,) in names.fetchall()]
            return "\n".join(str(row) for query in queries for (row,) in connection.execute(query))

    def _rows(self, table: str, condition: str, *values: object) -> list[dict[str, Any]]:
        with psycopg.connect(self._url, row_factory=dict_row) as connection:
            name = f'"{self._schema}"."{table}"'
            if connection.execute("select to_regclass(%s) as found", [name]).fetchone() == {"found": None}:
                return []
            return connection.execute(self._query("*", table, condition), values).fetchall()

    def _query(self, what: str, table: str, condition: str) -> sql.Composed:
        words = sql.SQL(what), sql.Identifier(self._schema, table), sql.SQL(condition)
        return sql.SQL("select {} from {} as t where {}").format(*words)


def assert_equal(world: World, tables: Tables, *, deletes_are_known: bool = True) -> None:
    """Check that each table has every row of the source in its newest version, and no row that is gone.

    Args:
        world: The source.
        tables: What a loader has made.
        deletes_are_known: Whether there were reads enough after the last delete.
    """
    for stream, source in world.facts.sources.items():
        rows = world.rows(stream)
        live = {str(row[source.key]): row for row in tables.live(stream)}
        assert rows.keys() <= live.keys(), f"{stream}: rows are missing: {sorted(rows.keys() - live.keys())}"
        if source.finds_deletes and deletes_are_known and tables.marks_deleted:
            assert live.keys() <= rows.keys(), f"{stream}: rows that are gone are live: {live.keys() - rows.keys()}"
        if source.marker:
            held = {key: (live[key][source.marker], row[source.marker]) for key, row in rows.items()}
            old = {key: values for key, values in held.items() if values[0] != values[1]}
            assert not old, f"{stream}: old versions of {source.marker}: {old}"


def change_everything(world: World) -> None:
    """Delete, change and create rows of every list, before the next request is answered."""
    world.schedule([{"after_request": 0, "changes": changes_of_everything(world)}])


def changes_of_everything(world: World) -> Sequence[dict[str, Any]]:
    """Return a delete, a change and a new row for every list that has such."""
    return [
        {
            "action": action,
            "resource": world.facts.resource(stream),
            "place": place,
            "attributes": {source.marker: "changed"} if action == "update" and source.marker else {},
        }
        for stream, source in world.facts.sources.items()
        for place, action in enumerate(("update", "delete", "create"))
        if action in source.actions and stream != "update"
    ]
