"""`python -m bench.accounts`: load hundreds of accounts by workers that share a queue, and check all of it."""

from __future__ import annotations

import argparse
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import yaml
from psycopg.rows import dict_row

from bench.accounts.checks import compare_tables, most_at_once, overlaps, overruns
from bench.accounts.fleet import accounts_file, fleet
from bench.memory import MemoryWatch
from sandbox.admin_client import AdminClient
from scripts.local_world import ROOT, local_world

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bench.accounts.fleet import FleetAccount
    from scripts.local_world import LocalWorld

_ORCHESTRATE = str(Path(sys.executable).with_name("orchestrate"))
_SECONDS_BETWEEN_LOOKS = 2.0
_SECONDS_BETWEEN_SUMS = 1.0
_SLOW_DELAY_MS = 10_000
_ENOUGH_TIMES = 1_000_000
_PERCENT = 100


@dataclass(frozen=True)
class Finished:
    """What the workers did.

    Args:
        runs: Rows of `invoicing_runs`.
        wall: Seconds.
        cpu: Seconds of CPU of all workers and what they started.
        peak_mb: Megabytes: the most that they held at one time.
        in_time: Whether every account has been loaded.
    """

    runs: Sequence[Mapping[str, Any]]
    wall: float
    cpu: float
    peak_mb: float
    in_time: bool


def main() -> int:
    """Run it.

    Returns:
        0 if all that is required was met, 1 if not.
    """
    arguments = _parser().parse_args()
    accounts = fleet(arguments.accounts)
    with local_world(scale=arguments.scale, latency_ms=arguments.latency_ms) as world:
        print(f"{len(accounts)} accounts, {arguments.workers} workers of {arguments.at_once} loads each", flush=True)
        if world.run("meltano", "install", quiet=True):
            return 1
        with AdminClient(world.sandbox_url) as admin, tempfile.TemporaryDirectory() as folder:
            admin.add_accounts(*(account.in_sandbox(arguments.scale) for account in accounts))
            slow = accounts[0].name
            admin.account(slow).add_fault("*", times=_ENOUGH_TIMES, delay_ms=_SLOW_DELAY_MS)
            done = _load(world, Path(folder), accounts, arguments)
            return _report(world, admin, accounts, slow, done)


def _load(world: LocalWorld, folder: Path, accounts: Sequence[FleetAccount], arguments: argparse.Namespace) -> Finished:
    (folder / "accounts.yml").write_text(
        yaml.safe_dump(accounts_file(accounts, world.sandbox_url), sort_keys=False), encoding="utf-8"
    )
    environment = {
        **world.environment,
        **{name: value for account in accounts for name, value in account.variables().items()},
        "ORCHESTRATE_ACCOUNTS_FILE": str(folder / "accounts.yml"),
        "ORCHESTRATE_FOLDER": str(folder / "runs"),
        "ORCHESTRATE_RUNS_FILE": str(folder / "runs.jsonl"),
    }
    command = [_ORCHESTRATE, "work", f"--at-once={arguments.at_once}", "--retries=1", "--first-retry=5"]
    started, cpu = time.monotonic(), _cpu_of_children()
    with (
        MemoryWatch(_SECONDS_BETWEEN_SUMS) as memory,
        _Workers(arguments.workers, command, environment, folder) as workers,
    ):
        in_time = _wait(world.database_url, len(accounts), started + arguments.minutes * 60, workers)
        wall = time.monotonic() - started
    return Finished(_runs(world.database_url), wall, _cpu_of_children() - cpu, memory.peak_mb, in_time)


class _Workers(ExitStack):
    """Workers for the length of a block; what they say is in files."""

    def __init__(self, count: int, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        """Start them."""
        super().__init__()
        self._children: list[tuple[subprocess.Popen[bytes], Path]] = []
        for number in range(count):
            path = folder / f"worker-{number}.log"
            log = self.enter_context(path.open("wb"))
            child = subprocess.Popen(  # noqa: S603 - our own program
                command, cwd=ROOT, env=dict(environment), stdout=log, stderr=log, start_new_session=True
            )
            self.callback(child.wait)
            self.callback(child.send_signal, signal.SIGTERM)
            self._children.append((child, path))

    def check(self) -> None:
        """Raise RuntimeError if one has ended."""
        for child, path in self._children:
            if child.poll() is not None:
                raise RuntimeError(f"a worker has ended: {path.read_text(errors='replace')}")


def _wait(database_url: str, count: int, until: float, workers: _Workers) -> bool:
    """Wait until so many accounts have been loaded; return whether they were in time."""
    said = 0
    while time.monotonic() < until:
        loaded = len({run["account"] for run in _runs(database_url)})
        if loaded * 10 // count > said:
            said = loaded * 10 // count
            print(f"  {loaded} accounts", flush=True)
        if loaded == count:
            return True
        workers.check()
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    return False


def _runs(database_url: str) -> list[dict[str, Any]]:
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        exists = connection.execute(
            "select to_regclass('orchestrate.invoicing_runs') is not null as is_there"
        ).fetchone()
        if not exists or not exists["is_there"]:
            return []
        return connection.execute("select * from orchestrate.invoicing_runs order by started").fetchall()


def _cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _report(world: LocalWorld, admin: AdminClient, accounts: Sequence[FleetAccount], slow: str, done: Finished) -> int:
    failed = {run["account"]: run["error"] for run in done.runs if run["result"] != "succeeded"}
    tables = compare_tables(world.database_url, admin, accounts)
    refused = overruns(admin)
    at_once_twice = overlaps(done.runs)
    slowest = next((run for run in done.runs if run["account"] == slow), None)
    seconds = sorted((run["ended"] - run["started"]).total_seconds() for run in done.runs)
    beside = [run for run in done.runs if slowest and slowest["started"] < run["ended"] < slowest["ended"]]
    count = len({run["account"] for run in done.runs}) or 1
    print(f"\n{count} of {len(accounts)} accounts in {done.wall:,.0f} s; {len(done.runs)} runs")
    print(f"CPU: {done.cpu:,.0f} s, {done.cpu / count:.1f} s an account, without PostgreSQL and the sandbox")
    print(f"processors that were busy with it: {done.cpu / done.wall:.1f} of {os.cpu_count()}")
    print(f"memory: {done.peak_mb:,.0f} MB at most, of all workers and loads")
    if seconds:
        print(f"a run: median {seconds[len(seconds) // 2]:.1f} s, longest {seconds[-1]:.1f} s")
    if slowest:
        took = (slowest["ended"] - slowest["started"]).total_seconds()
        print(f"{slow}, each answer after {_SLOW_DELAY_MS // 1000} s: {took:.0f} s, while {len(beside)} others ended")
    print(f"at the same time: {most_at_once(done.runs)} runs at most")
    print(f"compared: {tables.tables:,} tables, {tables.rows:,} rows, {tables.values:,} values")
    faults = list(_faults(done, failed, tables.differences, refused, at_once_twice))
    for line in faults:
        print(f"FAILED: {line}")
    return 1 if faults else 0


def _faults(
    done: Finished,
    failed: Mapping[str, str],
    differences: Sequence[str],
    refused: Mapping[str, int],
    at_once_twice: Sequence[str],
) -> Iterator[str]:
    if not done.in_time:
        yield "the time was up before every account was loaded"
    yield from (f"{account}: {error}" for account, error in failed.items())
    yield from differences
    yield from (f"{account}: {count} requests were refused for the rate limit" for account, count in refused.items())
    yield from (f"loaded twice at once: {line}" for line in at_once_twice)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.accounts", description="Load many accounts; docs/scale.md.")
    parser.add_argument("--accounts", type=int, default=500, help="how many (default 500)")
    parser.add_argument("--workers", type=int, default=2, help="how many workers (default 2)")
    parser.add_argument("--at-once", type=int, default=2, help="loads of each worker at the same time (default 2)")
    parser.add_argument("--scale", type=float, default=0.05, help="rows of each account, of the sandbox's usual number")
    parser.add_argument(
        "--latency-ms", type=int, default=100, help="milliseconds that each request takes (default 100)"
    )
    parser.add_argument("--minutes", type=float, default=45, help="when to stop (default 45)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
