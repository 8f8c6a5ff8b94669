"""The tables that the pipelines fill in PostgreSQL, and what the last run wrote into them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

import psycopg
from psycopg import sql

from scripts.all_taps import tap_classes, unconnected_tap
from scripts.system_changes import CHANGES_BY_TAP
from singer_rest_core import RestStream
from singer_rest_core.streams import BaseStream

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scripts.system_changes import Change

Key = tuple[Any, ...]
"""The values of a row's key columns."""


@dataclass
class TableContent:
    """What a table holds.

    Args:
        rows: Number of rows that are not marked as deleted.
        deleted: Number of rows that are.
        read: Keys of the rows that the last run wrote.
    """

    rows: int
    deleted: int
    read: set[Key]


@dataclass
class Warehouse:
    """The tables of all taps.

    Args:
        database_url: PostgreSQL.
        streams: The streams of each tap, by name.
        due_again: Rows of incremental streams that the next run reads again though they have not changed, by tap and
            stream.
        known: All rows of these streams after the first run.
    """

    database_url: str
    streams: Mapping[str, Mapping[str, BaseStream]]
    due_again: dict[tuple[str, str], set[Key]] = field(default_factory=dict)
    known: dict[tuple[str, str], set[Key]] = field(default_factory=dict)

    @classmethod
    def at(cls, database_url: str) -> Self:
        """Return the tables of all taps that the demo runs.

        Args:
            database_url: PostgreSQL.
        """
        classes = tap_classes()
        streams = {
            name: {
                stream.name: stream
                for stream in unconnected_tap(classes[name]).streams.values()
                if isinstance(stream, BaseStream)
            }
            for name in CHANGES_BY_TAP
        }
        return cls(database_url, streams)

    def whole_lists(self, tap: str) -> list[str]:
        """Return the lists of a tap that are read completely, as they have no time of change.

        Args:
            tap: The tap.
        """
        streams = self.streams[tap].values()
        return [each.name for each in streams if isinstance(each, RestStream) and each.replication_key is None]

    def keys(self, tap: str, stream: str) -> set[Key]:
        """Return the keys of the rows that are not marked as deleted.

        Args:
            tap: The tap.
            stream: The table's name.
        """
        names = _columns(self.streams[tap][stream].primary_keys)
        table = sql.Identifier(schema_of(tap), stream)
        query = sql.SQL("select {} from {} where _sdc_deleted_at is null").format(names, table)
        with psycopg.connect(self.database_url) as connection:
            return set(connection.execute(query).fetchall())

    def contents(self, since: datetime) -> dict[str, dict[str, TableContent]]:
        """Return the content of each table, by tap and stream. A stream that has never had a row may have no table.

        Args:
            since: The start of the last run.
        """
        with psycopg.connect(self.database_url) as connection:
            tables = connection.execute("select table_schema, table_name from information_schema.tables").fetchall()
            return {
                tap: {
                    name: _content(connection, sql.Identifier(schema_of(tap), name), stream.primary_keys, since)
                    for name, stream in streams.items()
                    if (schema_of(tap), name) in tables
                }
                for tap, streams in self.streams.items()
            }

    def remember_rows(self, bookmarks: Mapping[str, Mapping[str, Any]]) -> None:
        """Remember the rows of incremental streams, and which of them are read again: those within the look-back.

        Args:
            bookmarks: The state of each stream, by tap.
        """
        for tap, by_stream in bookmarks.items():
            for name, state in by_stream.items():
                if "replication_key_value" in state and isinstance(self.streams[tap][name], RestStream):
                    self.due_again[tap, name] = self._within_lookback(tap, self.streams[tap][name], state)
                    self.known[tap, name] = self.keys(tap, name)

    def _within_lookback(self, tap: str, stream: BaseStream, state: Mapping[str, str]) -> set[Key]:
        bound = datetime.fromisoformat(state["replication_key_value"]) - stream.lookback
        query = sql.SQL("select {} from {} where {} >= %s").format(
            _columns(stream.primary_keys),
            sql.Identifier(schema_of(tap), stream.name),
            sql.Identifier(state["replication_key"]),
        )
        with psycopg.connect(self.database_url) as connection:
            return set(connection.execute(query, [bound.replace(microsecond=0, tzinfo=None)]).fetchall())

    def shows(self, tap: str, change: Change, since: datetime) -> bool:
        """Return whether a change has arrived: its row was written by the last run, or is marked as deleted.

        Args:
            tap: The tap whose system has changed.
            change: The change.
            since: The start of the last run.
        """
        condition = "_sdc_deleted_at is not null" if change.deleted else "_sdc_received_at >= %s"
        query = sql.SQL("select 1 from {} where {} and {}").format(
            sql.Identifier(schema_of(tap), change.stream),
            sql.SQL(" and ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in change.key),
            sql.SQL(condition),
        )
        values = [*change.key.values(), *([] if change.deleted else [since.replace(tzinfo=None)])]
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(query, values).fetchone() is not None


def schema_of(tap: str) -> str:
    """Return the name of the schema that holds a tap's tables.

    Args:
        tap: Its name.
    """
    return tap.replace("-", "_")


def _columns(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _content(
    connection: psycopg.Connection, table: sql.Identifier, keys: Sequence[str], since: datetime
) -> TableContent:
    count = sql.SQL("select count(*), count(_sdc_deleted_at) from {}").format(table)
    total, deleted = connection.execute(count).fetchone() or (0, 0)
    written = sql.SQL("select {} from {} where _sdc_received_at >= %s").format(_columns(keys), table)
    read = set(connection.execute(written, [since.replace(tzinfo=None)]).fetchall())
    return TableContent(total - deleted, deleted, read)
