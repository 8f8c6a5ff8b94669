"""Fixtures for complete pipelines: Meltano with its plugins, and a real PostgreSQL."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, LiteralString
from uuid import uuid4

import psycopg
import pytest
from psycopg.rows import dict_row

from scripts.local_world import ROOT, local_world
from tests.wheels import build

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sandbox.server import RunningSandbox
    from scripts.local_world import LocalWorld
    from tests.wheels import BuiltDistributions

MELTANO = str(Path(sys.executable).with_name("meltano"))


@dataclass
class Pipeline:
    """A tap into a database of its own, with a Meltano state of its own."""

    database_url: str
    environment: Mapping[str, str]
    tap: str = "tap-productive"

    def selecting(self, *streams: str) -> Pipeline:
        """Return the same pipeline for some streams of the tap."""
        name = f"{self.tap.upper().replace('-', '_')}__SELECT"
        selection = json.dumps([f"{stream}.*" for stream in streams])
        return replace(self, environment={**self.environment, name: selection})

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `meltano` without waiting for it; it is the leader of its process group."""
        return subprocess.Popen(
            [MELTANO, *arguments],
            cwd=ROOT,
            env=dict(self.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        """Run `meltano run <tap> target-postgres`; return the exit code and what was printed."""
        child = self.start("run", *arguments, self.tap, "target-postgres")
        output, _ = child.communicate()
        return child.returncode, output

    def rows(self, query: LiteralString, *values: object) -> list[dict[str, Any]]:
        """Query the database; tables are in the schema of the tap."""
        with psycopg.connect(self.database_url, row_factory=dict_row) as connection:
            connection.execute(f"set search_path to {self.tap.replace('-', '_')}".encode())
            return connection.execute(query, values).fetchall()


@pytest.fixture(scope="session")
def meltano_world() -> Iterator[LocalWorld]:
    """PostgreSQL and the plugins; its sandbox is not used, as tests inspect one of their own."""
    with local_world(scale=0.1) as running:
        assert running.run("meltano", "install") == 0
        yield running


@pytest.fixture
def pipeline(meltano_world: LocalWorld, sandbox: RunningSandbox, tmp_path: Path) -> Pipeline:
    """A pipeline that has never run."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(meltano_world.database_url, autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
    database_url = meltano_world.database_url.replace("/postgres?", f"/{name}?")
    return Pipeline(
        database_url,
        {
            **meltano_world.environment,
            "MELTANO_DATABASE_URI": f"sqlite:///{tmp_path}/meltano.db",
            "SANDBOX_URL": sandbox.url,
            "SANDBOX_DOCUMENTS": str(tmp_path / "documents"),
            "SANDBOX_DATABASE_URL": database_url.replace("postgresql://", "postgresql+psycopg://"),
            "NO_COLOR": "1",
            "PATH": os.environ["PATH"],
        },
    )


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> BuiltDistributions:
    """Our distributions, built as for PyPI."""
    return build(tmp_path_factory.mktemp("dist"))
