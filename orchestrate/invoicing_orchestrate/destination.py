"""The PostgreSQL database that a loader writes to: the table of runs, and rows that can only be counted there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString, Self

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.types.json import Jsonb

from invoicing_orchestrate.connection import CONNECT_TIMEOUT, passwords

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from invoicing_orchestrate.record import RunRecord

SCHEMA = "orchestrate"
TABLE = "invoicing_runs"
_COUNT_TIMEOUT_MS = 120_000
"""Counting reads whole tables."""
_CREATE_LOCK = 2_071_101_655
"""Any number: two first runs must not create the table at once."""

_COLUMNS: dict[str, LiteralString] = {
    "run_id": "uuid primary key",
    "tap": "text not null",
    "loader": "text not null",
    "account": "text not null",
    "started": "timestamp with time zone not null",
    "ended": "timestamp with time zone not null",
    "result": "text not null",
    "exit_code": "integer not null",
    "error": "text",
    "rows_read": "bigint not null",
    "rows_written": "bigint",
    "rows_deleted": "bigint",
    "requests": "bigint",
    "skipped_streams": "jsonb not null",
    "failed_streams": "jsonb not null",
    "worker": "text",
    "quota_group": "text",
}
"""A column that is added later must allow null: earlier runs do not have it."""


@dataclass(frozen=True)
class Destination:
    """Where a loader writes the tables of a tap.

    Args:
        connection: The database, as libpq takes it.
        schema: The schema of the tap's tables.
    """

    connection: str
    schema: str

    @classmethod
    def of(cls, settings: Mapping[str, Any], schema: str) -> Self | None:
        """Return what the settings of target-postgres name.

        Args:
            settings: Its settings.
            schema: The schema, where the settings name none.

        Returns:
            The database; None if they name none.
        """
        schema = settings.get("default_target_schema") or schema
        url = settings.get("sqlalchemy_url")
        if url:
            return cls(re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", str(url)), schema)
        parts = {"host": "host", "port": "port", "user": "user", "password": "password", "database": "dbname"}
        given = {libpq: str(settings[name]) for name, libpq in parts.items() if settings.get(name)}
        if not given.keys() >= {"host", "dbname"}:
            return None
        if settings.get("ssl_enable"):
            given |= {"sslmode": str(settings["ssl_mode"]), "sslrootcert": str(settings["ssl_certificate_authority"])}
        return cls(make_conninfo(**given), schema)

    @property
    def secrets(self) -> list[str]:
        """The password, if there is one."""
        return passwords(self.connection)

    def rows_written(self, since: datetime) -> int:
        """Count the rows that were written.

        Args:
            since: The start of the run.

        Raises:
            psycopg.Error: If the database cannot say.
        """
        return self._count(sql.SQL("_sdc_received_at >= {}").format(_naive(since)), ["_sdc_received_at"])

    def rows_deleted(self, since: datetime) -> int:
        """Count the rows that were marked as deleted, by the loader or by the tap.

        Args:
            since: The start of the run.

        Raises:
            psycopg.Error: If the database cannot say.
        """
        condition = sql.SQL(
            "_sdc_deleted_at >= {since} or (_sdc_deleted_at is not null and _sdc_received_at >= {since})"
        ).format(since=_naive(since))
        return self._count(condition, ["_sdc_deleted_at", "_sdc_received_at"])

    def add(self, record: RunRecord) -> None:
        """Add a record to the table of runs, which is made if needed, and given the columns it lacks.

        Args:
            record: The record.

        Raises:
            psycopg.Error: If it cannot be added.
        """
        values = record.as_json() | {
            "started": record.started,
            "ended": record.ended,
            "skipped_streams": Jsonb(dict(record.skipped_streams)),
            "failed_streams": Jsonb(dict(record.failed_streams)),
        }
        table = sql.Identifier(SCHEMA, TABLE)
        insert = sql.SQL("insert into {} ({}) values ({})").format(
            table,
            sql.SQL(", ").join(map(sql.Identifier, _COLUMNS)),
            sql.SQL(", ").join(map(sql.Placeholder, _COLUMNS)),
        )
        with self._connect() as connection:
            if not self._columns(connection) >= _COLUMNS.keys():
                connection.execute("select pg_advisory_xact_lock(%s)", [_CREATE_LOCK])
                self._create(connection)
            connection.execute(insert, values)

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(self.connection, connect_timeout=CONNECT_TIMEOUT, application_name="orchestrate")

    def _columns(self, connection: psycopg.Connection) -> set[str]:
        query = "select column_name from information_schema.columns where table_schema = %s and table_name = %s"
        return {name for (name,) in connection.execute(query, [SCHEMA, TABLE])}

    def _create(self, connection: psycopg.Connection) -> None:
        """Make the schema, the table and its columns, as far as they do not exist."""
        exists = connection.execute("select 1 from pg_namespace where nspname = %s", [SCHEMA]).fetchone()
        if not exists:
            connection.execute(sql.SQL("create schema {}").format(sql.Identifier(SCHEMA)))
        table = sql.Identifier(SCHEMA, TABLE)
        columns = [sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in _COLUMNS.items()]
        connection.execute(sql.SQL("create table if not exists {} ({})").format(table, sql.SQL(", ").join(columns)))
        for column in columns:
            connection.execute(sql.SQL("alter table {} add column if not exists {}").format(table, column))

    def _count(self, condition: sql.Composed, columns: list[str]) -> int:
        """Count the rows of all tables that have certain columns."""
        query = """
            select table_name from information_schema.columns join information_schema.tables
                using (table_catalog, table_schema, table_name)
            where table_schema = %s and column_name = any(%s) and table_type = 'BASE TABLE'
            group by table_name having count(*) = %s
        """
        with self._connect() as connection:
            connection.execute(f"set statement_timeout = {_COUNT_TIMEOUT_MS}")
            tables = connection.execute(query, [self.schema, columns, len(columns)]).fetchall()
            counts = (
                connection.execute(
                    sql.SQL("select count(*) from {} where {}").format(sql.Identifier(self.schema, name), condition)
                ).fetchone()
                for (name,) in tables
            )
            return sum(count[0] for count in counts if count)


def _naive(moment: datetime) -> sql.Literal:
    """Return a UTC time without its zone, as the loader's columns hold it."""
    return sql.Literal(moment.replace(tzinfo=None))
