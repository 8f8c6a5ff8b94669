"""The one connection of a run to its database, which also holds the locks on the schemas that it writes to."""

from __future__ import annotations

import hashlib
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from target_postgres_exact.errors import LoadFailed, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine
    from sqlalchemy.exc import StatementError

_LOCK_SECONDS = 5
"""How long to wait for the lock: the server needs a moment to see that a run that was killed is gone."""
_IDLE_SECONDS = 30.0
"""After this time without a statement the connection is tried before it is used."""


class Session:
    """A connection that is opened when it is first needed, and again where it was cut off between two transactions.

    Args:
        engine: Where to connect to.
    """

    def __init__(self, engine: Engine) -> None:
        """Connect to nothing yet."""
        self._engine = engine
        self._connection: Connection | None = None
        self._locked: list[str] = []
        self._last_use = 0.0

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Begin a transaction, in UTC, that is committed with the block.

        Raises:
            LoadFailed: If there is no connection, or it is lost.
        """
        connection = self._connected()
        try:
            with connection.begin():
                # target-postgres writes instants with their zone into columns without one; PostgreSQL drops into those
                # the wall clock of the session's zone. Local, as a pooler may give each transaction another session.
                connection.execute(text("SET LOCAL TIME ZONE 'UTC'"))
                yield connection
        except DBAPIError as error:
            if error.connection_invalidated:
                raise LoadFailed(
                    f"The connection to the database was lost: {_without_hints(error)}. Run it again; what was"
                    " committed is kept."
                ) from error
            raise
        finally:
            self._last_use = time.monotonic()

    def lock(self, schema: str) -> None:
        """Keep other runs of this loader from writing to a schema, until this one ends.

        Args:
            schema: The database schema.

        Raises:
            LoadFailed: If another run holds the lock.
        """
        if schema not in self._locked:
            with self.transaction() as connection:
                _lock(connection, schema)
            self._locked.append(schema)

    def close(self) -> None:
        """End the connection, and with it the locks."""
        if self._connection is not None:
            if not self._connection.invalidated:
                # Not returned to the pool, where the session and its locks would live on.
                self._connection.detach()
            self._connection.close()
            self._connection = None

    def _connected(self) -> Connection:
        connection = self._connection
        if connection is not None and time.monotonic() - self._last_use > _IDLE_SECONDS and not _is_alive(connection):
            connection.close()
            connection = None
        if connection is None:
            try:
                connection = self._engine.connect()
                for schema in self._locked:
                    with connection.begin():
                        _lock(connection, schema)
            except DBAPIError as error:
                raise LoadFailed(
                    f"The database cannot be reached: {_without_hints(error)}. Check sqlalchemy_url, or host, port,"
                    " user, password and database, and whether PostgreSQL runs there."
                ) from error
        self._connection = connection
        return connection


def raise_if_lost(error: StatementError) -> None:
    """Raise an error again that no other stream would be spared.

    Args:
        error: What a statement ended with.

    Raises:
        sqlalchemy.exc.DBAPIError: If the connection is lost.
    """
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        raise error


def _without_hints(error: DBAPIError) -> str:
    """Return what psycopg says, without the questions and guesses that libpq adds in lines of their own."""
    lines = [line for line in str(error.orig).splitlines() if line.strip() and not line.startswith("\t")]
    return one_line(" ".join(lines)).rstrip(".")


def _is_alive(connection: Connection) -> bool:
    try:
        with connection.begin():
            connection.execute(text("SELECT 1"))
    except DBAPIError:
        return False
    return True


def _lock(connection: Connection, schema: str) -> None:
    key = int.from_bytes(hashlib.sha256(f"target-postgres-exact {schema}".encode()).digest()[:8], signed=True)
    try:
        connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'"))
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": key})
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.errors.LockNotAvailable):
            raise LoadFailed(
                f"Another run is loading into schema '{schema}' of this database. Wait until it has ended, or load into"
                " another schema (default_target_schema)."
            ) from error
        raise
