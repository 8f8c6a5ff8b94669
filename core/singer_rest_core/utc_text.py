"""The usual forms of a timestamp written in UTC, fast: by hours that are looked up, not by parsing each text."""

from __future__ import annotations

from singer_rest_core.timestamps import to_utc

_CLOCKS = frozenset(f":{minute:02}:{second:02}" for minute in range(60) for second in range(60))
_FRACTIONS = frozenset(["", *(f".{millisecond:03}" for millisecond in range(1000))])
_HOURS_KEPT = 1 << 16
"""Seven years of hours, some 10 MB."""

_hours: dict[str, str] = {}


def utc_text(text: str) -> str | None:
    """Write a timestamp in UTC if it has one of the usual forms, `YYYY-MM-DDTHH:MM:SS[.fraction]` and `Z` or an offset.

    Args:
        text: Any text.

    Returns:
        What `timestamps.to_utc` gives, or None if the text has to be looked at there.
    """
    if text[13:19] not in _CLOCKS:
        return None
    zone_starts = -1 if text[-1] == "Z" else -6
    hour = _hours.get(text[:13] + text[zone_starts:]) or _hour_in_utc(text[:13], text[zone_starts:])
    if hour is None:
        return None
    fraction = text[19:zone_starts]
    if fraction not in _FRACTIONS and not (fraction[0] == "." and fraction[1:].isdecimal() and fraction.isascii()):
        return None
    return f"{hour}{text[13:zone_starts]}Z"


def _hour_in_utc(hour: str, zone: str) -> str | None:
    """Convert `YYYY-MM-DDTHH` as a whole, which offsets of whole hours allow."""
    if zone != "Z" and zone[0] not in "+-":
        return None
    try:
        start = to_utc(f"{hour}:00:00{zone}")
        end = to_utc(f"{hour}:59:59{zone}")
    except ValueError:
        return None
    if not (start.endswith(":00:00Z") and end == f"{start[:13]}:59:59Z"):
        return None
    if len(_hours) >= _HOURS_KEPT:
        _hours.clear()
    _hours[hour + zone] = start[:13]
    return start[:13]
