"""Meltano's system database in PostgreSQL: where the states and runs of all accounts are, for all machines."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

from psycopg import sql

from invoicing_orchestrate.account_run import MELTANO_SCHEMA
from invoicing_orchestrate.connection import connected
from invoicing_orchestrate.errors import ProjectError

if TYPE_CHECKING:
    import psycopg

    from invoicing_orchestrate.project import Project

_LOCK = 2_071_101_656
"""Any number: two first runs must not make its tables at once."""


def ensure_system_database(project: Project, uri: str) -> None:
    """Make the tables of Meltano's system database if there are none. Meltano itself takes no lock for that.

    Args:
        project: The project as the run of an account sees it.
        uri: The database, as SQLAlchemy takes it.

    Raises:
        ProjectError: If the database cannot be reached, or Meltano cannot make them.
    """
    plain = re.sub(r"^postgresql\+\w+://", "postgresql://", uri)
    with connected("Meltano's system database", plain, autocommit=True) as connection:
        if _exists(connection):
            return
        connection.execute("select pg_advisory_lock(%s)", [_LOCK])
        if _exists(connection):
            return
        if f"search_path={MELTANO_SCHEMA}" in uri.replace("%3D", "="):
            connection.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(MELTANO_SCHEMA)))
        command = [*project.meltano_command, "state", "list"]
        done = subprocess.run(  # noqa: S603 - Meltano
            command, cwd=project.folder, env=dict(project.environment), capture_output=True, text=True, check=False
        )
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise ProjectError(f"Meltano cannot use its system database: {said[-1] if said else 'it says nothing'}")


def _exists(connection: psycopg.Connection) -> bool:
    found = connection.execute("select to_regclass('alembic_version') is not null").fetchone()
    return found is not None and found[0]
