"""One stream on its way into its table."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import text
from sqlalchemy.exc import StatementError
from target_postgres.sinks import PostgresSink
from typing_extensions import override

from target_postgres_exact.columns import column
from target_postgres_exact.connector import ExactConnector, WrongType
from target_postgres_exact.errors import KeyMissing, StreamFailed
from target_postgres_exact.mended_copy import column_processors
from target_postgres_exact.messages import in_words
from target_postgres_exact.record_types import record_decoder
from target_postgres_exact.rescue import Rescue
from target_postgres_exact.row_maker import COMPUTED, RowMaker
from target_postgres_exact.rows import PendingRows
from target_postgres_exact.session import raise_if_lost
from target_postgres_exact.table_writer import TableWriter, quoted
from target_postgres_exact.validation import RecordValidator

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy
    from msgspec.json import Decoder
    from singer_sdk.helpers.conform import DatetimeErrorTreatmentEnum
    from sqlalchemy import Connection

    from target_postgres_exact.catalogue import Table

_LONGEST_NAME = 63
"""Bytes of a name in PostgreSQL, which cuts off the rest."""
_MAX_IGNORED = 100
"""Properties unknown to the schema that are compiled into the types, as names may come without end."""


class ExactSink(PostgresSink):
    """Writes one stream by COPY, into a table as target-postgres makes it."""

    connector_class = ExactConnector
    connector: ExactConnector

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as in the base
        """Begin with nothing prepared."""
        super().__init__(*args, **kwargs)
        self.failure: Exception | None = None
        """Why the stream cannot be loaded; its records are dropped then."""
        self.decoder: Decoder[Any] | None = None
        """Decodes the stream's RECORD messages; None where singer-sdk has to see each record."""
        self._schema_name = ""
        self._rows: RowMaker | None = None
        self._rescue: Rescue | None = None
        self._pending = PendingRows(keyed=bool(self.key_properties), max_rows=self.max_size)
        self._batch_started = datetime.now(UTC)
        self._ignored: set[str] = {*COMPUTED, "_sdc_deleted_at"} - self.schema["properties"].keys() | set(COMPUTED)

    @override
    def get_validator(self) -> RecordValidator | None:
        if not self.validate_schema:
            return None
        return RecordValidator(self.stream_name, self.schema, self.key_properties)

    @override
    def _singer_validate_message(self, record: dict[str, Any]) -> None:
        for name in self.key_properties:
            if name not in record:
                raise KeyMissing(self.stream_name, "a record has no value in this column of the key.", column=name)

    def take_replaced(self) -> Counter[str]:
        """Return how many values of each column had halves of characters since this was last asked."""
        return self._rows.take_replaced() if self._rows is not None else Counter()

    @override
    def setup(self) -> None:
        self.append_only = not self.key_properties
        self._check_names()
        properties = self.schema["properties"]
        self._schema_name = self.connector.open_schema(self.schema_name)
        with self.connector.session.transaction() as connection:
            table = self._prepared(connection)
        columns = [column(name, entry, self.connector.to_sql_type(entry)) for name, entry in properties.items()]
        known = [each for each in columns if each is not None]
        if not known or len(known) < len(columns):
            unknown = [name for name, each in zip(properties, columns, strict=True) if each is None]
            self.logger.info("Left to target-postgres, for the types of: %s", ", ".join(unknown))
            return
        types = [self.connector.type_name(each.sql_type) for each in known]
        writer = TableWriter(self._quoted_name, known, types, self.key_properties, table)
        self._rescue = Rescue(self.stream_name, writer, self.key_properties, self.logger)
        self._rows = RowMaker(
            self.stream_name,
            known,
            self.key_properties,
            not_null=table.not_null,
            sync_started=self.sync_started_at,
            rescue=self._rescue,
            sanitize=self.sanitize_null_text_characters if self.connector.sanitize_null_text_characters else None,
        )

    def compile_decoder(self) -> None:
        """Have RECORD messages decoded into types made of the schema, where all its columns are known."""
        if self._rows is not None:
            open_to_any = self.schema.get("additionalProperties", False) or len(self._ignored) > _MAX_IGNORED
            self.decoder = record_decoder(
                self.stream_name,
                self._rows.decoded,
                required=self.key_properties,
                ignored=None if open_to_any else self._ignored,
            )

    def add_messages(self, messages: Sequence[Any], *, escaped: bool) -> set[int]:
        """Add decoded RECORD messages, up to the first whose values do not fit the columns.

        Args:
            messages: What `decoder` decoded.
            escaped: Whether one of them holds a backslash, a tab or a carriage return.

        Returns:
            The indices of messages that do not fit. If there are any, nothing was added.

        Raises:
            StreamFailed: If a row has no key.
        """
        if self._rows is None:
            raise TypeError("messages are decoded only where all columns are known")
        self._begin_batch()
        rows, keys, misfits = self._rows.rows(messages, batch_started=self._batch_started, escaped=escaped)
        if not misfits:
            self._pending.add(rows, keys)
            self.tally_record_read(len(rows))
            self.record_counter_metric.increment(len(rows))
        return misfits

    def give_up(self, failure: Exception) -> None:
        """Drop the rows that wait, and all that come.

        Args:
            failure: Why the stream cannot be loaded.
        """
        self.failure = failure
        self.decoder = None
        self._pending.take()
        self.start_drain()

    @property
    @override
    def is_full(self) -> bool:
        """Never, for singer-sdk, which drains a full sink alone: `wants_commit` commits all, and a STATE with them."""
        return False

    @property
    def wants_commit(self) -> bool:
        """Whether as many rows wait as are committed together."""
        return self._pending.is_full or (self._rows is None and self.current_size >= self.max_size)

    @override
    def process_record(self, record: dict[str, Any], context: dict[str, Any]) -> None:
        if self.failure is not None:
            return
        if self._rows is None:
            super().process_record(record, context)
            return
        self._begin_batch()
        row, key = self._rows.row(record)
        self._pending.add([row], [key])

    @override
    def process_batch(self, context: dict[str, Any]) -> None:
        if self.failure is not None:
            return
        if self._rows is None:
            super().process_batch(context)
            return
        self._write_pending()
        # Records of a BATCH file come here as they are, and are not parsed.
        for record in context.get("records", ()):
            if not isinstance(record, dict):
                raise StreamFailed(
                    self.stream_name,
                    f"a file of a BATCH message holds {in_words(record)} as a record; correct the tap.",
                )
            row, key = self._rows.row(record, parse_dates=False)
            self._pending.add([row], [key])
            if self._pending.is_full:
                self._write_pending()
        self._write_pending()

    @override
    def activate_version(self, new_version: int) -> None:
        if self.config["activate_version"] is False:
            super().activate_version(new_version)
            return
        table = self._quoted_name
        version, deleted_at = quoted(self.version_column_name), quoted(self.soft_delete_column_name)
        older = f"({version} < :new_version OR {version} IS NULL)"
        if self.config["hard_delete"]:
            statement = f"DELETE FROM {table} WHERE {older}"  # noqa: S608 - quoted names
        else:
            statement = f"UPDATE {table} SET {deleted_at} = now() WHERE {older} AND {deleted_at} IS NULL"  # noqa: S608
        try:
            with self.connector.session.transaction() as connection:
                parameters = {"new_version": new_version}
                connection.execute(text(statement), parameters)
        except StatementError as error:
            raise StreamFailed(self.stream_name, f"version {new_version}: {error.orig or error}") from error

    @override
    def _do_copy(
        self,
        connection: sqlalchemy.Connection,
        copy_statement: str,
        columns: list[sqlalchemy.Column[Any]],
        data_to_copy: list[dict[str, Any]],
    ) -> None:
        processors = column_processors(columns, connection.dialect)
        with connection.connection.cursor().copy(copy_statement) as copy:
            for row in data_to_copy:
                copy.write_row([processors[name](value) for name, value in row.items()])

    @override
    def _parse_timestamps_in_record(
        self, record: dict[str, Any], schema: dict[str, Any], treatment: DatetimeErrorTreatmentEnum
    ) -> None:
        if self._rows is None:
            super()._parse_timestamps_in_record(record, schema, treatment)
            return
        # Columns parse their own values, and can rescue them. What else singer-sdk does here is to report properties
        # that are not in the schema.
        unknown = record.keys() - schema["properties"].keys() - self._ignored
        if unknown and not schema.get("additionalProperties", False):
            for name in sorted(unknown):
                if record[name] is not None:
                    self.logger.warning("No schema for record field '%s'", name)
            self._ignored |= unknown
            if self.decoder is not None:
                self.compile_decoder()

    def _prepared(self, connection: Connection) -> Table:
        """Return the table, as it is once it has all columns."""
        properties = self.schema["properties"]
        try:
            return self.connector.prepare(
                connection, self._schema_name, self.table_name, properties, self.key_properties
            )
        except WrongType as error:
            reason = (
                f"it is {error.held} in the database and {error.needed} in the stream, and the loader changes no types."
                f" Run ALTER TABLE {self._quoted_name} ALTER COLUMN {quoted(error.column)} TYPE {error.needed},"
                " or rename the column."
            )
            raise StreamFailed(self.stream_name, reason, column=error.column) from error
        except StatementError as error:
            raise_if_lost(error)
            raise StreamFailed(self.stream_name, f"its table cannot be prepared: {error.orig or error}") from error

    @property
    def _quoted_name(self) -> str:
        return f"{quoted(self._schema_name)}.{quoted(self.table_name)}"

    def _begin_batch(self) -> None:
        if not len(self._pending):
            self._batch_started = datetime.now(UTC)

    def _write_pending(self) -> None:
        rows = self._pending.take()
        if rows and self._rescue is not None:
            with self.connector.session.transaction() as connection:
                self._rescue.write(connection, rows)

    def _check_names(self) -> None:
        names = {"table": [self.table_name], "schema": [self.schema_name or ""], "column": self.schema["properties"]}
        for kind, each in names.items():
            for name in each:
                if len(name.encode()) > _LONGEST_NAME:
                    reason = f"the name of its {kind} '{name}' has more than {_LONGEST_NAME} bytes, which is as long as"
                    raise StreamFailed(
                        self.stream_name, f"{reason} names in PostgreSQL are. Rename it (stream_maps), or leave it out."
                    )
        for name in self.key_properties:
            if name not in self.schema["properties"]:
                raise StreamFailed(self.stream_name, "the key names a column that the schema lacks.", column=name)
