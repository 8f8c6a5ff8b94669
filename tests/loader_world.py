"""A real PostgreSQL, and what two loaders make of the same messages in it."""

from __future__ import annotations

import io
import json
import signal
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from scripts.local_world import embedded_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from target_postgres.target import TargetPostgres

Message = dict[str, Any]

_TIMES_OF_LOADING = ("_sdc_received_at", "_sdc_batched_at", "_sdc_sequence", "_sdc_sync_started_at")
_SETTINGS: Mapping[str, object] = {"validate_records": False, "sanitize_null_text_characters": True}
_numbers = count()


@dataclass
class Loaded:
    """What a loader said of a run.

    Args:
        states: The lines that it wrote, of which each is a state.
        failure: What it ended with, if it failed.
    """

    states: list[str]
    failure: Exception | None


@dataclass
class Database:
    """A database with two schemas: `kept` for target-postgres, `exact` for the loader that is tested."""

    url: str
    name: str = field(default_factory=lambda: f"loaded_{next(_numbers)}")

    @property
    def sqlalchemy_url(self) -> str:
        """Where it is, as loaders take it."""
        return self.url.replace("postgresql://", "postgresql+psycopg://")

    def load(
        self,
        messages: Sequence[Message | str],
        loader_name: str = "exact",
        **settings: Any,  # noqa: ANN401 - values of settings
    ) -> Loaded:
        """Let a loader, `exact` or `kept`, load messages; one that is a text is taken as it is."""
        # target-postgres shifts instants by the zone of its session.
        zone = "" if loader_name == "exact" else "&options=-c%20timezone%3DUTC"
        url = self.sqlalchemy_url + zone
        config = {**_SETTINGS, "sqlalchemy_url": url, "default_target_schema": loader_name, **settings}
        lines = [each if isinstance(each, str) else json.dumps(each) for each in messages]
        written, failure = io.StringIO(), None
        loader = _loader_class(loader_name)(config=config)
        with redirect_stdout(written):
            try:
                loader.listen(io.StringIO("".join(f"{line}\n" for line in lines)))
            except Exception as error:  # noqa: BLE001 - target-postgres ends with errors of all kinds
                failure = error
            finally:
                loader.target_connector._engine.dispose()  # noqa: SLF001 - target-postgres leaves its connections open
        return Loaded(written.getvalue().splitlines(), failure)

    def rows(self, table: str, schema: str = "exact") -> list[dict[str, Any]]:
        """Return the rows of a table."""
        query = sql.SQL("select * from {}").format(sql.Identifier(schema, table))
        with psycopg.connect(self.url, row_factory=dict_row) as connection:
            return connection.execute(query).fetchall()

    def execute(self, *statements: str) -> None:
        """Change something."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def value(self, query: str) -> Any:  # noqa: ANN401 - of any type
        """Return the one value that a query finds."""
        with psycopg.connect(self.url) as connection:
            (found,) = connection.execute(query.encode()).fetchone() or (None,)
            return found

    def content(self, schema: str) -> dict[str, Any]:
        """Return the columns, keys and values of all tables, as text, without the times of loading."""
        with psycopg.connect(self.url) as connection:
            connection.execute("set time zone 'UTC'")
            tables = connection.execute(
                "select relname, oid from pg_class where relnamespace = %s::regnamespace and relkind = 'r'", [schema]
            ).fetchall()
            return {name: _content(connection, schema, name, oid) for name, oid in tables}

    def expect_equal(self, messages: Sequence[Message | str], **settings: Any) -> dict[str, Any]:  # noqa: ANN401
        """Assert that both loaders make the same of messages, and return it."""
        kept = self.load(messages, "kept", **settings)
        exact = self.load(messages, **settings)
        assert (kept.failure, exact.failure) == (None, None)
        assert exact.states[-1:] == kept.states[-1:]
        content = self.content("exact")
        assert content == self.content("kept")
        return content


def _loader_class(name: str) -> type[TargetPostgres]:
    """Import a loader. This module is a plugin of all tests, most of which need none."""
    if name == "kept":
        from target_postgres.target import TargetPostgres  # noqa: PLC0415 - see above

        return TargetPostgres
    from target_postgres_exact.target import TargetPostgresExact  # noqa: PLC0415 - see above

    return TargetPostgresExact


def _content(connection: psycopg.Connection[Any], schema: str, table: str, oid: int) -> object:
    columns = connection.execute(
        "select attname, format_type(atttypid, atttypmod), attnotnull from pg_attribute"
        " where attrelid = %s and attnum > 0 and not attisdropped order by attnum",
        [oid],
    ).fetchall()
    parts = [_compared(name, type_name) for name, type_name, _ in columns if name not in _TIMES_OF_LOADING]
    query = sql.SQL("select {} from {}").format(sql.SQL(", ").join(parts), sql.Identifier(schema, table))
    return columns, sorted(map(repr, connection.execute(query).fetchall()))


def _compared(name: str, type_name: str) -> sql.Composable:
    """Return what is compared of a column: SQL's NULL and JSON's are one, and of a delete only that it is marked."""
    identifier = sql.Identifier(name)
    if type_name == "jsonb":
        return sql.SQL("nullif({0}, 'null')::text").format(identifier)
    if name == "_sdc_deleted_at":
        return sql.SQL("{0} is not null").format(identifier)
    return sql.SQL("{0}::text").format(identifier)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """PostgreSQL."""
    with embedded_postgres() as url:
        yield url


@pytest.fixture
def database(postgres: str) -> Iterator[Database]:
    """A database that is empty."""
    # A loader replaces the signal handlers of its process, which is ours.
    handlers = {signum: signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM)}
    made = Database(postgres)
    made.execute(f"create database {made.name}")
    made.url = postgres.replace("/postgres?", f"/{made.name}?")
    yield made
    for signum, handler in handlers.items():
        signal.signal(signum, handler)


def schema(stream: str, properties: Mapping[str, Any], key: Sequence[str] = ("id",), **more: object) -> Message:
    """Return a SCHEMA message."""
    return {
        "type": "SCHEMA",
        "stream": stream,
        "schema": {"type": "object", "properties": properties, **more},
        "key_properties": list(key),
    }


def record(stream: str, values: Mapping[str, Any], version: int | None = None, **more: object) -> Message:
    """Return a RECORD message."""
    message = {"type": "RECORD", "stream": stream, "record": values, "time_extracted": "2026-01-01T00:00:00.123456Z"}
    return {**message, **({} if version is None else {"version": version}), **more}


def activate(stream: str, version: int) -> Message:
    """Return an ACTIVATE_VERSION message."""
    return {"type": "ACTIVATE_VERSION", "stream": stream, "version": version}


def state(value: object) -> Message:
    """Return a STATE message."""
    return {"type": "STATE", "value": value}
