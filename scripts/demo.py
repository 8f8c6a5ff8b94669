"""The main job: every tap through Meltano into a real PostgreSQL, twice, without any account.

Reads the sandbox whole, lets its worlds move on by a few changes, reads again, and checks that all of these have
arrived, and that of the incremental streams nothing else but the look-back was read again.
"""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import psycopg
from psycopg import sql

from sandbox.admin_client import AdminClient
from scripts.all_taps import tap_classes, unconnected_tap
from scripts.local_world import ROOT, local_world
from scripts.stories import STORIES, rows
from singer_rest_core import RestStream
from singer_rest_core.streams import BaseStream

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scripts.local_world import LocalWorld
    from scripts.stories import Event
LOADER = "target-postgres"
SCALES = {"invobi": 0.12, "invoicetronic": 0.1}
"""Details and documents cost a request each, of 60 or 100 a minute: small accounts are read at once."""

_DAY = 86_400.0
_MELTANO = str(Path(sys.executable).with_name("meltano"))

Key = tuple[Any, ...]
"""The values of a row's key columns."""


@dataclass
class Landed:
    """What is in the database of one stream.

    Args:
        rows: Rows that are not marked as deleted.
        deleted: Rows that are.
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
    """

    database_url: str
    streams: Mapping[str, Mapping[str, BaseStream]]
    late: dict[tuple[str, str], set[Key]] = field(default_factory=dict)
    """Rows of incremental streams that are due again though they have not changed, by tap and stream."""
    known: dict[tuple[str, str], set[Key]] = field(default_factory=dict)
    """All rows of the same streams after the first run."""

    @classmethod
    def of(cls, database_url: str) -> Self:
        """Give the tables of all taps of this repository.

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
            for name in STORIES
        }
        return cls(database_url, streams)

    def keys(self, tap: str, stream: str) -> set[Key]:
        """Give the keys of the rows that are not marked as deleted.

        Args:
            tap: Whose.
            stream: Which table.
        """
        names = _columns(self.streams[tap][stream].primary_keys)
        table = sql.Identifier(schema_of(tap), stream)
        query = sql.SQL("select {} from {} where _sdc_deleted_at is null").format(names, table)
        with psycopg.connect(self.database_url) as connection:
            return set(connection.execute(query).fetchall())

    def landed(self, since: datetime) -> dict[str, dict[str, Landed]]:
        """Look what is there.

        Args:
            since: The start of the last run.

        Returns:
            Each table, by tap and stream; a stream that has never had a row may have none.
        """
        with psycopg.connect(self.database_url) as connection:
            tables = connection.execute("select table_schema, table_name from information_schema.tables").fetchall()
            return {
                tap: {
                    name: _landed(connection, sql.Identifier(schema_of(tap), name), stream.primary_keys, since)
                    for name, stream in streams.items()
                    if (schema_of(tap), name) in tables
                }
                for tap, streams in self.streams.items()
            }

    def note_late_rows(self, bookmarks: Mapping[str, Mapping[str, Any]]) -> None:
        """Find the rows that incremental streams will read again: those from the bookmark less the look-back on.

        Args:
            bookmarks: The state of each stream of each tap.
        """
        for tap, by_stream in bookmarks.items():
            for name, state in by_stream.items():
                if "replication_key_value" in state and isinstance(self.streams[tap][name], RestStream):
                    self.late[tap, name] = self._late(tap, self.streams[tap][name], state)
                    self.known[tap, name] = self.keys(tap, name)

    def _late(self, tap: str, stream: BaseStream, state: Mapping[str, str]) -> set[Key]:
        bound = datetime.fromisoformat(state["replication_key_value"]) - stream.lookback
        query = sql.SQL("select {} from {} where {} >= %s").format(
            _columns(stream.primary_keys),
            sql.Identifier(schema_of(tap), stream.name),
            sql.Identifier(state["replication_key"]),
        )
        with psycopg.connect(self.database_url) as connection:
            return set(connection.execute(query, [bound.replace(microsecond=0, tzinfo=None)]).fetchall())

    def shows(self, tap: str, event: Event, since: datetime) -> bool:
        """Tell whether something that happened has arrived.

        Args:
            tap: Whose system it happened in.
            event: What happened.
            since: The start of the last run.

        Returns:
            Whether the row was written, or is marked as deleted.
        """
        mark = "_sdc_deleted_at is not null" if event.deleted else "_sdc_received_at >= %s"
        query = sql.SQL("select 1 from {} where {} and {}").format(
            sql.Identifier(schema_of(tap), event.stream),
            sql.SQL(" and ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in event.key),
            sql.SQL(mark),
        )
        values = [*event.key.values(), *([] if event.deleted else [since.replace(tzinfo=None)])]
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(query, values).fetchone() is not None


def schema_of(tap: str) -> str:
    """Give the schema that a tap's tables are in.

    Args:
        tap: Its name.
    """
    return tap.replace("-", "_")


def _columns(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _landed(connection: psycopg.Connection, table: sql.Identifier, keys: Sequence[str], since: datetime) -> Landed:
    count = sql.SQL("select count(*), count(_sdc_deleted_at) from {}").format(table)
    total, deleted = connection.execute(count).fetchone() or (0, 0)
    written = sql.SQL("select {} from {} where _sdc_received_at >= %s").format(_columns(keys), table)
    return Landed(total - deleted, deleted, set(connection.execute(written, [since.replace(tzinfo=None)]).fetchall()))


def state_of(world: LocalWorld, tap: str) -> dict[str, Any]:
    """Read a tap's bookmarks where Meltano keeps them.

    Args:
        world: Where Meltano runs.
        tap: The tap.

    Returns:
        The state of each stream.
    """
    command = [_MELTANO, "state", "get", f"dev:{tap}-to-{LOADER}"]
    answer = subprocess.run(command, cwd=ROOT, env=dict(world.environment), capture_output=True, check=True)  # noqa: S603 - our own
    bookmarks: dict[str, Any] = json.loads(answer.stdout)["singer_state"]["bookmarks"]
    return bookmarks


def print_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table with aligned columns.

    Args:
        header: Names of the columns.
        rows: Their cells; numbers stand to the right.
    """
    widths = [max(len(str(row[column])) for row in [header, *rows]) for column in range(len(header))]
    for row in (header, ["-" * width for width in widths], *rows):
        cells = [
            str(cell).rjust(width) if isinstance(cell, int) else str(cell).ljust(width)
            for cell, width in zip(row, widths, strict=True)
        ]
        print("  ".join(cells).rstrip())
    print()


def contents(admin: AdminClient, warehouse: Warehouse) -> dict[tuple[str, str], dict[Key, object]]:
    """Take down what the sandbox holds of the incremental streams.

    Args:
        admin: The sandbox's admin.
        warehouse: Which streams there are.

    Returns:
        The replication value of each row by its key, by tap and stream.
    """
    return {
        (tap, name): {
            tuple(row[key] for key in stream.primary_keys): row.get(str(stream.replication_key))
            for row in rows(admin, tap, name)
        }
        for (tap, name), stream in ((place, warehouse.streams[place[0]][place[1]]) for place in warehouse.late)
    }


def differing(before: Mapping[Key, object], after: Mapping[Key, object]) -> set[Key]:
    """Find the rows that are new or whose replication value has moved.

    Args:
        before: Replication values by key.
        after: The same later.

    Returns:
        Keys.
    """
    return {key for key, value in after.items() if key not in before or before[key] != value}


def surplus_or_missing(
    warehouse: Warehouse, landed: Mapping[str, Mapping[str, Landed]], moved: Mapping[tuple[str, str], set[Key]]
) -> list[str]:
    """Hold what the second run read of incremental streams against what it had to.

    Args:
        warehouse: What was in it after the first run.
        landed: What is in it now.
        moved: The rows that have changed since, by tap and stream.

    Returns:
        A line for each stream of which too much or too little was read.
    """
    wrong = []
    for place, late in warehouse.late.items():
        tap, stream = place
        read = landed[tap][stream].read
        surplus = read & warehouse.known[place] - late - moved[place]
        for what, keys in (("unchanged, but read", surplus), ("changed, but not read", moved[place] - read)):
            if keys:
                wrong.append(f"{tap} {stream}: {what}: {sorted(keys)}")
    return wrong


def tell_first(landed: Mapping[str, Mapping[str, Landed]], requests: Mapping[str, int]) -> None:
    """Print what the first run brought.

    Args:
        landed: What is in the database, by tap and stream.
        requests: How many requests each tap needed.
    """
    for tap, tables in landed.items():
        full = {name: table.rows for name, table in tables.items() if table.rows}
        print(f"{tap}: {sum(full.values()):,} rows in {len(full)} tables with {requests[tap]} requests")
        words = ", ".join(f"{name} {count:,}" for name, count in sorted(full.items()))
        print(textwrap.fill(words, 120, initial_indent="  ", subsequent_indent="  "))
    print()


def tell_second(
    warehouse: Warehouse,
    landed: Mapping[str, Mapping[str, Landed]],
    moved: Mapping[tuple[str, str], set[Key]],
    requests: Mapping[str, int],
) -> None:
    """Print what the second run read.

    Args:
        warehouse: What was in it after the first run.
        landed: What is in it now.
        moved: The rows that have changed since, by tap and stream.
        requests: How many requests each tap needed.
    """
    print_table(
        ("tap", "incremental stream", "rows", "read again", "of these changed", "within look-back"),
        [
            (tap, stream, table.rows, len(table.read), len(table.read & moved[place]), len(table.read - moved[place]))
            for place, (tap, stream, table) in (
                (place, (*place, landed[place[0]][place[1]])) for place in sorted(warehouse.late)
            )
            if table.read
        ],
    )
    print("Streams without a marker of change are read whole, details and documents only where something is new:\n")
    print_table(
        ("tap", "requests", "such streams", "rows read", "rows marked as deleted"),
        [
            (
                tap,
                requests[tap],
                sum((tap, name) not in warehouse.late for name in tables),
                sum(len(table.read) for name, table in tables.items() if (tap, name) not in warehouse.late),
                sum(table.deleted for table in tables.values()),
            )
            for tap, tables in landed.items()
        ],
    )


def run_all(world: LocalWorld, names: Sequence[str], title: str) -> tuple[datetime, dict[str, int]]:
    """Run the pipeline of every tap once, in one run of Meltano.

    Args:
        world: Where.
        names: The taps.
        title: What to say of it.

    Returns:
        When it began, and how many requests the sandbox saw of each tap.

    Raises:
        SystemExit: If the pipeline fails; its log was printed.
    """
    blocks = [word for name in names for word in (name, LOADER)]
    print(f"{title}: meltano run {' '.join(blocks)}", flush=True)
    started, clock = datetime.now(UTC), time.monotonic()
    with AdminClient(world.sandbox_url) as admin:
        admin.clear_requests()
        if world.run("meltano", "run", *blocks, quiet=True):
            sys.exit("meltano run failed: its log stands above")
        systems = [request["path"].split("/")[1] for request in admin.requests()]
    print(f"done in {time.monotonic() - clock:.0f} s\n")
    return started, {name: systems.count(name.removeprefix("tap-")) for name in names}


def demo(world: LocalWorld) -> int:
    """Run everything.

    Args:
        world: Sandbox and PostgreSQL.

    Returns:
        0 if the second run read what it had to, and nothing else, of every incremental stream.
    """
    print("meltano install", flush=True)
    if world.run("meltano", "install", quiet=True):
        return 1
    warehouse = Warehouse.of(world.database_url)
    names = list(warehouse.streams)
    started, requests = run_all(world, names, "First run")
    tell_first(warehouse.landed(started), requests)
    with ThreadPoolExecutor(2) as pool:
        states = pool.map(lambda name: state_of(world, name), names)
        warehouse.note_late_rows(dict(zip(names, states, strict=True)))

    events: dict[str, list[Event]] = {}
    with AdminClient(world.sandbox_url) as admin:
        admin.advance_clock(3 * _DAY)
        before = contents(admin, warehouse)
        for name in names:
            events[name] = STORIES[name](admin)
        after = contents(admin, warehouse)
    moved = {place: differing(before[place], after[place]) for place in after}
    print("Three days later:")
    for name in names:
        words = f"{name.removeprefix('tap-')}: {', '.join(event.what for event in events[name])}"
        print(textwrap.fill(words, 120, initial_indent="  ", subsequent_indent="    "))
    print()

    started, requests = run_all(world, names, "Second run")
    landed = warehouse.landed(started)
    tell_second(warehouse, landed, moved, requests)
    wrong = surplus_or_missing(warehouse, landed, moved)
    wrong += [
        f"{name}: {event.what}, which {event.stream} does not show"
        for name in names
        for event in events[name]
        if not warehouse.shows(name, event, started)
    ]
    for line in wrong:
        print(line)
    if not wrong:
        print("All of it has arrived. Of the incremental streams, only what changed and the look-back was read again.")
    return 1 if wrong else 0


def main() -> int:
    """Run the demo; nothing of it is left when it ends, however it ends.

    Returns:
        The exit code.
    """
    try:
        with local_world(scales=SCALES) as world:
            return demo(world)
    except KeyboardInterrupt:
        print("\nStopped; everything is cleaned up.")
        return 130


if __name__ == "__main__":
    sys.exit(main())
