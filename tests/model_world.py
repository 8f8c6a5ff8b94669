"""The model in a real PostgreSQL: dbt in an environment of its own, and databases that the taps have filled."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import yaml
from psycopg.rows import dict_row

from scripts.local_world import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

AS_OF = date(2026, 3, 19)
"""Three days after the sandbox's first."""

_ENVIRONMENT = ROOT / ".venv-dbt"
_PROJECT = ROOT / "transform"
_FOREIGN = ("TARGET_", "DBT_", "MELTANO_", "PG")
_MARTS = (
    "parties",
    "invoices",
    "invoice_lines",
    "tax_breakdown",
    "payments",
    "payment_terms",
    "receivables",
    "payables",
    "turnover_by_month",
    "budgets",
    "freshness",
)


def sandbox_vars() -> dict[str, Any]:
    """Return dbt's variables in Meltano's environment `dev`: what the sandbox's 2invoice calls its columns."""
    meltano = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    development = next(each for each in meltano["environments"] if each["name"] == "dev")
    plugin = next(each for each in development["config"]["plugins"]["utilities"] if each["name"] == "dbt")
    variables: dict[str, Any] = plugin["config"]["vars"]
    return variables


@dataclass(frozen=True)
class Dbt:
    """The program that Meltano starts, in an environment of its own."""

    program: Path
    folder: Path
    """For what dbt writes."""

    @property
    def project(self) -> Path:
        """The dbt project."""
        return _PROJECT

    @property
    def python(self) -> str:
        """Its Python."""
        return str(self.program.with_name("python"))

    def target(self, schema: str = "invoicing") -> Path:
        """Where dbt writes what it knows of the project."""
        return self.folder / f"target-{schema}"

    def run(self, database_url: str, *arguments: str, schema: str = "invoicing", **variables: object) -> str:
        """Run dbt, which must succeed, and return what it printed."""
        done = self.attempt(database_url, *arguments, schema=schema, **variables)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def attempt(
        self, database_url: str, *arguments: str, schema: str = "invoicing", **variables: object
    ) -> subprocess.CompletedProcess[str]:
        """Run dbt for a database, with variables of its own; the marts are in the schema."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
        settings = {
            "TARGET_POSTGRES_SQLALCHEMY_URL": database_url.replace("postgresql://", "postgresql+psycopg://"),
            "MELTANO_PROJECT_ROOT": str(ROOT),
            "DBT_AS_OF": AS_OF.isoformat(),
            "DBT_VARS": yaml.safe_dump(sandbox_vars() | variables),
            "INVOICING_DBT_SCHEMA": schema,
            # What dbt has parsed holds for one schema.
            "DBT_TARGET_PATH": str(self.target(schema)),
            "DBT_LOG_PATH": str(self.folder / "logs"),
        }
        command = [str(self.program), *arguments]
        return subprocess.run(command, env=environment | settings, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def dbt(tmp_path_factory: pytest.TempPathFactory) -> Dbt:
    """Dbt, installed once for all tests and all runs of them."""
    program = _ENVIRONMENT / "bin" / "invoicing-dbt"
    sources = [_PROJECT / "pyproject.toml", _PROJECT / "invoicing_dbt.py"]
    uv = str(Path(sys.executable).with_name("uv"))
    environment = {name: value for name, value in os.environ.items() if name != "UV_PROJECT_ENVIRONMENT"}
    install = [uv, "pip", "install", "--quiet", "--python", str(_ENVIRONMENT), "--reinstall-package", "invoicing-dbt"]
    with (ROOT / ".venv-dbt.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            command = [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(_ENVIRONMENT)]
            subprocess.run(command, env=environment, check=True)
        if not program.exists() or program.stat().st_mtime < max(path.stat().st_mtime for path in sources):
            subprocess.run([*install, str(_PROJECT)], env=environment, cwd=_PROJECT, check=True)
            program.touch()
    return Dbt(program, tmp_path_factory.mktemp("dbt"))


def rows(database_url: str, query: str, *values: object) -> list[dict[str, Any]]:
    """Query a database."""
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        return connection.execute(query.encode(), values).fetchall()


def marts(database_url: str, schema: str = "invoicing") -> dict[str, list[dict[str, Any]]]:
    """Return all rows of all marts, in order of their values."""
    return {
        mart: sorted(rows(database_url, f"select * from {schema}.{mart}"), key=repr)  # noqa: S608 - of our own names
        for mart in _MARTS
    }


def by_key(database_url: str, mart: str, key: str) -> Mapping[str, dict[str, Any]]:
    """Return the rows of a mart by a column that is unique."""
    return {row[key]: row for row in rows(database_url, f"select * from invoicing.{mart}")}  # noqa: S608 - of our own names
