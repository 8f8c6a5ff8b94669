"""The database of a run: one connection, what is in it, and what is missing."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sqlalchemy
from singer_sdk.sql.connector import FullyQualifiedName
from sqlalchemy import event, text
from sqlalchemy.schema import CreateSchema
from target_postgres.connector import PostgresConnector
from typing_extensions import override

from target_postgres_exact.catalogue import Catalogue, Table, type_name
from target_postgres_exact.database_url import check_database, parsed_url
from target_postgres_exact.session import Session
from target_postgres_exact.table_writer import execute, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, Engine
    from sqlalchemy.types import TypeEngine

_DRIVER = "postgresql+psycopg"


class WrongType(Exception):
    """A column of the database has a type that cannot hold what the stream sends.

    Args:
        column: The column.
        held: Its type.
        needed: The type of the stream's values.
    """

    def __init__(self, column: str, held: str, needed: str) -> None:
        """Keep all three."""
        super().__init__(f"{column} is {held}, not {needed}")
        self.column = column
        self.held = held
        self.needed = needed


class ExactConnector(PostgresConnector):
    """Prepares tables as target-postgres does, but looks into the database once."""

    @override
    def get_sqlalchemy_url(self, config: Mapping[str, Any]) -> str:
        # target-postgres also takes psycopg2, which `postgresql://` means to SQLAlchemy; COPY is written for psycopg 3.
        # Hosters print `postgres://`, which SQLAlchemy does not know.
        check_database(config)
        url = parsed_url(super().get_sqlalchemy_url(config))
        return url.set(drivername=_DRIVER).render_as_string(hide_password=False)

    @override
    def create_engine(self) -> Engine:
        engine = super().create_engine()

        @event.listens_for(engine, "connect")
        def use_utc(connection: Any, _record: object) -> None:  # noqa: ANN401 - psycopg's, without its type parameters
            """Set the zone for connections of target-postgres itself; those of `Session` set it in each transaction."""
            connection.autocommit = True
            connection.execute("SET TIME ZONE 'UTC'")
            connection.autocommit = False

        return engine

    @cached_property
    def session(self) -> Session:
        """The connection of the run."""
        return Session(self._engine)

    @cached_property
    def _catalogues(self) -> dict[str, Catalogue]:
        return {}

    def open_schema(self, schema: str | None) -> str:
        """Lock a database schema, look at what it holds, and create it where it does not exist.

        Args:
            schema: Its name; None for the connection's own.

        Returns:
            Its name.

        Raises:
            LoadFailed: If another run is loading into it.
        """
        if schema is None:
            with self.session.transaction() as connection:
                schema = str(connection.execute(text("SELECT current_schema()")).scalar_one())
        if schema not in self._catalogues:
            self.session.lock(schema)
            with self.session.transaction() as connection:
                catalogue = Catalogue(connection, schema)
                if not catalogue.exists:
                    connection.execute(CreateSchema(schema))
            self._catalogues[schema] = catalogue
        return schema

    def type_name(self, sql_type: TypeEngine[Any]) -> str:
        """Return the name of a type as PostgreSQL has it.

        Args:
            sql_type: A type as target-postgres makes it.
        """
        return type_name(sql_type, self._dialect)

    def prepare(
        self,
        connection: Connection,
        schema: str,
        table_name: str,
        properties: Mapping[str, dict[str, Any]],
        key: Sequence[str],
    ) -> Table:
        """Create a table, or add to it the columns that it lacks.

        Args:
            connection: A connection in a transaction.
            schema: The database schema, opened.
            table_name: The table.
            properties: The JSON schema of each column.
            key: The names of the key's columns.

        Returns:
            What the database has then.

        Raises:
            WrongType: If a column has a type that its values cannot be kept in.
            sqlalchemy.exc.StatementError: If the database refuses.
        """
        tables = self._catalogues[schema].tables
        types = {name: self.to_sql_type(entry) for name, entry in properties.items()}
        names = {name: self.type_name(each) for name, each in types.items()}
        table = tables.get(table_name)
        if table is None:
            metadata = sqlalchemy.MetaData(schema=schema)
            self.create_empty_table(table_name, metadata, {"properties": properties}, connection, list(key))
            table = Table(names, set(key), [frozenset(key)] if key else [], is_new=True)
        missing = {name: each for name, each in names.items() if name not in table.types}
        if missing:
            additions = ", ".join(f"ADD COLUMN {quoted(name)} {each}" for name, each in missing.items())
            execute(connection, f"ALTER TABLE {quoted(schema)}.{quoted(table_name)} {additions}")
        others = [name for name, each in names.items() if table.types.get(name, each) != each]
        if others:
            full_name = FullyQualifiedName(schema=schema, table=table_name)
            held = self.get_table_columns(schema, table_name, connection)
            for name in others:
                try:
                    self.prepare_column(full_name, name, types[name], connection, held[name])
                except NotImplementedError as error:
                    raise WrongType(name, table.types[name], names[name]) from error
        tables[table_name] = replace(table, types=table.types | missing)
        return tables[table_name]
