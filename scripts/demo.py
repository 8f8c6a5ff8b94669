"""The main job: every tap through Meltano into a real PostgreSQL, without any account.

Reads the sandbox completely, makes a few changes in it, and reads again. Then checks that every change has arrived,
that of the incremental streams only changes and the look-back were read again, and that no whole list was written
again that has not changed. Where a list may move while it is
read, a row counts as deleted once two complete reads missed it: such taps run a third time. Last, it builds and tests
the model over all systems, and asks it five questions.
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.admin_client import AdminClient, AdminError
from sandbox.clock import WORLD_START
from scripts.local_world import ROOT, local_world
from scripts.meltano_files import LOADER
from scripts.model_answers import answers
from scripts.system_changes import CHANGES_BY_TAP, rows_in_sandbox
from scripts.warehouse import Warehouse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scripts.local_world import LocalWorld
    from scripts.system_changes import Change
    from scripts.warehouse import Key, TableContent

SCALES = {"invobi": 0.12, "invoicetronic": 0.1}
"""Details and documents cost one request each, of 60 or 100 a minute: small accounts need no waiting."""

PAGE = ROOT / "output" / "demo.html"
_DAY = 86_400.0
_DAYS_LATER = 3
_MELTANO = str(Path(sys.executable).with_name("meltano"))
_WIDTH = 120
_SUMMARY = re.compile(r"([\d,]+) rows read, ([\d,]+) written, with")
"""What the last line of a tap says."""
_MODEL_SUMMARY = re.compile(r"Done\. PASS=(\d+) .*TOTAL=(\d+)")
"""What the last line of dbt says."""


def state_of(world: LocalWorld, tap: str) -> dict[str, Any]:
    """Return a tap's bookmarks by stream, from where Meltano keeps them.

    Args:
        world: Where Meltano runs.
        tap: The tap.
    """
    command = [_MELTANO, "state", "get", f"dev:{tap}-to-{LOADER}"]
    answer = subprocess.run(command, cwd=ROOT, env=dict(world.environment), capture_output=True, check=True)  # noqa: S603 - our own
    bookmarks: dict[str, Any] = json.loads(answer.stdout)["singer_state"]["bookmarks"]
    return bookmarks


def print_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table with aligned columns.

    Args:
        header: Names of the columns.
        rows: Their cells; numbers are aligned to the right.
    """
    widths = [max(len(str(row[column])) for row in [header, *rows]) for column in range(len(header))]
    for row in (header, ["-" * width for width in widths], *rows):
        cells = [
            str(cell).rjust(width) if isinstance(cell, int) else str(cell).ljust(width)
            for cell, width in zip(row, widths, strict=True)
        ]
        print("  ".join(cells).rstrip())
    print()


def replication_values(admin: AdminClient, warehouse: Warehouse) -> dict[tuple[str, str], dict[Key, object]]:
    """Return what the sandbox holds of the incremental streams.

    Args:
        admin: The sandbox's admin.
        warehouse: Knows the incremental streams.

    Returns:
        The replication value of each row by its key, by tap and stream.
    """
    values = {}
    for tap, name in warehouse.known:
        stream = warehouse.streams[tap][name]
        values[tap, name] = {
            tuple(row[key] for key in stream.primary_keys): row.get(str(stream.replication_key))
            for row in rows_in_sandbox(admin, tap, name)
        }
    return values


def changed_keys(before: Mapping[Key, object], after: Mapping[Key, object]) -> set[Key]:
    """Return the keys of rows that are new, or that have another replication value.

    Args:
        before: Replication values by key.
        after: The same later.
    """
    return {key for key, value in after.items() if key not in before or before[key] != value}


def unexpected_reads(
    warehouse: Warehouse,
    contents: Mapping[str, Mapping[str, TableContent]],
    changed: Mapping[tuple[str, str], set[Key]],
) -> list[str]:
    """Compare what the second run read of incremental streams with what it had to read.

    Args:
        warehouse: What was known after the first run.
        contents: What the tables hold now.
        changed: The rows that have changed since, by tap and stream.

    Returns:
        A line for each stream of which too much or too little was read.
    """
    lines = []
    for (tap, stream), due in warehouse.due_again.items():
        read = contents[tap][stream].read
        surplus = read & warehouse.known[tap, stream] - due - changed[tap, stream]
        missing = changed[tap, stream] - read
        for what, keys in (("unchanged, but read", surplus), ("changed, but not read", missing)):
            if keys:
                lines.append(f"{tap} {stream}: {what}: {sorted(keys)}")
    return lines


def print_first_run(contents: Mapping[str, Mapping[str, TableContent]], requests: Mapping[str, int]) -> None:
    """Print the number of rows in each table.

    Args:
        contents: What the tables hold, by tap and stream.
        requests: The number of requests of each tap.
    """
    for tap, tables in contents.items():
        filled = {name: table.rows for name, table in tables.items() if table.rows}
        print(f"{tap}: {sum(filled.values()):,} rows in {len(filled)} tables with {requests[tap]} requests")
        words = ", ".join(f"{name} {count:,}" for name, count in sorted(filled.items()))
        print(textwrap.fill(words, _WIDTH, initial_indent="  ", subsequent_indent="  "))
    print()


def print_second_run(
    warehouse: Warehouse,
    contents: Mapping[str, Mapping[str, TableContent]],
    changed: Mapping[tuple[str, str], set[Key]],
    requests: Mapping[str, int],
    rows: Mapping[str, tuple[int, int]],
) -> None:
    """Print what was read again, and what of it was written.

    Args:
        warehouse: What was known after the first run.
        contents: What the tables hold now.
        changed: The rows that have changed since, by tap and stream.
        requests: The number of requests of each tap.
        rows: How many rows each tap has read and written.
    """
    incremental = {(tap, stream): contents[tap][stream] for tap, stream in sorted(warehouse.known)}
    print_table(
        ("tap", "incremental stream", "rows", "read again", "of these changed", "within look-back"),
        [
            (*place, table.rows, len(table.read), len(table.read & changed[place]), len(table.read - changed[place]))
            for place, table in incremental.items()
            if table.read
        ],
    )
    print("Streams without a marker of change are read completely; of whole lists only the changed ones are written:\n")
    print_table(
        ("tap", "requests", "rows read", "rows written", "rows marked as deleted", "whole lists written"),
        [
            (
                tap,
                requests[tap],
                *rows[tap],
                sum(table.deleted for table in tables.values()),
                ", ".join(written_lists(warehouse, contents, tap)) or "none",
            )
            for tap, tables in contents.items()
        ],
    )


def written_lists(warehouse: Warehouse, contents: Mapping[str, Mapping[str, TableContent]], tap: str) -> list[str]:
    """Return the whole lists of a tap of which the last run has written rows.

    Args:
        warehouse: Knows the streams.
        contents: What the tables hold now.
        tap: The tap.
    """
    return [name for name, table in contents[tap].items() if table.read and name in warehouse.whole_lists(tap)]


def whole_lists(admin: AdminClient, warehouse: Warehouse) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Return what the sandbox holds of the lists that are read completely.

    Args:
        admin: The sandbox's admin.
        warehouse: Knows the streams.

    Returns:
        The rows by tap and stream, without lists that the sandbox makes of others.
    """
    found = {}
    for tap in warehouse.streams:
        for name in warehouse.whole_lists(tap):
            with contextlib.suppress(AdminError):
                found[tap, name] = rows_in_sandbox(admin, tap, name)
    return found


@dataclass(frozen=True)
class FinishedRun:
    """A run of the pipeline of every tap.

    Args:
        started: When it started.
        requests: How many requests of each tap the sandbox has received.
        rows: How many rows each tap has read, and how many of them it has written.
    """

    started: datetime
    requests: Mapping[str, int]
    rows: Mapping[str, tuple[int, int]]


def run_all(world: LocalWorld, names: Sequence[str], title: str) -> FinishedRun:
    """Run the pipeline of every tap once, in one run of Meltano.

    Args:
        world: Sandbox and PostgreSQL.
        names: The taps.
        title: The heading to print.

    Returns:
        What it did.

    Raises:
        SystemExit: If the pipeline fails; its log was printed.
    """
    blocks = [word for name in names for word in (name, LOADER)]
    print(f"{title}: meltano run {' '.join(blocks)}", flush=True)
    started, clock = datetime.now(UTC), time.monotonic()
    with AdminClient(world.sandbox_url) as admin:
        admin.clear_requests()
        code, output = world.run_quietly("meltano", "run", *blocks)
        if code:
            sys.exit("meltano run failed: see its log above")
        systems = [request["path"].split("/")[1] for request in admin.requests()]
    print(f"done in {time.monotonic() - clock:.0f} s\n")
    counts = [tuple(int(count.replace(",", "")) for count in found) for found in _SUMMARY.findall(output)]
    return FinishedRun(
        started,
        {name: systems.count(name.removeprefix("tap-")) for name in names},
        {name: (read, written) for name, (read, written) in zip(names, counts, strict=True)},
    )


def change_systems(
    world: LocalWorld, warehouse: Warehouse
) -> tuple[dict[str, list[Change]], dict[tuple[str, str], set[Key]]]:
    """Make the changes of three days in every system of the sandbox, and print them.

    Args:
        world: Sandbox and PostgreSQL.
        warehouse: Knows the incremental streams.

    Returns:
        The changes by tap, and the rows of incremental streams that they changed, by tap and stream.
    """
    with AdminClient(world.sandbox_url) as admin:
        admin.advance_clock(_DAYS_LATER * _DAY)
        before = replication_values(admin, warehouse)
        changes = {name: CHANGES_BY_TAP[name](admin) for name in warehouse.streams}
        after = replication_values(admin, warehouse)
    print("Three days later:")
    for name, made in changes.items():
        words = f"{name.removeprefix('tap-')}: {', '.join(change.what for change in made)}"
        print(textwrap.fill(words, _WIDTH, initial_indent="  ", subsequent_indent="    "))
    print()
    return changes, {place: changed_keys(before[place], after[place]) for place in after}


def not_shown(
    warehouse: Warehouse, changes: Mapping[str, Sequence[Change]], started: datetime
) -> dict[str, list[Change]]:
    """Return the changes that have not arrived, by tap; taps without any are left out.

    Args:
        warehouse: Where the last run wrote.
        changes: The changes by tap.
        started: The start of the last run.
    """
    missing = {
        name: [change for change in made if not warehouse.shows(name, change, started)]
        for name, made in changes.items()
    }
    return {name: made for name, made in missing.items() if made}


def build_model(world: LocalWorld) -> bool:
    """Build the model over all systems, run its tests, and print what it says.

    Args:
        world: Sandbox and PostgreSQL, as the last run left them.

    Returns:
        Whether all of it was built, and its tests passed; if not, the log of dbt was printed.
    """
    today = (WORLD_START + timedelta(days=_DAYS_LATER)).date()
    print("The model over all systems: meltano run dbt:build", flush=True)
    clock = time.monotonic()
    dated = replace(world, environment={**world.environment, "DBT_AS_OF": today.isoformat()})
    code, output = dated.run_quietly("meltano", "run", "dbt:build")
    if code:
        return False
    found = _MODEL_SUMMARY.search(output)
    done = f", {found[1]} of {found[2]} steps and tests passed" if found else ""
    print(f"done in {time.monotonic() - clock:.0f} s{done}; the sandbox's day is {today:%d %B %Y}\n")
    for line in answers(world.database_url, today):
        print(textwrap.fill(line, _WIDTH, initial_indent="  ", subsequent_indent="    "))
    print()
    return write_page(world)


def write_page(world: LocalWorld) -> bool:
    """Write the page over the model, and print where it is.

    Args:
        world: Sandbox and PostgreSQL, with the model built.

    Returns:
        Whether it was written; if not, the log of Meltano was printed.
    """
    dated = replace(world, environment={**world.environment, "INVOICING_PAGE_OUTPUT": str(PAGE)})
    code, _ = dated.run_quietly("meltano", "run", "invoicing-page:write")
    if not code:
        print(f"All of it on one page, to open in a browser: {PAGE}")
    return not code


def demo(world: LocalWorld) -> int:
    """Run everything.

    Args:
        world: Sandbox and PostgreSQL.

    Returns:
        0 if the second run read every change, of the incremental streams nothing else but the look-back, and wrote of
        whole lists the changed ones alone, and if the model was built and passed its tests.
    """
    print("meltano install", flush=True)
    if world.run("meltano", "install", quiet=True):
        return 1
    warehouse = Warehouse.at(world.database_url)
    names = list(warehouse.streams)
    first = run_all(world, names, "First run")
    print_first_run(warehouse.contents(first.started), first.requests)
    with ThreadPoolExecutor(2) as pool:
        states = pool.map(lambda name: state_of(world, name), names)
        warehouse.remember_rows(dict(zip(names, states, strict=True)))

    with AdminClient(world.sandbox_url) as admin:
        before = whole_lists(admin, warehouse)
        changes, changed = change_systems(world, warehouse)
        after = whole_lists(admin, warehouse)

    second = run_all(world, names, "Second run")
    contents = warehouse.contents(second.started)
    print_second_run(warehouse, contents, changed, second.requests, second.rows)
    errors = unexpected_reads(warehouse, contents, changed)
    errors += [
        f"{tap} {name}: unchanged, but written"
        for tap in contents
        for name in written_lists(warehouse, contents, tap)
        if (tap, name) in before and before[tap, name] == after[tap, name]
    ]
    missing = not_shown(warehouse, changes, second.started)
    if missing and all(change.deleted for made in missing.values() for change in made):
        print("Rows that one complete read missed and a second one has to confirm:")
        for name, made in missing.items():
            print(f"  {name.removeprefix('tap-')}: {', '.join(change.what for change in made)}")
        print()
        third = run_all(world, list(missing), "Third run")
        missing = not_shown(warehouse, missing, third.started)
    errors += [
        f"{name}: {change.what}, which {change.stream} does not show"
        for name, made in missing.items()
        for change in made
    ]
    for line in errors:
        print(line)
    if not errors:
        print("Every change has arrived. Of the incremental streams, only changes and the look-back were read again.\n")
    is_built = build_model(world)
    return 1 if errors or not is_built else 0


def main() -> int:
    """Run the demo; however it ends, it leaves nothing behind.

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
