"""Timestamps as Productive writes them: ISO 8601 with milliseconds and the organization's offset (README 7)."""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Zagreb")

_DATE = re.compile(r"\d{4}-\d\d-\d\d")


class Instant(NamedTuple):
    """An instant, in the two forms that filters and sorts compare."""

    epoch_ms: int
    local_day: int
    """Ordinal of the date in the organization's time zone."""


def format_timestamp(instant: datetime) -> str:
    """Format an instant as the API does; the offset follows daylight saving time."""
    return instant.astimezone(ZONE).isoformat(timespec="milliseconds")


def local_date(instant: datetime) -> date:
    """Return the instant's date in the organization's time zone."""
    return instant.astimezone(ZONE).date()


@lru_cache(maxsize=200_000)
def parse_timestamp(text: str) -> Instant:
    """Parse an ISO 8601 text; without an offset it is in the organization's time zone.

    Raises:
        ValueError: The text is not a timestamp.
    """
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=ZONE)
    return Instant(round(instant.timestamp() * 1000), instant.astimezone(ZONE).toordinal())


@lru_cache(maxsize=200_000)
def parse_day(text: str) -> int:
    """Return the ordinal of a date, or of the date of a timestamp.

    Raises:
        ValueError: The text is neither.
    """
    if _DATE.fullmatch(text):
        return date.fromisoformat(text).toordinal()
    return parse_timestamp(text).local_day
