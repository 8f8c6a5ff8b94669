"""Writes the rows of one stream into its table: by COPY, and merged by their key."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import psycopg
import sqlalchemy
from sqlalchemy.exc import DBAPIError

from target_postgres_exact.rows import InsertedRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from target_postgres_exact.catalogue import Table
    from target_postgres_exact.columns import Column
    from target_postgres_exact.rows import Row

_LINES_PER_PIECE = 500
_numbers = count()


class TableWriter:
    """Writes rows of one schema into one table.

    Args:
        name: The quoted name of the table.
        columns: The columns that are written, in the order of the rows' texts.
        types: The type of each, as PostgreSQL names it.
        key: The names of the key's columns; none to append.
        table: What the database has.
    """

    def __init__(
        self, name: str, columns: Sequence[Column], types: Sequence[str], key: Sequence[str], table: Table
    ) -> None:
        """Put the statements together."""
        self.columns = columns
        self.types = types
        self.name = name
        self._staging_name = f"rows_{next(_numbers)}"
        self._staging = f'pg_temp."{self._staging_name}"'
        self._key = [quoted(name) for name in key]
        self._names = [quoted(column.name) for column in columns]
        self._others = [name for name in self._names if name not in self._key]
        self._has_unique_key = frozenset(key) in table.unique_keys
        self._types_agree = all(
            table.types[column.name] == type_name for column, type_name in zip(columns, types, strict=True)
        )
        # Nobody else writes to a table that this run has created: its rows are not there yet, unless a key comes twice.
        self._is_direct = self._types_agree and (not key or table.is_new)

    def write(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Write rows, each once.

        Args:
            connection: A connection in a transaction.
            rows: Rows with different keys.

        Raises:
            sqlalchemy.exc.StatementError: If the database does not take one of them; nothing is written then.
        """
        if self._is_direct and all(isinstance(row, str) for row in rows):
            try:
                with connection.begin_nested():
                    self._copy(connection, self.name, rows)
            except DBAPIError as error:
                if not (self._key and isinstance(error.orig, psycopg.errors.UniqueViolation)):
                    raise
                self._is_direct = False
            else:
                return
        with connection.begin_nested():
            self._fill_staging(connection, rows)
            for statement in self._merge():
                execute(connection, statement)
            execute(connection, f"DROP TABLE {self._staging}")

    def _fill_staging(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Create the temporary table, with the types of the stream, and fill it."""
        definitions = ", ".join(f"{name} {type_name}" for name, type_name in zip(self._names, self.types, strict=True))
        execute(connection, f"CREATE TEMPORARY TABLE {self._staging} ({definitions}) ON COMMIT DROP")
        lines = [row for row in rows if isinstance(row, str)]
        if lines:
            self._copy(connection, self._staging, lines)
        inserted = [row for row in rows if isinstance(row, InsertedRow)]
        if inserted:
            columns = [sqlalchemy.Column(column.name, column.sql_type) for column in self.columns]
            staging = sqlalchemy.Table(self._staging_name, sqlalchemy.MetaData(schema="pg_temp"), *columns)
            for row in inserted:
                connection.execute(sqlalchemy.insert(staging).values(row.values))

    def _copy(self, connection: Connection, name: str, lines: Sequence[Any]) -> None:
        cursor = connection.connection.cursor()
        try:
            with cursor.copy(f"COPY {name} ({', '.join(self._names)}) FROM STDIN") as copy:
                for start in range(0, len(lines), _LINES_PER_PIECE):
                    copy.write("\n".join(lines[start : start + _LINES_PER_PIECE]) + "\n")
        except psycopg.Error as error:
            raise _as_sqlalchemy(error, connection) from error
        finally:
            cursor.close()

    def _merge(self) -> Iterator[str]:
        """Return statements that bring the rows of the temporary table into the table; all names in them are quoted."""
        staging = self._staging
        selected = ", ".join(f"new.{name}" for name in self._names)
        insert = f"INSERT INTO {self.name} ({', '.join(self._names)}) SELECT {selected} FROM {staging} AS new"  # noqa: S608
        if not self._key:
            yield insert
            return
        if self._has_unique_key:
            changes = ", ".join(f"{name} = excluded.{name}" for name in self._others)
            action = f"UPDATE SET {changes}" if changes else "NOTHING"
            yield f"{insert} ON CONFLICT ({', '.join(self._key)}) DO {action}"
            return
        same = " AND ".join(f"old.{name} = new.{name}" for name in self._key)
        if self._others:
            changes = ", ".join(f"{name} = new.{name}" for name in self._others)
            yield f"UPDATE {self.name} AS old SET {changes} FROM {staging} AS new WHERE {same}"  # noqa: S608
        yield f"{insert} WHERE NOT EXISTS (SELECT FROM {self.name} AS old WHERE {same})"


def quoted(name: str) -> str:
    """Quote an identifier.

    Args:
        name: The name of a schema, table or column.
    """
    return '"' + name.replace('"', '""') + '"'


def execute(connection: Connection, statement: str) -> None:
    """Run a statement without parameters, in which `%` has no meaning.

    Args:
        connection: A connection in a transaction.
        statement: The statement.
    """
    connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def _as_sqlalchemy(error: psycopg.Error, connection: Connection) -> Exception:
    """Wrap an error that came past SQLAlchemy, as SQLAlchemy does it."""
    is_disconnect = connection.dialect.is_disconnect(error, connection.connection, None)  # type: ignore[arg-type]
    return DBAPIError("COPY", None, error, connection_invalidated=is_disconnect)
