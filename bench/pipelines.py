"""The whole way: Meltano, a tap, target-postgres and a real PostgreSQL; and what a run costs that finds nothing new."""

from __future__ import annotations

import json
import shutil
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import yaml
from psycopg import sql

from bench.environments import PEERS, PLACE, ROOT, python_of
from bench.processes import ReaderFailed, run
from bench.readers import lists, write_wrapper
from bench.report import Section, at_least, below, number, ratio
from bench.runs import LONGEST_RUN, expected
from bench.statistics import measured, medians
from sandbox.productive.api import TOKEN, WORLD
from scripts.local_world import local_world

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from bench.processes import Cost
    from bench.runs import Bench
    from bench.statistics import Measured

PROJECT = PLACE / "meltano"
LOADER = ROOT / ".meltano" / "loaders" / "target-postgres" / "venv" / "bin" / "target-postgres"
_LOCK = ROOT / "plugins" / "loaders" / "target-postgres--meltanolabs.lock"
_MELTANO = Path(sys.executable).with_name("meltano")
_OURS, _PLAIN = "tap-productive", "tap-productive-plain"
_NOOP, _REPLAY = "tap-that-does-nothing", "tap-that-replays"
_HOUSE, _DEFAULT, _COPY = "target-postgres", "target-postgres-default", "target-postgres-copy"
_EMPTY_CATALOG = {
    "streams": [{"tap_stream_id": "none", "stream": "none", "schema": {"properties": {}}, "metadata": []}]
}
_NO_CATALOG = PLACE / "programs" / "no-catalog.json"
_CATALOG, _MESSAGES = PLACE / "programs" / "catalog.json", PLACE / "programs" / "messages.jsonl"


@dataclass(frozen=True)
class Pipelines:
    """A Meltano project with both taps and both ways to set the loader, and a database for it.

    Args:
        bench: The bench.
        database_url: PostgreSQL, as psycopg takes it.
        environment: What Meltano needs in its environment.
    """

    bench: Bench
    database_url: str
    environment: Mapping[str, str]

    def run(self, tap: str, loader: str) -> Cost:
        """Run a pipeline, from nothing.

        Args:
            tap: Which tap.
            loader: Which loader.

        Returns:
            What it cost, Meltano included.

        Raises:
            ReaderFailed: If it fails.
        """
        command: list[str | Path] = [_MELTANO, "--cwd", PROJECT, "run", "--full-refresh", tap, loader]
        cost, _ = run(command, folder=self.bench.site.folder, own_environment=self.environment, seconds=LONGEST_RUN)
        return cost

    def loader_alone(self, messages: Path, config: Mapping[str, object]) -> Cost:
        """Feed the loader from a file, without Meltano and tap.

        Args:
            messages: What a tap wrote.
            config: The loader's.

        Returns:
            What it cost.

        Raises:
            ReaderFailed: If it fails.
        """
        path = self.bench.site.folder / "loader.json"
        path.write_text(json.dumps({**config, "sqlalchemy_url": _for_sqlalchemy(self.database_url)}))
        command = ["/bin/sh", "-c", f"exec '{LOADER}' --config '{path}' < '{messages}'"]
        cost, _ = run(command, folder=self.bench.site.folder, own_environment={}, seconds=LONGEST_RUN)
        return cost

    def drop(self, schema: str) -> None:
        """Forget what was loaded.

        Args:
            schema: Where.
        """
        with psycopg.connect(self.database_url) as connection:
            connection.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema)))

    def check(self, schema: str, invoices: int) -> None:
        """Hold what was loaded against what the server gave.

        Args:
            schema: Where it is.
            invoices: How many there were.

        Raises:
            ReaderFailed: If it is anything else.
        """
        query = sql.SQL("select count(*), count(distinct id), coalesce(sum(amount_with_tax), 0) from {}").format(
            sql.Identifier(schema, "invoices")
        )
        try:
            with psycopg.connect(self.database_url) as connection:
                found = connection.execute(query).fetchone()
        except psycopg.errors.UndefinedTable as error:
            raise ReaderFailed(f"{schema}.invoices does not exist") from error
        there = expected(invoices)
        if found is None or tuple(map(int, found)) != (there.records, there.ids, there.amount_with_tax):
            raise ReaderFailed(f"{schema}.invoices holds {found}, but there was {there}")


@contextmanager
def pipelines(bench: Bench, *, taps: Mapping[str, Mapping[str, str]], select: Sequence[str]) -> Iterator[Pipelines]:
    """Start PostgreSQL and write the Meltano project.

    Args:
        bench: The bench.
        taps: What each tap needs in its environment, by name.
        select: What is selected of their streams.

    Yields:
        What to run.

    Raises:
        RuntimeError: If target-postgres cannot be installed.
    """
    with local_world(scale=0.05) as world:
        if not LOADER.exists() and world.run("meltano", "install", _HOUSE, quiet=True):
            raise RuntimeError("meltano install target-postgres failed")
        shutil.rmtree(PROJECT, ignore_errors=True)
        PROJECT.mkdir(parents=True)
        project = _project(bench, taps, select, world.database_url)
        (PROJECT / "meltano.yml").write_text(yaml.safe_dump(project, sort_keys=False))
        # A database of its own, as in local_world, so that no state of other runs is in the way.
        yield Pipelines(bench, world.database_url, {"MELTANO_DATABASE_URI": world.environment["MELTANO_DATABASE_URI"]})


def _project(bench: Bench, taps: Mapping[str, Mapping[str, str]], select: Sequence[str], url: str) -> dict[str, Any]:
    commands: dict[str, list[str | Path]] = {
        _OURS: [sys.executable, "-m", "bench.our_tap"],
        _PLAIN: [python_of("singer_sdk"), PEERS / "singer_sdk" / "tap.py"],
        _REPLAY: [_write_replay(_REPLAY, _CATALOG, _MESSAGES)],
        _NOOP: [_write_replay(_NOOP, _NO_CATALOG, Path("/dev/null"))],
    }
    _NO_CATALOG.write_text(json.dumps(_EMPTY_CATALOG))
    credentials = {"auth_token": TOKEN, "organization_id": WORLD, "api_url": bench.site.api_url}
    extractors = [
        {
            "name": name,
            "namespace": name.replace("-", "_"),
            "executable": str(write_wrapper(name, commands[name], own)),
            "capabilities": ["catalog", "discover", "state"],
            "settings": [{"name": setting} for setting in credentials],
            "config": credentials,
            **({} if name == _NOOP else {"select": list(select)}),
        }
        for name, own in taps.items()
    ]
    lock = json.loads(_LOCK.read_text())
    loaders = [
        {
            "name": name,
            "namespace": name.replace("-", "_"),
            "executable": str(LOADER),
            "capabilities": lock["capabilities"],
            "settings": lock["settings"],
            "config": {**config, "sqlalchemy_url": _for_sqlalchemy(url), "default_target_schema": _schema(name)},
        }
        for name, config in (
            (_HOUSE, house_settings()),
            (_DEFAULT, {}),
            (_COPY, {**house_settings(), "use_copy": True}),
        )
    ]
    return {
        "project_id": "invoicing-taps-bench",
        "send_anonymous_usage_stats": False,
        "cli": {"disable_version_check": True},
        "default_environment": "bench",
        "environments": [{"name": "bench"}],
        "plugins": {"extractors": extractors, "loaders": loaders},
    }


def house_settings() -> dict[str, Any]:
    """The loader's settings in our meltano.yml."""
    project = yaml.safe_load((ROOT / "meltano.yml").read_text())
    (config,) = (loader["config"] for loader in project["plugins"]["loaders"] if loader["name"] == _HOUSE)
    return dict(config)


def _write_replay(name: str, catalog: Path, messages: Path) -> Path:
    """Write a tap that is nothing but two files."""
    path = PLACE / "programs" / f"{name}.sh"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\ncase \"$*\" in *--discover*) exec cat '{catalog}' ;; esac\nexec cat '{messages}'\n")
    path.chmod(0o755)
    return path


def _schema(loader: str) -> str:
    return loader.replace("-", "_")


def _for_sqlalchemy(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://")


def whole_way(bench: Bench) -> Section:
    """Into PostgreSQL by Meltano: ours with our settings, the plain tap with the loader's default ones."""
    size = bench.options.of(100_000, 5_000)
    section = Section(
        f"Into PostgreSQL, 0 ms, no quota: {size:,} invoices",
        ("pipeline", "wall s", "records/s", "without start", "CPU s", "peak MB", "rate / plain"),
    )
    own = {_OURS: {"BENCH_NO_QUOTA": "1"}, _PLAIN: bench.site.plain().environment}
    with pipelines(bench, taps=own, select=["invoices.*"]) as project:
        messages = bench.site.folder / "messages"
        bench.read(bench.site.our_tap(bench.site.concurrencies(8)[-1]), size)
        (bench.site.folder / "out").rename(messages)

        def piped(label: str, tap: str, loader: str, invoices: int) -> Callable[[], Measured]:
            def once() -> Measured:
                project.drop(_schema(loader))
                bench.server.reset(invoices=invoices, list_rows=0)
                cost = project.run(tap, loader)
                project.check(_schema(loader), invoices)
                return measured(label, invoices, cost, bench.server.log())

            return once

        def alone(label: str, config: Mapping[str, object]) -> Callable[[], Measured]:
            def once() -> Measured:
                project.drop("alone")
                cost = project.loader_alone(messages, {**config, "default_target_schema": "alone"})
                project.check("alone", size)
                return measured(label, size, cost)

            return once

        ours, plain = f"{_OURS}, loader as in our meltano.yml", f"{_PLAIN}, loader's default settings"
        crossed = f"{_PLAIN}, loader as in our meltano.yml"
        copied = f"{_OURS}, loader as in our meltano.yml, but with COPY"
        house_alone, default_alone = "(loader alone, our settings)", "(loader alone, default settings)"
        runs = bench.in_turn(
            [
                (ours, piped(ours, _OURS, _HOUSE, size)),
                (plain, piped(plain, _PLAIN, _DEFAULT, size)),
                (crossed, piped(crossed, _PLAIN, _HOUSE, size)),
                (copied, piped(copied, _OURS, _COPY, size)),
                (house_alone, alone(house_alone, house_settings())),
                (default_alone, alone(default_alone, {})),
                (f"{ours}, empty", piped(ours, _OURS, _HOUSE, 0)),
                (f"{plain}, empty", piped(plain, _PLAIN, _DEFAULT, 0)),
            ],
            notes=section.notes,
        )
    found = {
        label: medians(runs[label], runs.get(f"{label}, empty", ()))
        for label in (ours, plain, crossed, copied, house_alone, default_alone)
        if label in runs
    }
    slow = found.get(plain)
    for label, each in found.items():
        section.rows.append(
            (
                label,
                number(each.wall, 1),
                number(each.rate),
                "-" if each.base_wall is None else number(each.steady_rate),
                number(each.cpu, 1),
                number(each.peak_mb),
                number(ratio(each.rate, slow.rate) if slow else None, 2),
            )
        )
    section.notes.append(
        "CPU is Meltano, tap and loader together, without PostgreSQL; peak is the largest process of them"
    )
    section.notes.append(
        "rows, ids and the sum of amount_with_tax in the database are those of the API, checked after every run"
    )
    section.notes.append(
        "COPY is not what our meltano.yml sets: target-postgres 0.8.1 then passes decimals through float, which rounds "
        "those of more than 15 digits"
    )
    fast = found.get(ours)
    value = ratio(fast.rate, slow.rate) if fast and slow else None
    section.targets.append(at_least("whole way into PostgreSQL against plain", value, 2.5))
    return section


def nothing_new(bench: Bench) -> Section:
    """A run that finds nothing: the tap alone, and Meltano's whole with it and with its recorded messages."""
    count = 100
    section = Section(
        f"A run with nothing new: {count} empty streams at 0 ms", ("run", "wall s", "CPU s", "peak MB", "requests")
    )
    tap = bench.site.our_lists(count, bench.site.concurrencies(8)[-1], quota=True)
    own: dict[str, dict[str, str]] = {_OURS: {}, _REPLAY: {}, _NOOP: {}}
    with pipelines(bench, taps=own, select=[f"{stream.name}.*" for stream in lists(count)]) as project:

        def alone(*arguments: str) -> Measured:
            bench.server.reset(invoices=0, list_rows=0)
            cost, _ = run(
                [*tap.command, *arguments],
                folder=bench.site.folder,
                own_environment=tap.environment,
                seconds=LONGEST_RUN,
            )
            return measured(tap.label, 0, cost, bench.server.log())

        def piped(label: str, name: str) -> Callable[[], Measured]:
            def once() -> Measured:
                bench.server.reset(invoices=0, list_rows=0)
                cost = project.run(name, _HOUSE)
                return measured(label, 0, cost, bench.server.log())

            return once

        for arguments, recording in ((("--discover",), _CATALOG), ((), _MESSAGES)):
            alone(*arguments)
            shutil.copyfile(bench.site.folder / "out", recording)
        labels = {name: f"meltano run {name} {_HOUSE}" for name in own}
        pipes = {name: piped(label, name) for name, label in labels.items()}
        for task in pipes.values():
            _once_unmeasured(task)
        # Whether something adds half a second shows only over more rounds: Meltano's own start varies by as much.
        tasks = [(tap.label, alone), *((labels[name], task) for name, task in pipes.items())]
        runs = bench.in_turn(tasks, notes=section.notes, rounds=max(bench.options.rounds, 3))
    found = {label: medians(each) for label, each in runs.items()}
    for label, each in found.items():
        section.rows.append(
            (label, number(each.wall, 2), number(each.cpu, 2), number(each.peak_mb), number(each.requests))
        )
    ours, replayed = found.get(labels[_OURS]), found.get(labels[_REPLAY])
    idle = found.get(labels[_NOOP])
    against_replay = ours.wall - replayed.wall if ours and replayed else None
    against_nothing = ours.wall - idle.wall if ours and idle else None
    # The words allow both readings; the second holds us to work of Meltano and loader that grows with streams.
    what = f"a run with {count} empty streams: what our tap adds"
    section.targets += [
        below(f"{what} to a replay of its messages", against_replay, 0.6, unit=" s", digits=2),
        below(f"{what} to a run without streams", against_nothing, 0.6, unit=" s", digits=2),
    ]
    section.notes += [
        f"{_REPLAY} gives the catalog and the messages of our tap from two files: what is more than that is our tap",
        "Meltano starts the tap twice, to discover and to read",
        f"{_NOOP} has no streams: what is more than that is what Meltano and the loader take for {count} streams",
    ]
    return section


def _once_unmeasured(task: Callable[[], Measured]) -> None:
    """Run something once before it is measured; if it fails, that shows when it is."""
    try:
        task()
    except ReaderFailed:
        return
