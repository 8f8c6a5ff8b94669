"""/export: the requested period, and the ZIP archive."""

from __future__ import annotations

import io
import zipfile
from datetime import date, timedelta
from typing import TYPE_CHECKING

from sandbox.invoicetronic.problems import Refused, invalid
from sandbox.invoicetronic.resources import document_dates
from sandbox.invoicetronic.timestamps import TICKS_PER_SECOND, midnight, parse_ticks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sandbox.invoicetronic.resources import Row, RowPredicate

TYPES = {"send": ("send",), "receive": ("receive",), "both": ("send", "receive")}
FROM, TO = "document_date_from", "document_date_to"
PERIODS = (("year", "month"), ("year", "quarter"))
QUARTER_MONTHS = 3
MONTHS = 12

DEFINITIVE = {
    "Consegnato",
    "ImpossibilitaDiRecapito",
    "AccettatoDalDestinatario",
    "RifiutatoDalDestinatario",
    "DecorrenzaTermini",
    "AttestazioneTrasmissioneFattura",
}
"""The final states of sent invoices. The documentation names three and ends with "etc."; rejected invoices are left
out, as they count as never issued (inferred)."""

PUBLIC = "FPA12"
DELIVERED = "Consegnato"

MEMBER_TIME = (2026, 3, 16, 8, 0, 0)
"""The time of every member, fixed so that the same invoices give the same bytes."""


def directions(query: Mapping[str, str]) -> tuple[str, ...]:
    """Return the lists to export; case is ignored, as the vendor's own client writes `type` in lower case.

    Raises:
        Refused: The type is unknown.
    """
    wanted = query.get("type", "both").lower()
    if wanted not in TYPES:
        raise invalid("type")
    return TYPES[wanted]


def in_period(query: Mapping[str, str]) -> RowPredicate:
    """Return a predicate that tells whether a row has a document dated in the requested period.

    The answer to a request without a period is not documented: here it is refused.

    Raises:
        Refused: There is no period, more than one, or an invalid one.
    """
    names = {name for name in ("year", "month", "quarter", FROM, TO) if name in query}
    if names and names <= {FROM, TO}:
        low, high = (_instant(query, FROM), _instant(query, TO))
    elif tuple(sorted(names, reverse=True)) in PERIODS:
        low, high = _calendar(query, "month" if "month" in names else "quarter")
    else:
        raise Refused(400, "period")

    def dated(row: Row) -> bool:
        moments = [parse_ticks(day) for day in document_dates(row) if day is not None]
        return any((low is None or low <= moment) and (high is None or moment <= high) for moment in moments)

    return dated


def is_definitive(row: Row) -> bool:
    """Return whether a sent invoice has reached a final state; a public office still has to accept a delivered one."""
    if row["format"] == PUBLIC and row["latest_state"] == DELIVERED:
        return False
    return row["latest_state"] in DEFINITIVE


def archive(members: Iterable[tuple[str, bytes]]) -> bytes:
    """Return a ZIP archive of members with these names and contents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in members:
            zipped.writestr(zipfile.ZipInfo(name, MEMBER_TIME), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _instant(query: Mapping[str, str], name: str) -> int | None:
    try:
        return parse_ticks(query[name]) if name in query else None
    except ValueError:
        raise invalid(name) from None


def _calendar(query: Mapping[str, str], unit: str) -> tuple[int, int]:
    months = QUARTER_MONTHS if unit == "quarter" else 1
    year, number = _integer(query, "year", 1970, 9998), _integer(query, unit, 1, MONTHS // months)
    first = date(year, (number - 1) * months + 1, 1)
    after = (date(year, number * months, 28) + timedelta(days=4)).replace(day=1)
    return parse_ticks(midnight(first)), parse_ticks(midnight(after)) - TICKS_PER_SECOND


def _integer(query: Mapping[str, str], name: str, low: int, high: int) -> int:
    if not query[name].isdecimal() or not low <= int(query[name]) <= high:
        raise invalid(name)
    return int(query[name])
