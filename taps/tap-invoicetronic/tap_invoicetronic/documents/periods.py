"""The periods of `export_periods`: months and quarters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_PERIOD = re.compile(r"(?P<year>20\d\d)-(?:(?P<month>0[1-9]|1[0-2])|[Qq](?P<quarter>[1-4]))", re.ASCII)
_MONTHS_PER_QUARTER = 3


@dataclass(frozen=True)
class Period:
    """A month or a quarter; documents belong to it by their own date.

    Args:
        text: The period as in the setting, `2026-03` or `2026-Q1`.
        first: Its first day.
        last: Its last day.
    """

    text: str
    first: date
    last: date

    @classmethod
    def parse(cls, text: str) -> Period:
        """Parse a period.

        Args:
            text: `2026-03` or `2026-Q1`.

        Returns:
            The period.

        Raises:
            ValueError: If the text is neither.
        """
        match = _PERIOD.fullmatch(text)
        if match is None:
            msg = f"{text[:40]!r} is not a period; write it like 2026-03 or 2026-Q1"
            raise ValueError(msg)
        year = int(match["year"])
        months = 1 if match["month"] else _MONTHS_PER_QUARTER
        first_month = int(match["month"] or (int(match["quarter"]) - 1) * months + 1)
        after = date(year + (first_month + months > 12), (first_month + months - 1) % 12 + 1, 1)  # noqa: PLR2004 - months
        return cls(text.upper(), date(year, first_month, 1), after - timedelta(days=1))

    @property
    def parameters(self) -> dict[str, str]:
        """The query parameters of /export."""
        if "Q" in self.text:
            return {"year": str(self.first.year), "quarter": self.text[-1]}
        return {"year": str(self.first.year), "month": str(self.first.month)}

    @property
    def filters(self) -> Mapping[str, str]:
        """The filters of /send and /receive: one more day at each end, as time zones and bounds are not documented."""
        day = timedelta(days=1)
        return {
            "document_date_from": f"{self.first - day}T00:00:00Z",
            "document_date_to": f"{self.last + day}T23:59:59Z",
        }

    def contains_any(self, days: tuple[str, ...]) -> bool:
        """Return whether any of some days is in the period.

        Args:
            days: Days as `YYYY-MM-DD`.
        """
        return any(str(self.first) <= day <= str(self.last) for day in days)
