"""What happens to rows that the database does not take: found one by one, mended, or named in one line."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg
import sqlalchemy
from singer_sdk.singerlib.json import deserialize_json
from sqlalchemy import types
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError, StatementError

from singer_rest_core.records import RESCUED_DATA
from target_postgres_exact.catalogue import Table
from target_postgres_exact.copy_text import NULL, storable
from target_postgres_exact.errors import StreamFailed, one_line
from target_postgres_exact.rows import InsertedRow
from target_postgres_exact.session import raise_if_lost
from target_postgres_exact.table_writer import TableWriter, execute, quoted

if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from target_postgres_exact.columns import Column
    from target_postgres_exact.rows import Row

_MAX_MENDED = 100
"""Rows of one commit that are mended. Each takes a statement for every column; more of them are no accident."""
_ABOUT_ROWS = ("22", "23", "21")
"""Classes of SQLSTATE: data exception, integrity constraint violation, cardinality violation."""
_ABOUT_TYPES = ("42804", "42846")
"""Datatype mismatch, cannot coerce: of a value that is inserted, as a parameter has the type of its value."""
_ESCAPED = {"t": "\t", "n": "\n", "r": "\r"}


class Rescue:
    """Writes the rows that the database takes, and keeps values that it does not take in `_rescued_data`.

    Args:
        stream: The stream.
        writer: Writes them.
        key: The names of the key's columns.
        logger: Where a rescued column is reported, once.
    """

    def __init__(self, stream: str, writer: TableWriter, key: Sequence[str], logger: logging.Logger) -> None:
        """Begin with nothing reported."""
        self._stream = stream
        self._writer = writer
        self._key = key
        self._logger = logger
        self._columns = {column.name: column for column in writer.columns}
        self._reported: set[str] = set()

    @property
    def can_rescue(self) -> bool:
        """Whether the stream has a column for values that fit nowhere else."""
        column = self._columns.get(RESCUED_DATA)
        return column is not None and column.is_json

    def rescue(self, values: dict[str, Any], bad: Mapping[str, Any], reasons: Mapping[str, str]) -> None:
        """Move values of a row into its `_rescued_data`.

        Args:
            values: The row, which is changed.
            bad: The values that do not fit, by column.
            reasons: Why, by column.

        Raises:
            StreamFailed: If there is no such column, or the value is of the key.
        """
        key = self.key_text(values)
        for name, reason in reasons.items():
            if name in self._key or name == RESCUED_DATA or not self.can_rescue:
                raise StreamFailed(self._stream, reason, column=name, key=key)
            if name not in self._reported:
                self._reported.add(name)
                self._logger.warning(
                    "Stream '%s', column '%s', key %s: %s. The value is kept in %s; further ones are not reported.",
                    self._stream, name, key, one_line(reason), RESCUED_DATA,
                )  # fmt: skip
        held = values.get(RESCUED_DATA)
        rescued = {**(held if isinstance(held, dict) else {}), **storable(dict(bad), replace_nul=True)}
        values.update(dict.fromkeys(bad))
        values[RESCUED_DATA] = dict(sorted(rescued.items()))

    def write(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Write rows, each once.

        Args:
            connection: A connection in a transaction.
            rows: Rows with different keys.

        Raises:
            StreamFailed: If a row can neither be written nor mended.
        """
        parts, mended = [rows], 0
        while parts:
            part = parts.pop()
            try:
                self._writer.write(connection, part)
            except StatementError as error:
                raise_if_lost(error)
                if not _is_about_a_row(error, part):
                    raise self._failed(error) from error
                if len(part) > 1:
                    half = len(part) // 2
                    parts += [part[half:], part[:half]]
                    continue
                mended += 1
                if mended > _MAX_MENDED:
                    raise self._failed(error, f"; and so did {_MAX_MENDED} other rows") from error
                self._mend(connection, part[0], error)

    def key_text(self, values: Mapping[str, Any]) -> str | None:
        """Return the key of a row for messages; None if rows have none.

        Args:
            values: The row.
        """
        return ", ".join(one_line(str(values[name])) for name in self._key) if self._key else None

    def _mend(self, connection: Connection, row: Row, error: StatementError) -> None:
        """Write one row without the values that the database does not take."""
        reasons = {name: reason for name in self._columns if (reason := self._fault(connection, row, name))}
        values = self._values(row)
        key = self.key_text(values)
        if not reasons:
            raise self._failed(error, key=key) from error
        self.rescue(values, {name: values[name] for name in reasons}, reasons)
        mended = {name: insertable(self._columns[name], value) for name, value in values.items()}
        try:
            self._writer.write(connection, [InsertedRow(mended)])
        except StatementError as second:
            raise self._failed(second, key=key) from second

    def _fault(self, connection: Connection, row: Row, name: str) -> str:
        """Return why the database does not take one value of a row; empty if it does."""
        index = list(self._columns).index(name)
        column, type_name = self._columns[name], self._writer.types[index]
        if (row.split("\t")[index] == NULL) if isinstance(row, str) else is_null(row.values.get(name)):
            return ""
        attempt = connection.begin_nested()
        try:
            empty = f"SELECT {quoted(name)} FROM {self._writer.name} LIMIT 0"  # noqa: S608 - quoted names
            execute(connection, f"CREATE TEMPORARY TABLE pg_temp.fitting ON COMMIT DROP AS {empty}")
            # Its type is left unknown, so that the value goes the way over the temporary table, as in the row.
            probe = TableWriter("pg_temp.fitting", [column], [type_name], [], Table({name: ""}))
            probe.write(
                connection, [row.split("\t")[index] if isinstance(row, str) else InsertedRow({name: row.values[name]})]
            )
        except StatementError as error:
            return _reason(error)
        finally:
            attempt.rollback()
        return ""

    def _values(self, row: Row) -> dict[str, Any]:
        """Return the values of a row as JSON has them."""
        if isinstance(row, InsertedRow):
            return {name: None if is_null(value) else value for name, value in row.values.items()}
        return {
            column.name: _json_value(column, text)
            for column, text in zip(self._writer.columns, row.split("\t"), strict=True)
        }

    def _failed(self, error: StatementError, more: str = "", key: str | None = None) -> StreamFailed:
        column = error.orig.diag.column_name if isinstance(error.orig, psycopg.Error) else None
        return StreamFailed(self._stream, f"{_reason(error)}{more}", column=column, key=key)


def insertable(column: Column, value: Any) -> Any:  # noqa: ANN401 - any value of a record
    """Return a value as SQLAlchemy is to be given it: NULL for None, where it would write JSON's null.

    Args:
        column: The column.
        value: The value.
    """
    return sqlalchemy.null() if value is None and column.is_json else value


def is_null(value: object) -> bool:
    """Return whether a value of an inserted row is NULL.

    Args:
        value: What `insertable` returned.
    """
    return value is None or isinstance(value, sqlalchemy.Null)


def _is_about_a_row(error: StatementError, rows: Sequence[Row]) -> bool:
    """Return whether other rows may do better; errors that SQLAlchemy or psycopg raise in Python are about a value."""
    if not isinstance(error, DBAPIError):
        return True
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        return True
    of_one_value = state in _ABOUT_TYPES and any(isinstance(row, InsertedRow) for row in rows)
    return of_one_value or state[:2] in _ABOUT_ROWS


def _reason(error: StatementError) -> str:
    """Return what is wrong in one line, without the statement and its parameters."""
    if isinstance(error.orig, psycopg.Error) and error.orig.diag.message_primary:
        detail = error.orig.diag.message_detail
        return f"PostgreSQL says: {error.orig.diag.message_primary}{f' ({detail})' if detail else ''}"
    return str(error.orig or error)


def _json_value(column: Column, written: str) -> Any:  # noqa: ANN401 - JSON is any of six types
    """Return the value that a text for COPY was made of, as JSON has it."""
    if written == NULL:
        return None
    parts = written.split("\\\\")
    for escaped, character in _ESCAPED.items():
        parts = [part.replace(f"\\{escaped}", character) for part in parts]
    text = "\\".join(parts)
    if isinstance(column.sql_type, types.Integer | types.Numeric):
        number = Decimal(text)
        return number if number.is_finite() else text
    if isinstance(column.sql_type, types.Boolean):
        return text == "t"
    if isinstance(column.sql_type, postgresql.JSONB):
        return deserialize_json(text)
    return text
