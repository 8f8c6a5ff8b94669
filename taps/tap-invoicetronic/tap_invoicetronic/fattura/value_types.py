"""The types of values in a FatturaPA invoice, and how each is parsed from text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from singer_rest_core.records import is_date, to_utc

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# XML Schema part 2: 3.2.3 decimal, 3.3.13 integer, 3.2.7 dateTime and 3.2.9 date with their optional time zone.
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_ZONE = re.compile(r"(?:Z|[+-][0-9]{2}:[0-9]{2})$")
_LOCAL_TIME = re.compile(r"[0-9-]{10}T[0-9:]{8}(?:\.[0-9]+)?")
_MAX_DIGITS = 38  # what a decimal column holds in most warehouses; the format itself has at most 20
_BIGINT = 2**63
_SPACE = " \t\r\n"
_ZONES_WITHOUT_MEANING = frozenset({"", "Z", "+00:00", "-00:00", "+01:00", "+02:00"})
"""UTC and Italian time, which programs write after a date without meaning anything by it."""

Parsed = tuple[Any, bool]
"""The value of a text (None if it has none), and whether it says everything that the text says. If not, the text is
kept too."""


@dataclass(frozen=True)
class ValueType:
    """One type of value.

    Args:
        schema: Its JSON schema, not nullable.
        parse: Parses text that is not empty.
    """

    schema: Mapping[str, Any]
    parse: Callable[[str], Parsed]


def _text(text: str) -> Parsed:
    return text, True


def _code(text: str) -> Parsed:
    code = text.strip()
    if not code:
        return None, True
    # Blanks that were typed are part of what the seller wrote; a line break is the layout of the XML.
    before, _, after = text.partition(code)
    return code, code == text or "\n" in before + after


def _number(text: str) -> Parsed:
    bare = text.strip(_SPACE)
    if not _DECIMAL.fullmatch(bare) or len(bare) > _MAX_DIGITS:
        return None, False
    return Decimal(bare), True


def _integer(text: str) -> Parsed:
    bare = text.strip(_SPACE)
    if not _INTEGER.fullmatch(bare) or len(bare) > _MAX_DIGITS:
        return None, False
    number = int(bare)
    return (number, True) if -_BIGINT <= number < _BIGINT else (None, False)


def _day(text: str) -> Parsed:
    bare = text.strip(_SPACE)
    day = _ZONE.sub("", bare)
    return (day, _zone_of(bare) in _ZONES_WITHOUT_MEANING) if is_date(day) else (None, False)


def _time(text: str) -> Parsed:
    bare = text.strip(_SPACE)
    if not _LOCAL_TIME.fullmatch(_ZONE.sub("", bare)):
        return None, False
    try:
        utc = to_utc(bare)
    except ValueError:
        return None, False
    return utc, _zone_of(bare) in _ZONES_WITHOUT_MEANING


def _zone_of(text: str) -> str:
    zone = _ZONE.search(text)
    return zone[0] if zone else ""


TEXT = ValueType({"type": "string"}, _text)
"""Text that people read, exactly as written."""

CODE = ValueType({"type": "string"}, _code)
"""Codes, numbers of documents, of accounts and of taxpayers: what tables are joined by, without blanks around it."""

DECIMAL = ValueType({"type": "number"}, _number)
"""Money, quantities, prices and percentages, exact."""

INTEGER = ValueType({"type": "integer"}, _integer)

DATE = ValueType({"type": "string", "format": "date"}, _day)
"""A day. XML allows a time zone after it, which does not change the day; one other than Italy's or UTC is kept too."""

DATE_TIME = ValueType({"type": "string", "format": "date-time"}, _time)
"""A time: local if it has no time zone, otherwise converted to UTC."""
