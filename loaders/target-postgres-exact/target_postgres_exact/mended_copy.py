"""COPY of target-postgres 0.8.1, mended: for streams with types that this loader leaves to it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import types

from target_postgres_exact import copy_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Column
    from sqlalchemy.engine import Dialect


def column_processors(columns: Sequence[Column[Any]], dialect: Dialect) -> dict[str, Callable[[Any], Any]]:
    """Return what makes the values of each column ready for `psycopg.Copy.write_row`.

    target-postgres asks the generic type for its processor, which turns decimals into float; the dialect's own type,
    which INSERT asks, leaves them exact.

    Args:
        columns: The columns.
        dialect: The dialect of the database.

    Returns:
        A function for each column, by name.
    """
    return {column.name: _processor(column.type, dialect) for column in columns}


def _processor(column_type: Any, dialect: Dialect) -> Callable[[Any], Any]:  # noqa: ANN401 - SQLAlchemy's types
    bind = column_type.dialect_impl(dialect).bind_processor(dialect)
    is_text = isinstance(column_type, types.String)

    def process(value: Any) -> Any:  # noqa: ANN401 - any value of a record
        if value is None:
            return None  # SQL's NULL, also in JSON columns
        if isinstance(value, datetime) and value.tzinfo is not None:
            # COPY drops the offset that a cast converts; a cast to text writes the instant in the session's zone.
            in_utc = value.astimezone(UTC).replace(tzinfo=None)
            return f"{_shortest(in_utc)}+00" if is_text else in_utc
        if is_text and isinstance(value, bool | int | Decimal):
            return copy_text.text(value)
        return bind(value) if bind else value

    return process


def _shortest(moment: datetime) -> str:
    """Return a moment as PostgreSQL prints it, without zeros at the end of a fraction."""
    text = moment.isoformat(" ")
    return text.rstrip("0") if "." in text else text
