"""The columns of a stream: how each is decoded from a message, and how its values are written for COPY.

A column is known by the SQL type that target-postgres gives its property, and by whether singer-sdk parses its values
as dates or times. Where the two contradict each other, or the type is none of these, it is no column of ours, and its
stream takes target-postgres's own path.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from singer_sdk.helpers._typing import get_datelike_property_type
from singer_sdk.singerlib.json import deserialize_json
from sqlalchemy import types
from sqlalchemy.dialects import postgresql
from target_postgres.connector import NOTYPE

from singer_rest_core.records import fast_column_to_utc
from target_postgres_exact import copy_text
from target_postgres_exact.copy_text import NULL, escape
from target_postgres_exact.errors import Misfit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy.types import TypeEngine

_INTEGER_BITS = ((postgresql.BIGINT, 64), (postgresql.SMALLINT, 16), (postgresql.INTEGER, 32))
_MICROSECONDS = len("2025-07-25T04:05:10.043000")
_CACHED_DATES = 100_000
_NO_JSON = "null"


@dataclass(frozen=True)
class Column:
    """One column of a stream.

    Args:
        name: Its name, which is the property's.
        sql_type: What target-postgres makes of its property.
        form: The type that msgspec decodes its values into.
        write: Returns the text of one value that is not null; raises `Misfit`.
        write_all: Returns the texts of many values as decoded into `form`, adds to the set the indices of those that do
            not fit, and is told whether any of their messages holds a backslash, a tab or a carriage return: without
            those nothing is to be escaped. No message holds an escaped NUL.
        key: Makes equal what are texts of one value, where the column is part of the key.
    """

    name: str
    sql_type: TypeEngine[Any]
    form: Any
    write: Callable[[Any], str]
    write_all: Callable[[Sequence[Any], set[int], bool], Sequence[str]]
    key: Callable[[str], object] | None = None

    @property
    def is_json(self) -> bool:
        """Whether target-postgres would write a null as JSON's."""
        return isinstance(self.sql_type, postgresql.JSONB)


def column(name: str, entry: dict[str, Any], sql_type: TypeEngine[Any]) -> Column | None:
    """Return the column of a property.

    Args:
        name: The property.
        entry: Its JSON schema.
        sql_type: What target-postgres makes of it.

    Returns:
        The column; None if its values cannot be known to be written as target-postgres writes them.
    """
    date_like = get_datelike_property_type(entry)
    if date_like is not None:
        return _date_like(name, date_like, sql_type)
    if isinstance(sql_type, postgresql.ARRAY):
        return _array(name, sql_type)
    return _integer(name, sql_type) or _other(name, sql_type)


def _other(name: str, sql_type: TypeEngine[Any]) -> Column | None:
    raw, any_text, text = msgspec.Raw, copy_text.any_text, copy_text.text
    number, boolean = copy_text.number, copy_text.boolean
    kinds: tuple[tuple[type, Column], ...] = (
        (NOTYPE, Column(name, sql_type, raw, any_text, _decoded_later(any_text))),
        (postgresql.JSONB, Column(name, sql_type, raw, copy_text.json_document, _write_json)),
        (postgresql.UUID, Column(name, sql_type, str | None, copy_text.uuid_text, _write_texts, copy_text.uuid_key)),
        (types.TEXT, Column(name, sql_type, str | None, text, _write_texts)),
        (types.BOOLEAN, Column(name, sql_type, bool | None, boolean, _write_booleans)),
        (types.DECIMAL, Column(name, sql_type, Decimal | None, number, _write_plain, Decimal)),
    )
    return next((column for kind, column in kinds if type(sql_type) is kind), None)


def _integer(name: str, sql_type: TypeEngine[Any]) -> Column | None:
    for integer_type, bits in _INTEGER_BITS:
        if isinstance(sql_type, integer_type):
            smallest, largest = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
            form = Annotated[int, msgspec.Meta(ge=smallest, le=largest)] | None
            return Column(name, sql_type, form, copy_text.integer_within(smallest, largest), _write_plain)
    return None


def _date_like(name: str, date_like: str, sql_type: TypeEngine[Any]) -> Column | None:
    if date_like == "date-time" and isinstance(sql_type, types.TIMESTAMP | types.DATETIME):
        write = copy_text.timestamp
        return Column(name, sql_type, str | None, write, _write_timestamps, copy_text.timestamp_key)
    if date_like == "date" and isinstance(sql_type, types.DATE):
        return Column(name, sql_type, str | None, copy_text.calendar_date, _cached(copy_text.calendar_date))
    if date_like == "time" and isinstance(sql_type, types.TIME):
        write_all = _cached(copy_text.time_of_day)
        return Column(name, sql_type, str | None, copy_text.time_of_day, write_all, copy_text.time_key)
    return None


def _array(name: str, sql_type: postgresql.ARRAY[Any]) -> Column | None:
    item = sql_type.item_type
    if isinstance(item, postgresql.JSONB):
        return Column(name, sql_type, msgspec.Raw, copy_text.json_array, _decoded_later(copy_text.json_array))
    forms: tuple[tuple[type, Any, Callable[[object], str]], ...] = (
        (types.TEXT, str, copy_text.text_array),
        (types.BIGINT, Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)], copy_text.integer_array),
        (types.DECIMAL, Decimal, copy_text.number_array),
        (types.BOOLEAN, bool, copy_text.boolean_array),
    )
    for item_type, form, write in forms:
        if type(item) is item_type:
            return Column(name, sql_type, list.__class_getitem__(form | None) | None, write, _one_by_one(write))
    return None


def _write_texts(values: Sequence[str | None], _misfits: set[int], escaped: bool) -> Sequence[str]:  # noqa: FBT001
    if escaped:
        return [NULL if value is None else escape(value) for value in values]
    return [NULL if value is None else value for value in values]


def _write_plain(values: Sequence[int | Decimal | None], _misfits: set[int], _escaped: bool) -> Sequence[str]:  # noqa: FBT001
    return [NULL if value is None else str(value) for value in values]


def _write_booleans(values: Sequence[bool | None], _misfits: set[int], _escaped: bool) -> Sequence[str]:  # noqa: FBT001
    return [copy_text.BOOLEANS[value] for value in values]


def _write_json(values: Sequence[msgspec.Raw | None], _misfits: set[int], escaped: bool) -> Sequence[str]:  # noqa: FBT001
    """Write JSON as it came. jsonb keeps neither blanks nor the order of names, so nothing is to be done to it."""
    texts = [_NO_JSON if value is None else _raw_text(value) for value in values]
    return [NULL if text == _NO_JSON else escape(text) if escaped else text for text in texts]


def _raw_text(value: msgspec.Raw) -> str:
    return bytes(value).decode()


def _write_timestamps(values: Sequence[str | None], misfits: set[int], _escaped: bool) -> Sequence[str]:  # noqa: FBT001
    present = values if None not in values else [value for value in values if value is not None]
    in_utc = fast_column_to_utc(present)  # type: ignore[arg-type]
    if None in in_utc or (in_utc and max(map(len, in_utc)) > _MICROSECONDS + 1):  # type: ignore[arg-type]
        return _one_by_one(copy_text.timestamp)(values, misfits, True)  # noqa: FBT003
    if present is values:
        return in_utc  # type: ignore[return-value]
    found = iter(in_utc)
    return [NULL if value is None else next(found) for value in values]  # type: ignore[misc]


def _one_by_one(write: Callable[[Any], str]) -> Callable[[Sequence[Any], set[int], bool], Sequence[str]]:
    """Write values as they were decoded."""

    def write_all(values: Sequence[Any], misfits: set[int], _escaped: bool) -> Sequence[str]:  # noqa: FBT001
        texts = [NULL] * len(values)
        for index, value in enumerate(values):
            if value is not None:
                try:
                    texts[index] = write(value)
                except Misfit:
                    misfits.add(index)
        return texts

    return write_all


def _decoded_later(write: Callable[[Any], str]) -> Callable[[Sequence[Any], set[int], bool], Sequence[str]]:
    """Write values that were left as they came, as msgspec has no type that keeps all their digits."""
    one_by_one = _one_by_one(write)
    return lambda values, misfits, escaped: one_by_one([_decoded(value) for value in values], misfits, escaped)


def _decoded(value: msgspec.Raw | None) -> Any:  # noqa: ANN401 - JSON is any of six types
    return None if value is None else deserialize_json(bytes(value))


def _cached(write: Callable[[Any], str]) -> Callable[[Sequence[Any], set[int], bool], Sequence[str]]:
    """Write values of which many are equal."""
    known: dict[str | None, str] = {None: NULL}

    def write_all(values: Sequence[str | None], misfits: set[int], escaped: bool) -> Sequence[str]:  # noqa: FBT001
        try:
            return [known[value] for value in values]
        except KeyError:
            texts = _one_by_one(write)(values, misfits, escaped)
        if len(known) < _CACHED_DATES:
            known.update({value: texts[index] for index, value in enumerate(values) if index not in misfits})
        return texts

    return write_all
