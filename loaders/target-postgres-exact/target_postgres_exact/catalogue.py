"""What a database schema holds: its tables, their columns and unique keys, read once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.engine import Dialect
    from sqlalchemy.types import TypeEngine

_COLUMNS = text("""
    SELECT class.relname, attribute.attname, format_type(attribute.atttypid, attribute.atttypmod), attribute.attnotnull
    FROM pg_catalog.pg_class AS class
    JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
    LEFT JOIN pg_catalog.pg_attribute AS attribute
        ON attribute.attrelid = class.oid AND attribute.attnum > 0 AND NOT attribute.attisdropped
    WHERE namespace.nspname = :schema AND class.relkind IN ('r', 'p', 'v', 'm', 'f')
""")
# Those that ON CONFLICT can name by their columns.
_UNIQUE_KEYS = text("""
    SELECT class.relname, array_agg(attribute.attname::text)
    FROM pg_catalog.pg_index AS index
    JOIN pg_catalog.pg_class AS class ON class.oid = index.indrelid
    JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
    JOIN pg_catalog.pg_attribute AS attribute
        ON attribute.attrelid = index.indrelid
        AND attribute.attnum = ANY ((index.indkey::int2[])[0:index.indnkeyatts - 1])
    WHERE namespace.nspname = :schema AND index.indisunique AND index.indimmediate AND index.indisvalid
        AND index.indpred IS NULL AND index.indexprs IS NULL
    GROUP BY class.relname, index.indexrelid
""")
_SCHEMA = text("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = :schema")


@dataclass
class Table:
    """A table as the database has it.

    Args:
        types: The type of each column, as PostgreSQL names it.
        not_null: The columns that hold no NULL.
        unique_keys: The sets of columns that are unique.
        is_new: Whether this run created it.
    """

    types: dict[str, str] = field(default_factory=dict)
    not_null: set[str] = field(default_factory=set)
    unique_keys: list[frozenset[str]] = field(default_factory=list)
    is_new: bool = False


class Catalogue:
    """The tables of one database schema, kept up to date with what the run itself creates.

    Args:
        connection: Where to read it.
        schema: The database schema.
    """

    def __init__(self, connection: Connection, schema: str) -> None:
        """Look into the database."""
        parameters = {"schema": schema}
        self.exists = connection.execute(_SCHEMA, parameters).first() is not None
        """Whether the schema exists."""
        self.tables: dict[str, Table] = {}
        if not self.exists:
            return
        for name, column, type_name, not_null in connection.execute(_COLUMNS, parameters):
            table = self.tables.setdefault(name, Table())
            if column is not None:
                table.types[column] = type_name
                table.not_null |= {column} if not_null else set()
        for name, columns in connection.execute(_UNIQUE_KEYS, parameters):
            self.tables[name].unique_keys.append(frozenset(columns))


def type_name(sql_type: TypeEngine[Any], dialect: Dialect) -> str:
    """Return the name of a type as `format_type` of PostgreSQL has it.

    Args:
        sql_type: A type as target-postgres makes it.
        dialect: The dialect of the database.
    """
    compiled = str(sql_type.compile(dialect=dialect)).lower().replace(", ", ",")
    return compiled.replace("decimal", "numeric", 1)
