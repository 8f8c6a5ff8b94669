"""A Meltano project with our tap, its peers and target-postgres, and a PostgreSQL that it loads into."""

from __future__ import annotations

import json
import os
import shutil
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
import yaml
from psycopg import sql

from bench.comparison import expected_totals
from bench.paths import PEERS_SHARED, ROOT, WORK
from bench.processes import ReaderFailed, run
from bench.readers import OUR_TAP, PLAIN_TAP
from bench.session import LONGEST_RUN
from sandbox.productive.api import TOKEN, WORLD
from scripts.local_world import local_world

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from bench.processes import Cost
    from bench.session import Session

Loaded = TypeVar("Loaded")

OURS, PLAIN = "tap-productive", "tap-productive-plain"
REPLAY, NOTHING = "tap-that-replays", "tap-that-does-nothing"
"""Programs that print a catalog and messages from two files; the latter has none."""
OUR_LOADER, KEPT_LOADER, DEFAULT_LOADER = "target-postgres", "target-postgres-kept", "target-postgres-default"
"""The loader of our meltano.yml; target-postgres itself with the same settings; target-postgres with its own."""
REPLAYED_CATALOG, REPLAYED_MESSAGES = WORK / "programs" / "catalog.json", WORK / "programs" / "messages.jsonl"

_PROJECT = WORK / "meltano"
_PROGRAMS = WORK / "programs"
_PROGRAMS_OF_LOADER = ROOT / ".meltano" / "loaders" / "target-postgres" / "venv" / "bin"
_EXACT, _ITSELF = _PROGRAMS_OF_LOADER / "target-postgres-exact", _PROGRAMS_OF_LOADER / "target-postgres"
_LOADER_PROGRAMS = {OUR_LOADER: _EXACT, KEPT_LOADER: _ITSELF, DEFAULT_LOADER: _ITSELF}
_LOADER_LOCK = ROOT / "plugins" / "loaders" / "target-postgres--meltanolabs.lock"
_MELTANO = Path(sys.executable).with_name("meltano")
_EMPTY_CATALOG = {
    "streams": [{"tap_stream_id": "none", "stream": "none", "schema": {"properties": {}}, "metadata": []}]
}
_SANDBOX_SCALE = 0.05
"""The sandbox that starts with PostgreSQL is not read, but for quiet nights."""


@dataclass(frozen=True)
class MeltanoProject:
    """A Meltano project, and the database that it loads into.

    Args:
        folder: For the outputs of what is run.
        database_url: PostgreSQL, as psycopg takes it.
        sandbox_url: The sandbox.
        variables: Environment variables that Meltano needs.
    """

    folder: Path
    database_url: str
    sandbox_url: str
    variables: Mapping[str, str]

    def run(self, tap: str, loader: str, *options: str, variables: Mapping[str, str] = MappingProxyType({})) -> Cost:
        """Run a pipeline, and return what it cost, Meltano included.

        Args:
            tap: Name of a tap.
            loader: Name of a loader.
            options: Of `meltano run`; by default it runs without state.
            variables: More environment variables.

        Raises:
            ReaderFailed: If it fails.
        """
        command: list[str | Path] = [_MELTANO, "--cwd", _PROJECT, "run", *(options or ("--full-refresh",))]
        command += [tap, loader]
        cost, _ = run(command, folder=self.folder, variables={**self.variables, **variables}, seconds=LONGEST_RUN)
        return cost

    def run_loader(self, loader: str, messages: Path, schema: str) -> Cost:
        """Run a loader on a file, without Meltano and tap, and return what it cost.

        Args:
            loader: Name of a loader.
            messages: What a tap wrote.
            schema: The database schema.

        Raises:
            ReaderFailed: If it fails.
        """
        path = self.folder / "loader.json"
        place = {"sqlalchemy_url": _sqlalchemy_url(self.database_url), "default_target_schema": schema}
        path.write_text(json.dumps({**_settings_of(loader), **place}))
        command = ["/bin/sh", "-c", f"exec '{_LOADER_PROGRAMS[loader]}' --config '{path}' < '{messages}'"]
        cost, _ = run(command, folder=self.folder, variables={}, seconds=LONGEST_RUN)
        return cost

    def drop(self, schema: str) -> None:
        """Drop what was loaded.

        Args:
            schema: The database schema.
        """
        with psycopg.connect(self.database_url) as connection:
            connection.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema)))

    def with_wal(self, load: Callable[[], Loaded]) -> tuple[Loaded, float]:
        """Run something, and return with its result how many bytes of WAL the database wrote meanwhile.

        Args:
            load: What to run.
        """
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            (before,) = connection.execute("select pg_current_wal_insert_lsn()").fetchone() or ("0/0",)
            result = load()
            query = "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), %s)"
            (written,) = connection.execute(query, [before]).fetchone() or (0,)
        return result, float(written)

    def check(self, schema: str, invoices: int) -> None:
        """Compare what was loaded with what the server served.

        Args:
            schema: The database schema.
            invoices: Length of the list.

        Raises:
            ReaderFailed: If they differ.
        """
        query = sql.SQL("select count(*), count(distinct id), coalesce(sum(amount_with_tax), 0) from {}").format(
            sql.Identifier(schema, "invoices")
        )
        try:
            with psycopg.connect(self.database_url) as connection:
                loaded = connection.execute(query).fetchone()
        except psycopg.errors.UndefinedTable as error:
            raise ReaderFailed(f"{schema}.invoices does not exist") from error
        expected = expected_totals(invoices)
        if loaded is None or tuple(map(int, loaded)) != (expected.records, expected.ids, expected.amount_with_tax):
            raise ReaderFailed(f"{schema}.invoices holds {loaded}, expected {expected}")


@contextmanager
def meltano_project(
    session: Session,
    *,
    taps: Mapping[str, Mapping[str, str]],
    select: Sequence[str],
    sandbox_scale: float = _SANDBOX_SCALE,
) -> Iterator[MeltanoProject]:
    """Start PostgreSQL and write a Meltano project.

    Args:
        session: The session.
        taps: The environment variables that each tap needs, by the tap's name.
        select: The selection of their streams.
        sandbox_scale: How many rows the sandbox holds, as a multiple of its usual number; few where it is not read.

    Yields:
        The project.

    Raises:
        RuntimeError: If target-postgres cannot be installed.
    """
    with local_world(scale=sandbox_scale) as world:
        if not _EXACT.exists() and world.run("meltano", "install", OUR_LOADER, quiet=True):
            raise RuntimeError("meltano install target-postgres failed")
        shutil.rmtree(_PROJECT, ignore_errors=True)
        _PROJECT.mkdir(parents=True)
        credentials = {"auth_token": TOKEN, "organization_id": WORLD, "api_url": session.readers.api_url}
        definition = {
            "project_id": "invoicing-taps-bench",
            "send_anonymous_usage_stats": False,
            "cli": {"disable_version_check": True},
            "auto_install": False,
            "default_environment": "bench",
            "environments": [{"name": "bench"}],
            "plugins": {
                "extractors": _extractors(taps, select, credentials),
                "loaders": _loaders(world.database_url),
            },
        }
        (_PROJECT / "meltano.yml").write_text(yaml.safe_dump(definition, sort_keys=False))
        # Meltano's own database too is the one of this world, so that no state of other runs interferes.
        variables = {"MELTANO_DATABASE_URI": world.environment["MELTANO_DATABASE_URI"]}
        yield MeltanoProject(session.readers.folder, world.database_url, world.sandbox_url, variables)


def _settings_of(loader: str) -> dict[str, Any]:
    """Return a loader's settings: those of our meltano.yml, or none."""
    if loader == DEFAULT_LOADER:
        return {}
    project = yaml.safe_load((ROOT / "meltano.yml").read_text())
    (config,) = (loader["config"] for loader in project["plugins"]["loaders"] if loader["name"] == OUR_LOADER)
    return dict(config)


def schema_of(loader: str) -> str:
    """Return the database schema that a loader writes to.

    Args:
        loader: Name of a loader.
    """
    return loader.replace("-", "_")


def _extractors(
    taps: Mapping[str, Mapping[str, str]], select: Sequence[str], credentials: Mapping[str, str]
) -> list[dict[str, Any]]:
    _PROGRAMS.mkdir(parents=True, exist_ok=True)
    empty_catalog = _PROGRAMS / "empty-catalog.json"
    empty_catalog.write_text(json.dumps(_EMPTY_CATALOG))
    commands: dict[str, Sequence[str | Path]] = {
        OURS: OUR_TAP,
        PLAIN: PLAIN_TAP,
        REPLAY: [_write_replay(REPLAY, REPLAYED_CATALOG, REPLAYED_MESSAGES)],
        NOTHING: [_write_replay(NOTHING, empty_catalog, Path("/dev/null"))],
    }
    return [
        {
            "name": name,
            "namespace": name.replace("-", "_"),
            # Without a place to install it from, Meltano takes it for a tap in development, discovered in each run.
            "pip_url": name,
            "executable": str(_write_wrapper(name, commands[name], variables)),
            "capabilities": ["catalog", "discover", "state"],
            "settings": [
                *({"name": setting} for setting in credentials),
                {"name": "skip_unchanged", "kind": "boolean"},
            ],
            "config": dict(credentials),
            **({} if name == NOTHING else {"select": list(select)}),
        }
        for name, variables in taps.items()
    ]


def _loaders(database_url: str) -> list[dict[str, Any]]:
    lock = json.loads(_LOADER_LOCK.read_text())
    return [
        {
            "name": name,
            "namespace": name.replace("-", "_"),
            "executable": str(program),
            "capabilities": lock["capabilities"],
            "settings": lock["settings"],
            "config": {
                **_settings_of(name),
                "sqlalchemy_url": _sqlalchemy_url(database_url),
                "default_target_schema": schema_of(name),
            },
        }
        for name, program in _LOADER_PROGRAMS.items()
    ]


def _write_wrapper(name: str, command: Sequence[str | Path], variables: Mapping[str, str]) -> Path:
    """Write a program that Meltano can start instead of an installed tap."""
    exports = "".join(f"export {key}='{value}'\n" for key, value in variables.items())
    words = " ".join(f"'{word}'" for word in command)
    python_path = os.pathsep.join([str(ROOT), str(PEERS_SHARED)])
    return _write_program(name, f"{exports}export PYTHONPATH='{python_path}'\nexec {words} \"$@\"\n")


def _write_replay(name: str, catalog: Path, messages: Path) -> Path:
    """Write a tap that prints two files."""
    return _write_program(
        f"{name}.sh", f"case \"$*\" in *--discover*) exec cat '{catalog}' ;; esac\nexec cat '{messages}'\n"
    )


def _write_program(name: str, script: str) -> Path:
    path = _PROGRAMS / name
    path.write_text(f"#!/bin/sh\n# Written by bench/meltano_project.py.\n{script}")
    path.chmod(0o755)
    return path


def _sqlalchemy_url(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://")
