"""The usual forms of a timestamp written in UTC, fast: by hours that are looked up, not by parsing each text.

They are `YYYY-MM-DDTHH:MM:SS[.fraction]` and `Z` or an offset of whole hours; others are left to `timestamps.to_utc`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from singer_rest_core.records.timestamps import to_utc

if TYPE_CHECKING:
    from collections.abc import Sequence

_T, _HOUR_ENDS, _FRACTION_STARTS = 10, 13, 19
_CLOCKS = frozenset(f":{minute:02}:{second:02}" for minute in range(60) for second in range(60))
_DIGITS = b"0123456789"
_FROM_THE_T = (b"T", _DIGITS, _DIGITS, b":", b"012345", _DIGITS, b":", b"012345", _DIGITS)
_HOURS_KEPT = 1 << 16
"""Seven years of hours, some 10 MB."""

_hours: dict[str, str] = {}
"""What an hour is in UTC, by itself with its zone."""


def utc_text(text: str) -> str | None:
    """Write a timestamp in UTC that has one of the usual forms.

    Args:
        text: Any text.

    Returns:
        What `timestamps.to_utc` gives, or None if the text has to be looked at there.
    """
    zone_starts = _zone_starts(text)
    fraction = text[_FRACTION_STARTS:zone_starts]
    is_fraction = not fraction or (fraction[:1] == "." and fraction[1:].isdecimal() and fraction.isascii())
    if text[_HOUR_ENDS:_FRACTION_STARTS] not in _CLOCKS or not is_fraction:
        return None
    in_utc = _hour_in_utc(text[:_HOUR_ENDS], text[zone_starts:])
    return None if in_utc is None else f"{in_utc}{text[_HOUR_ENDS:zone_starts]}Z"


def utc_texts(texts: Sequence[str]) -> list[str | None]:
    """Write timestamps in UTC: those of a column are mostly of one form, and checked together.

    Args:
        texts: Any texts.

    Returns:
        For each what `utc_text` gives.
    """
    if not texts or not _are_of_one_form(texts):
        return [utc_text(text) for text in texts]
    zone_starts = _zone_starts(texts[0])
    hours = [_hours.get(text[:_HOUR_ENDS] + text[zone_starts:]) for text in texts]
    if None in hours:
        hours = [
            in_utc or _hour_in_utc(text[:_HOUR_ENDS], text[zone_starts:])
            for in_utc, text in zip(hours, texts, strict=True)
        ]
    elif zone_starts == -1:
        return list(texts)
    return [
        f"{in_utc}{text[_HOUR_ENDS:zone_starts]}Z" if in_utc else utc_text(text)
        for in_utc, text in zip(hours, texts, strict=True)
    ]


def _zone_starts(text: str) -> int:
    return -1 if text[-1:] == "Z" else -6


def _are_of_one_form(texts: Sequence[str]) -> bool:
    """Tell whether texts are as long as each other, and have a clock and a fraction, or none, in the same places.

    All of them at once, character by character: that takes a tenth of the time of looking into each.
    """
    length = len(texts[0])
    characters = "".join(texts).encode()
    fraction_takes = length + _zone_starts(texts[0]) - _FRACTION_STARTS
    if set(map(len, texts)) != {length} or len(characters) != length * len(texts):
        return False
    if fraction_takes < 0 or fraction_takes == len("."):
        return False
    fraction = (b".", *[_DIGITS] * (fraction_takes - 1)) if fraction_takes else ()
    places = enumerate((*_FROM_THE_T, *fraction), start=_T)
    return not any(characters[place::length].translate(None, allowed) for place, allowed in places)


def _hour_in_utc(hour: str, zone: str) -> str | None:
    """Convert `YYYY-MM-DDTHH` as a whole, which offsets of whole hours allow."""
    known = _hours.get(hour + zone)
    if known is not None:
        return known
    if zone != "Z" and zone[:1] not in {"+", "-"}:
        return None
    try:
        start = to_utc(f"{hour}:00:00{zone}")
        end = to_utc(f"{hour}:59:59{zone}")
    except ValueError:
        return None
    if not (start.endswith(":00:00Z") and end == f"{start[:_HOUR_ENDS]}:59:59Z"):
        return None
    if len(_hours) >= _HOURS_KEPT:
        _hours.clear()
    in_utc = start[:_HOUR_ENDS]
    _hours[hour + zone] = in_utc
    return in_utc
