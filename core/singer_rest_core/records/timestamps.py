"""Timestamps as text: compared as instants, written in UTC, no digit of a fraction lost."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import timedelta

_TIMESTAMP = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)[Tt ](?P<time>\d\d:\d\d(?::\d\d(?P<fraction>\.\d+)?)?)"
    r"(?P<zone>[Zz]|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def to_utc(text: str) -> str:
    """Write a timestamp in UTC.

    Loaders differ in what they make of an offset: target-postgres drops it and keeps the wall clock. UTC means the
    same to all of them. A timestamp without an offset is left as it is, as its instant is not known.

    Args:
        text: An ISO 8601 timestamp, e.g. `2025-07-25T06:05:10.043+02:00`.

    Returns:
        The same instant, e.g. `2025-07-25T04:05:10.043Z`.

    Raises:
        ValueError: If the text is no timestamp.
    """
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        msg = f"no timestamp: {text[:40]!r}"
        raise ValueError(msg)
    fraction = match["fraction"] or ""
    clock = match["time"].removesuffix(fraction)
    whole = datetime.fromisoformat(f"{match['date']}T{clock}{(match['zone'] or '').upper()}")
    if whole.tzinfo is None:
        return f"{whole.isoformat()}{fraction}"
    try:
        whole = whole.astimezone(UTC)
    except OverflowError as error:
        msg = f"no timestamp: {text[:40]!r}"
        raise ValueError(msg) from error
    return f"{whole.replace(tzinfo=None).isoformat()}{fraction}Z"


def is_date(text: str) -> bool:
    """Tell whether a text is a calendar date, `YYYY-MM-DD`."""
    try:
        return _DATE.fullmatch(text) is not None and date.fromisoformat(text) is not None
    except ValueError:
        return False


def instant(text: str) -> datetime:
    """Read a date or timestamp as an instant, for comparing.

    Args:
        text: ISO 8601; without an offset it is taken as UTC, a date as its midnight.

    Returns:
        An aware datetime.

    Raises:
        ValueError: If the text is neither a date nor a timestamp.
    """
    moment = datetime.fromisoformat(text if is_date(text) else to_utc(text))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def earlier(text: str, span: timedelta) -> str:
    """Move a date or timestamp back.

    Args:
        text: ISO 8601, as `instant` takes it.
        span: How far.

    Returns:
        A date if the text was one (the one that holds the instant), otherwise a timestamp in UTC; not before year 1.

    Raises:
        ValueError: If the text is neither a date nor a timestamp.
    """
    if not span:
        return text if is_date(text) else to_utc(text)
    try:
        moved = instant(text) - span
    except OverflowError:
        moved = datetime.min.replace(tzinfo=UTC)
    return moved.date().isoformat() if is_date(text) else moved.isoformat().replace("+00:00", "Z")
