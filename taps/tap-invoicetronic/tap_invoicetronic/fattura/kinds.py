"""The kinds of values in a FatturaPA invoice, and how each is read out of text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from singer_rest_core.records.timestamps import is_date, to_utc

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# XML Schema part 2: 3.2.3 decimal, 3.3.13 integer, 3.2.7 dateTime and 3.2.9 date with their optional time zone.
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_ZONE = re.compile(r"(?:Z|[+-][0-9]{2}:[0-9]{2})$")
_LOCAL_TIME = re.compile(r"[0-9-]{10}T[0-9:]{8}(?:\.[0-9]+)?")
_MOST_DIGITS = 38  # what a decimal column holds in most warehouses; the format itself stops at 20
_BIGINT = 2**63
_SPACE = " \t\r\n"

Value = tuple[Any, bool]
"""What a text means (None: nothing), and whether that is all it says. Where it is not, the text is kept beside."""


@dataclass(frozen=True)
class Kind:
    """One kind of value.

    Args:
        schema: Its JSON schema, not nullable.
        read: Makes a value of text that is not empty.
    """

    schema: Mapping[str, Any]
    read: Callable[[str], Value]


def _text(text: str) -> Value:
    return text, True


def _number(text: str) -> Value:
    bare = text.strip(_SPACE)
    if not _DECIMAL.fullmatch(bare) or len(bare) > _MOST_DIGITS:
        return None, False
    return Decimal(bare), True


def _whole_number(text: str) -> Value:
    bare = text.strip(_SPACE)
    if not _INTEGER.fullmatch(bare) or len(bare) > _MOST_DIGITS:
        return None, False
    number = int(bare)
    return (number, True) if -_BIGINT <= number < _BIGINT else (None, False)


def _day(text: str) -> Value:
    bare = text.strip(_SPACE)
    day = _ZONE.sub("", bare)
    return (day, day == bare) if is_date(day) else (None, False)


def _time(text: str) -> Value:
    bare = text.strip(_SPACE)
    if not _LOCAL_TIME.fullmatch(_ZONE.sub("", bare)):
        return None, False
    try:
        utc = to_utc(bare)
    except ValueError:
        return None, False
    return utc, utc == bare


TEXT = Kind({"type": "string"}, _text)
"""Text, also codes and numbers of documents, exactly as written."""

DECIMAL = Kind({"type": "number"}, _number)
"""Money, quantities, prices and percents, exact."""

INTEGER = Kind({"type": "integer"}, _whole_number)

DATE = Kind({"type": "string", "format": "date"}, _day)
"""A day. A time zone, which XML allows behind it, changes nothing about the day."""

DATE_TIME = Kind({"type": "string", "format": "date-time"}, _time)
"""A time, local unless it has a zone; then it is moved to UTC."""
