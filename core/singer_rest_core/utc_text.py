"""The usual forms of a timestamp written in UTC, fast: by hours that are looked up, not by parsing each text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from singer_rest_core.timestamps import to_utc

if TYPE_CHECKING:
    from collections.abc import Sequence

_CLOCKS = frozenset(f":{minute:02}:{second:02}" for minute in range(60) for second in range(60))
_FRACTIONS = frozenset(["", *(f".{millisecond:03}" for millisecond in range(1000))])
_HOURS_KEPT = 1 << 16
"""Seven years of hours, some 10 MB."""

_hours: dict[str, dict[str, str]] = {}
"""By zone, what an hour there is in UTC."""
_NONE: dict[str, str] = {}


def utc_texts(texts: Sequence[str | None]) -> list[str | None]:
    """Write timestamps in UTC that have one of the usual forms: `YYYY-MM-DDTHH:MM:SS[.fraction]` and `Z` or an offset.

    Args:
        texts: Any texts, or nulls.

    Returns:
        For each what `timestamps.to_utc` gives, or None if it has to be looked at there; None for a null.
    """
    written: list[str | None] = []
    add = written.append
    for text in texts:
        utc = None
        if text is not None:
            zone_starts = -1 if text[-1:] == "Z" else -6
            fraction = text[19:zone_starts]
            if text[13:19] in _CLOCKS and (fraction in _FRACTIONS or _is_fraction(fraction)):
                zone = text[zone_starts:]
                hour = _hours.get(zone, _NONE).get(text[:13]) or _hour_in_utc(text[:13], zone)
                if hour is not None:
                    utc = hour + text[13:zone_starts] + "Z"
        add(utc)
    return written


def _is_fraction(text: str) -> bool:
    return text[:1] == "." and text[1:].isdecimal() and text.isascii()


def _hour_in_utc(hour: str, zone: str) -> str | None:
    """Convert `YYYY-MM-DDTHH` as a whole, which offsets of whole hours allow."""
    if zone != "Z" and zone[:1] not in {"+", "-"}:
        return None
    try:
        start = to_utc(f"{hour}:00:00{zone}")
        end = to_utc(f"{hour}:59:59{zone}")
    except ValueError:
        return None
    if not (start.endswith(":00:00Z") and end == f"{start[:13]}:59:59Z"):
        return None
    if sum(map(len, _hours.values())) >= _HOURS_KEPT:
        _hours.clear()
    _hours.setdefault(zone, {})[hour] = start[:13]
    return start[:13]
