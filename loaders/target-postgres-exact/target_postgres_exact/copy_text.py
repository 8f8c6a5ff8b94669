r"""Values as the text that PostgreSQL's COPY reads: one row a line, columns separated by tabs, `\N` for NULL.

Each function returns the text that makes PostgreSQL hold what target-postgres 0.8.1 makes it hold by INSERT, where a
parameter is cast to the column's type by the database (`$1::VARCHAR`): so a boolean in a text column is `true`, and a
number there is written without an exponent. A value for which that is not known is a `Misfit`: its row is inserted.
"""

from __future__ import annotations

import re
import uuid
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

import simplejson

from target_postgres_exact.errors import Misfit

if TYPE_CHECKING:
    from collections.abc import Callable

NULL = r"\N"
BOOLEANS = {True: "t", False: "f", None: NULL}
REPLACEMENT = "\ufffd"

_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
_INTEGER = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)
_LONGEST_EXPONENT = 1000
"""Digits that a number in a text column is written out to; PostgreSQL itself would go to 131072."""


def escape(text: str) -> str:
    """Escape what has a meaning in COPY's text format.

    Args:
        text: A text without NUL.
    """
    if "\\" in text or "\t" in text or "\n" in text or "\r" in text:
        return text.translate(_ESCAPES)
    return text


def storable(value: Any, *, replace_nul: bool) -> Any:  # noqa: ANN401 - JSON is any of six types
    """Replace characters that PostgreSQL cannot hold: lone surrogates and, where asked for, NUL.

    Args:
        value: JSON as Python has it.
        replace_nul: Whether to replace NUL.

    Returns:
        The value with U+FFFD instead, also in names and at any depth.
    """
    if isinstance(value, str):
        if not value.isascii():
            value = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return value.replace("\x00", REPLACEMENT) if replace_nul else value
    if isinstance(value, list):
        return [storable(item, replace_nul=replace_nul) for item in value]
    if isinstance(value, dict):
        return {
            storable(key, replace_nul=replace_nul): storable(item, replace_nul=replace_nul)
            for key, item in value.items()
        }
    return value


def has_half_character(value: Any) -> bool:  # noqa: ANN401 - JSON is any of six types
    """Return whether a value holds a lone surrogate, in texts or names at any depth.

    Args:
        value: JSON as Python has it.
    """
    if isinstance(value, str):
        try:
            value.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            return True
        return False
    if isinstance(value, dict):
        return any(has_half_character(each) for pair in value.items() for each in pair)
    return isinstance(value, list) and any(map(has_half_character, value))


def text(value: object) -> str:
    """Write a value into a text column."""
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) < _LONGEST_EXPONENT:
        # As PostgreSQL prints a numeric, which has no negative zero.
        return format(abs(value) if value.is_zero() else value, "f")
    raise Misfit


def any_text(value: object) -> str:
    """Write a value of a property without a type, which target-postgres keeps as text."""
    if isinstance(value, dict | list):
        return escape(simplejson.dumps(value, use_decimal=True))
    return text(value)


def integer_within(smallest: int, largest: int) -> Callable[[object], str]:
    """Return the function that writes a value into an integer column.

    Args:
        smallest: The smallest integer that fits.
        largest: The largest.
    """

    def integer(value: object) -> str:
        if isinstance(value, Decimal) and value.is_finite() and value.adjusted() < len(str(largest)):
            # PostgreSQL's cast of a numeric rounds half away from zero.
            value = int(value.to_integral_value(ROUND_HALF_UP))
        elif isinstance(value, str) and _INTEGER.fullmatch(value):
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and smallest <= value <= largest:
            return str(value)
        raise Misfit

    return integer


def number(value: object) -> str:
    """Write a value into a numeric column."""
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return value
    raise Misfit


def boolean(value: object) -> str:
    """Write a value into a boolean column; 0 and 1 are booleans too, for SQLAlchemy."""
    if isinstance(value, bool | int | Decimal) and value in {0, 1}:
        return BOOLEANS[bool(value)]
    raise Misfit


def timestamp(value: object) -> str:
    """Write an instant into a column of timestamps without a zone: in UTC, or as it is if it has no offset."""
    moment = _parsed(datetime.fromisoformat, value) if isinstance(value, str) else value
    if not isinstance(moment, datetime):
        raise Misfit
    if moment.tzinfo is not None:
        try:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
        except OverflowError as error:
            raise Misfit from error
    return moment.isoformat(" ")


def calendar_date(value: object) -> str:
    """Write a calendar date."""
    day = _parsed(date.fromisoformat, value) if isinstance(value, str) else value
    if isinstance(day, date) and not isinstance(day, datetime):
        return day.isoformat()
    raise Misfit


def time_of_day(value: object) -> str:
    """Write a time of day into a column without a zone: the clock's time, as PostgreSQL's cast drops the offset."""
    moment = _parsed(time.fromisoformat, value) if isinstance(value, str) else value
    if isinstance(moment, time):
        return moment.replace(tzinfo=None).isoformat()
    raise Misfit


def uuid_text(value: object) -> str:
    """Write a UUID; PostgreSQL itself checks it."""
    if isinstance(value, str):
        return _string(value)
    raise Misfit


def json_document(value: object) -> str:
    """Write a value into a JSON column."""
    return escape(_json(value))


def json_array(value: object) -> str:
    """Write a list into an array of JSON; target-postgres writes JSON's null for an item that is null."""
    # SQLAlchemy makes an array of several dimensions of a list that begins with a list.
    if not isinstance(value, list) or (value and isinstance(value[0], list)):
        raise Misfit
    return escape(f"{{{','.join(_quoted(_json(each)) for each in value)}}}")


def _array_of(item: Callable[[object], str]) -> Callable[[object], str]:
    """Return the function that writes a list into an array column.

    Args:
        item: Writes one item that is not null and needs no quotes.
    """

    def array(value: object) -> str:
        if not isinstance(value, list):
            raise Misfit
        return f"{{{','.join('NULL' if each is None else item(each) for each in value)}}}"

    return array


def text_array(value: object) -> str:
    """Write a list into an array of texts."""
    if not isinstance(value, list):
        raise Misfit
    return escape(f"{{{','.join(map(_text_item, value))}}}")


integer_array = _array_of(integer_within(-(2**63), 2**63 - 1))
"""Writes a list into an array of integers."""
number_array = _array_of(number)
"""Writes a list into an array of numbers."""
boolean_array = _array_of(boolean)
"""Writes a list into an array of booleans."""


def timestamp_key(written: str) -> object:
    """Return what two texts of one instant have in common."""
    return datetime.fromisoformat(written.removesuffix("Z"))


def time_key(written: str) -> object:
    """Return what two texts of one time of day have in common."""
    return time.fromisoformat(written)


def uuid_key(written: str) -> object:
    """Return what two texts of one UUID have in common."""
    try:
        return uuid.UUID(written)
    except ValueError:
        return written


def _text_item(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return _quoted(_without_nul(value))
    raise Misfit


def _string(value: str) -> str:
    return escape(_without_nul(value))


def _without_nul(value: str) -> str:
    if "\x00" in value:
        raise Misfit
    return value


def _json(value: object) -> str:
    # The same writer as target-postgres has; where it writes what JSON does not have, its row is inserted instead.
    document = simplejson.dumps(value, use_decimal=True, ensure_ascii=False, allow_nan=True)
    if r"\u0000" in document:
        raise Misfit
    return str(document)


def _quoted(value: str) -> str:
    if "\\" not in value and '"' not in value:
        return f'"{value}"'
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _parsed(parse: Callable[[str], Any], value: str) -> Any:  # noqa: ANN401 - date, time or datetime
    try:
        return parse(value)
    except ValueError as error:
        raise Misfit from error
