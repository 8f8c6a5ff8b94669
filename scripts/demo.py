"""The main job: every tap through Meltano into a real PostgreSQL, twice, without any account.

Reads the sandbox whole, lets its world move on by a few changes, reads again, and checks that of the incremental
streams only these (and the look-back) were read again.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
from psycopg import sql

from sandbox.admin_client import AdminClient
from scripts.local_world import ROOT, local_world

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scripts.local_world import LocalWorld

JOB = ("tap-productive", "target-postgres")
SCHEMA = "tap_productive"
LOOKBACK = timedelta(days=1)
_DAY = 86_400.0


@dataclass
class Landed:
    """What is in the database of one stream.

    Args:
        rows: Rows that are not marked as deleted.
        deleted: Rows that are.
        read: Ids of the rows that the last run wrote.
        bookmark: The replication key and its newest value, if the stream is incremental.
    """

    rows: int
    deleted: int
    read: set[str]
    bookmark: tuple[str, str] | None = None


def move_on(admin: AdminClient) -> list[str]:
    """Let the sandbox's world move on by a few changes.

    Args:
        admin: The sandbox's admin.

    Returns:
        What was done, for people.
    """
    admin.advance_clock(3 * _DAY)
    task = admin.update("tasks", admin.records("tasks")[7]["id"], {"title": "Send the invoice"})
    entry = admin.create("time_entries", {"time": 90})
    kept, gone = (record["id"] for record in admin.records("invoices")[10:12])
    admin.update("invoices", kept, {"subject": "Second reminder"})
    company = admin.archive("companies", admin.records("companies")[3]["id"])
    admin.delete("invoices", gone)
    return [
        f"task {task['id']} changed",
        f"time entry {entry['id']} new",
        f"invoice {kept} changed",
        f"company {company['id']} archived",
        f"invoice {gone} deleted",
    ]


def contents(admin: AdminClient, streams: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Take down what the sandbox holds.

    Args:
        admin: The sandbox's admin.
        streams: Of which streams.

    Returns:
        The attributes of each row, by stream and id.
    """
    return {name: {row["id"]: row["attributes"] for row in admin.records(name)} for name in streams}


def differing(before: dict[str, Any], after: dict[str, Any], key: str | None = None) -> set[str]:
    """Find the rows that are new or differ.

    Args:
        before: Rows by id.
        after: The same rows later.
        key: Look at this attribute alone.

    Returns:
        Ids.
    """
    return {
        id_
        for id_, row in after.items()
        if id_ not in before or (row.get(key) != before[id_].get(key) if key else row != before[id_])
    }


def landed(database_url: str, bookmarks: dict[str, Any], since: datetime) -> dict[str, Landed]:
    """Look what is in the database.

    Args:
        database_url: PostgreSQL.
        bookmarks: The tap's state by stream.
        since: The start of the last run.

    Returns:
        Each table's rows and what the last run wrote.
    """
    with psycopg.connect(database_url) as connection:
        tables = _column(connection, "select table_name from information_schema.tables where table_schema = %s", SCHEMA)
        return {table: _landed(connection, table, bookmarks.get(table, {}), since) for table in sorted(tables)}


def _landed(connection: psycopg.Connection, table: str, bookmark: dict[str, Any], since: datetime) -> Landed:
    name = sql.Identifier(SCHEMA, table)
    count = sql.SQL("select count(*), count(_sdc_deleted_at) from {}").format(name)
    total, deleted = connection.execute(count).fetchone() or (0, 0)
    written = sql.SQL("select id from {} where _sdc_received_at >= %s").format(name)
    read = {row[0] for row in connection.execute(written, [since.replace(tzinfo=None)])}
    key = bookmark.get("replication_key")
    return Landed(total - deleted, deleted, read, (key, bookmark["replication_key_value"]) if key else None)


def late_rows(database_url: str, table: str, bookmark: tuple[str, str]) -> set[str]:
    """Find the rows that an incremental stream reads again though they have not changed.

    Args:
        database_url: PostgreSQL, before the second run.
        table: The stream.
        bookmark: Its replication key and bookmark after the first run.

    Returns:
        Ids of the rows from the bookmark on; from a day before it on where the key may be written late.
    """
    key, value = bookmark
    lookback = LOOKBACK if key == "last_activity_at" else timedelta(0)
    bound = (datetime.fromisoformat(value) - lookback).replace(microsecond=0, tzinfo=None)
    query = sql.SQL("select id from {} where {} >= %s").format(sql.Identifier(SCHEMA, table), sql.Identifier(key))
    with psycopg.connect(database_url) as connection:
        return {row[0] for row in connection.execute(query, [bound])}


def _column(connection: psycopg.Connection, query: LiteralString, *values: str) -> list[str]:
    return [row[0] for row in connection.execute(query, values)]


def state_of(world: LocalWorld) -> dict[str, Any]:
    """Read the tap's bookmarks where Meltano keeps them.

    Args:
        world: Where Meltano runs.

    Returns:
        The state of each stream.
    """
    meltano = str(Path(sys.executable).with_name("meltano"))
    command = [meltano, "state", "get", f"dev:{JOB[0]}-to-{JOB[1]}"]
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


def run_job(world: LocalWorld, title: str) -> tuple[dict[str, Landed], int]:
    """Run the pipeline once.

    Args:
        world: Where.
        title: What to say of it.

    Returns:
        What is in the database then, and how many requests the sandbox saw.

    Raises:
        SystemExit: If the pipeline fails; its log was printed.
    """
    print(f"{title}: meltano run {' '.join(JOB)}")
    started, clock = datetime.now(UTC), time.monotonic()
    with AdminClient(world.sandbox_url) as admin:
        admin.clear_requests()
        if world.run("meltano", "run", *JOB, quiet=True):
            sys.exit("meltano run failed: its log stands above")
        requests = len(admin.requests())
    print(f"done in {time.monotonic() - clock:.0f} s with {requests} requests\n")
    return landed(world.database_url, state_of(world), started), requests


def demo(world: LocalWorld) -> int:
    """Run everything.

    Args:
        world: Sandbox and PostgreSQL.

    Returns:
        0 if the second run read what it had to, and nothing else, of every incremental stream.
    """
    print("meltano install")
    if world.run("meltano", "install", quiet=True):
        return 1
    first, _ = run_job(world, "First run")
    print_table(
        ("stream", "rows", "newest bookmark"),
        [
            (name, stream.rows, f"{stream.bookmark[0]} {stream.bookmark[1]}" if stream.bookmark else "")
            for name, stream in first.items()
        ],
    )
    incremental = {name: stream.bookmark for name, stream in first.items() if stream.bookmark}
    late = {name: late_rows(world.database_url, name, bookmark) for name, bookmark in incremental.items()}
    with AdminClient(world.sandbox_url) as admin:
        before = contents(admin, list(incremental))
        print(f"Three days later: {', '.join(move_on(admin))}\n")
        after = contents(admin, list(incremental))
    changed = {name: differing(before[name], after[name], key) for name, (key, _) in incremental.items()}
    silent = {name: differing(before[name], after[name]) - changed[name] for name in incremental}
    second, _ = run_job(world, "Second run")
    print_table(
        ("incremental stream", "rows", "read again", "of these changed", "within look-back"),
        [
            (name, second[name].rows, len(read), len(read & changed[name]), len(read - changed[name]))
            for name, read in ((name, second[name].read) for name in incremental)
        ],
    )
    whole = [stream for name, stream in second.items() if name not in incremental]
    print(
        f"The other {len(whole)} streams have no marker of change in this API: read whole, "
        f"{sum(len(stream.read) for stream in whole)} rows; {sum(stream.deleted for stream in whole)} rows that have "
        "vanished since are marked as deleted.\n",
    )
    due = {name: (late[name] | changed[name]) & after[name].keys() for name in incremental}
    wrong = [name for name, ids in due.items() if second[name].read != ids]
    for name in wrong:
        print(f"{name}: read {sorted(second[name].read)}, but {sorted(due[name])} were due")
    for name in (name for name, ids in silent.items() if ids):
        print(
            f"{len(silent[name])} of {name} got other totals without its {incremental[name][0]} moving, as in the real "
            "API: the next whole read finds it (full_refresh_interval_days).",
        )
    if not wrong:
        print("Of the incremental streams, only what changed and the look-back was read again.")
    return 1 if wrong else 0


def main() -> int:
    """Run the demo; nothing of it is left when it ends, however it ends.

    Returns:
        The exit code.
    """
    try:
        with local_world() as world:
            return demo(world)
    except KeyboardInterrupt:
        print("\nStopped; everything is cleaned up.")
        return 130


if __name__ == "__main__":
    sys.exit(main())
