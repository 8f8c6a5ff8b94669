"""Makes rows of messages: many at once, column by column, or one record at a time."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from msgspec.structs import astuple
from sqlalchemy import types
from target_postgres.connector import NOTYPE

from target_postgres_exact.copy_text import NULL, has_half_character, storable
from target_postgres_exact.errors import Misfit, StreamFailed
from target_postgres_exact.rescue import insertable
from target_postgres_exact.rows import InsertedRow

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterable, Sequence

    from target_postgres_exact.columns import Column
    from target_postgres_exact.rescue import Rescue
    from target_postgres_exact.rows import Row

COMPUTED = (
    "_sdc_extracted_at",
    "_sdc_received_at",
    "_sdc_batched_at",
    "_sdc_sequence",
    "_sdc_table_version",
    "_sdc_sync_started_at",
)
"""Columns that the loader fills, whatever a record holds under these names."""
_DATE_LIKE = (types.TIMESTAMP, types.DATETIME, types.DATE, types.TIME)


class RowMaker:
    """Makes the rows of one stream.

    Args:
        stream: The stream.
        columns: Its columns, in the order of the rows' texts.
        key: The names of the key's columns.
        not_null: The columns of its table that hold no NULL.
        sync_started: When the run began, in milliseconds since 1970.
        rescue: Keeps values that do not fit.
        sanitize: Replaces NUL in a value as target-postgres does; None where it is not to be replaced.
    """

    def __init__(  # noqa: PLR0913 - each is a fact of the stream
        self,
        stream: str,
        columns: Sequence[Column],
        key: Sequence[str],
        *,
        not_null: Collection[str],
        sync_started: int,
        rescue: Rescue,
        sanitize: Callable[[Any], Any] | None,
    ) -> None:
        """Divide the columns into those that are decoded and those that are filled."""
        self.columns = columns
        self.decoded = [column for column in columns if column.name not in COMPUTED]
        """The columns whose values are in the records."""
        self._stream = stream
        self._key = [column for name in key for column in columns if column.name == name]
        self._not_null = [column.name for column in self._key if column.name in not_null]
        self._by_name = {column.name: column for column in columns}
        self._sync_started = sync_started
        self._rescue = rescue
        self._sanitize = sanitize
        self._replaced: Counter[str] = Counter()

    def take_replaced(self) -> Counter[str]:
        """Return how many values of each column had halves of characters since this was last asked."""
        replaced, self._replaced = self._replaced, Counter()
        return replaced

    def rows(
        self, messages: Sequence[Any], *, batch_started: datetime, escaped: bool
    ) -> tuple[Sequence[str], Iterable[Hashable], set[int]]:
        """Make rows of decoded messages.

        Args:
            messages: What `record_decoder` decoded.
            batch_started: When the rows of the next commit began to come.
            escaped: Whether a message holds a backslash, a tab or a carriage return.

        Returns:
            The rows, their keys, and the indices of those that are not right: their messages go through `row`.

        Raises:
            StreamFailed: If a row has no value in a column of the key.
        """
        misfits: set[int] = set()
        values = zip(*[astuple(message.record) for message in messages], strict=True)
        texts = {
            column.name: column.write_all(column_values, misfits, escaped)
            for column, column_values in zip(self.decoded, values, strict=False)
        }
        for name in COMPUTED:
            if name in self._by_name:
                texts[name] = self._computed(name, messages, misfits, batch_started)
        for name in self._not_null:
            if NULL in texts[name]:
                self._refuse_null(name)
        rows = list(map("\t".join, zip(*[texts[column.name] for column in self.columns], strict=True)))
        return rows, self._keys([texts[column.name] for column in self._key]), misfits

    def row(self, record: dict[str, Any], *, parse_dates: bool = True) -> tuple[Row, Hashable]:
        """Make a row of one record.

        Args:
            record: The record, with the values of `COMPUTED`.
            parse_dates: Whether texts of dates and times have to be in ISO 8601; False to leave them to PostgreSQL.

        Returns:
            The row, and its key.

        Raises:
            StreamFailed: If a value does not fit and cannot be rescued, or a key is missing.
        """
        values = {column.name: self._storable(column, record.get(column.name)) for column in self.columns}
        texts, misfits = {}, []
        for column in self.columns:
            value = values[column.name]
            try:
                texts[column.name] = NULL if value is None else column.write(value)
            except Misfit:
                misfits.append(column)
        for name in self._not_null:
            if texts.get(name) == NULL:
                self._refuse_null(name)
        bad = [column.name for column in misfits if parse_dates and _has_to_be_parsed(column)]
        for name in list(bad):
            moment = _moment_out_of_range(self._by_name[name], values[name])
            if moment is not None:
                values[name] = moment
                bad.remove(name)
        if bad:
            self._rescue.rescue(
                values, {name: values[name] for name in bad}, {name: _not_iso(values[name]) for name in bad}
            )
            return self.row(values)
        key = self._key_of([texts.get(column.name, repr(values[column.name])) for column in self._key], misfits)
        if not misfits:
            return "\t".join(texts[column.name] for column in self.columns), key
        return InsertedRow({name: insertable(self._by_name[name], value) for name, value in values.items()}), key

    def _key_of(self, texts: list[str], misfits: Collection[Column]) -> Hashable:
        if not self._key or any(column in misfits for column in self._key):
            return tuple(texts)
        return next(iter(self._keys([[text] for text in texts])))

    def _storable(self, column: Column, value: Any) -> Any:  # noqa: ANN401 - any value of a record
        made = self._made_storable(column, value)
        # Most are the same object: only what was changed is looked at once more.
        if made is not value and made != value and has_half_character(value):
            self._replaced[column.name] += 1
        return made

    def _made_storable(self, column: Column, value: Any) -> Any:  # noqa: ANN401 - any value of a record
        if isinstance(column.sql_type, NOTYPE) and self._sanitize:
            value = self._sanitize(value)  # which leaves what is deeper in an object escaped, as text
            return storable(value, replace_nul=False)
        return storable(value, replace_nul=self._sanitize is not None)

    def _computed(
        self, name: str, messages: Sequence[Any], misfits: set[int], batch_started: datetime
    ) -> Sequence[str]:
        if name == "_sdc_extracted_at":
            column = self._by_name[name]
            return column.write_all([message.time_extracted for message in messages], misfits, True)  # noqa: FBT003
        if name == "_sdc_table_version":
            return [NULL if message.version is None else str(message.version) for message in messages]
        if name == "_sdc_sequence":
            return [str(round(time.time() * 1000))] * len(messages)
        if name == "_sdc_sync_started_at":
            return [str(self._sync_started)] * len(messages)
        moment = datetime.now(UTC) if name == "_sdc_received_at" else batch_started
        return [moment.replace(tzinfo=None).isoformat(" ")] * len(messages)

    def _keys(self, texts: Sequence[Sequence[str]]) -> Iterable[Hashable]:
        parts = [
            each if column.key is None else [text if text == NULL else column.key(text) for text in each]
            for column, each in zip(self._key, texts, strict=True)
        ]
        return parts[0] if len(parts) == 1 else zip(*parts, strict=True)

    def _refuse_null(self, name: str) -> None:
        raise StreamFailed(self._stream, "a record has no value in this column of the key.", column=name)


def _has_to_be_parsed(column: Column) -> bool:
    """Return whether singer-sdk parses the values of a column, and fails where it cannot."""
    return isinstance(column.sql_type, _DATE_LIKE)


def _moment_out_of_range(column: Column, value: object) -> datetime | None:
    """Return an instant that does not fit only because it is outside of Python's years once it is in UTC."""
    if not (isinstance(value, str) and isinstance(column.sql_type, types.TIMESTAMP | types.DATETIME)):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def _not_iso(value: object) -> str:
    return f"{value!r:.60} is not a date or time in ISO 8601"
