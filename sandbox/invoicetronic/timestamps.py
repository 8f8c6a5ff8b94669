"""Timestamps as Invoicetronic writes them: UTC, sometimes with seven fractional digits, as .NET has them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

TICKS_PER_SECOND = 10_000_000
FRACTION = re.compile(r"\.(\d{1,7})\d*")


def format_timestamp(moment: datetime, ticks: int = 0) -> str:
    """Format an instant.

    Args:
        moment: The instant, without its fraction.
        ticks: Its fraction in tenths of a microsecond, written as seven digits, or not at all if 0.
    """
    text = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{ticks:07}Z" if ticks else f"{text}Z"


def midnight(day: date) -> str:
    """Format the day of a document, which is served as an instant."""
    return f"{day.isoformat()}T00:00:00Z"


def parse_ticks(text: str) -> int:
    """Parse an instant into tenths of a microsecond, for comparison; without an offset it is UTC.

    Raises:
        ValueError: The text is not an instant.
    """
    fraction = FRACTION.search(text)
    moment = datetime.fromisoformat(FRACTION.sub("", text))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    ticks = int(fraction[1].ljust(7, "0")) if fraction else 0
    return int(moment.timestamp()) * TICKS_PER_SECOND + ticks
