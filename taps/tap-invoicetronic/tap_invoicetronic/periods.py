"""The periods of `export_periods`: a month or a quarter."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_PERIOD = re.compile(r"(?P<year>20\d\d)-(?:(?P<month>0[1-9]|1[0-2])|[Qq](?P<quarter>[1-4]))", re.ASCII)
_MONTHS_A_QUARTER = 3


@dataclass(frozen=True)
class Period:
    """A month or a quarter of documents, by their own date.

    Args:
        text: As it is set, `2026-03` or `2026-Q1`.
        first: Its first day.
        last: Its last day.
    """

    text: str
    first: date
    last: date

    @classmethod
    def of(cls, text: str) -> Period:
        """Read a period.

        Args:
            text: `2026-03` or `2026-Q1`.

        Returns:
            The period.

        Raises:
            ValueError: If the text is neither.
        """
        match = _PERIOD.fullmatch(text)
        if match is None:
            msg = f"no period: {text[:40]!r}; write it like 2026-03 or 2026-Q1"
            raise ValueError(msg)
        year = int(match["year"])
        months = 1 if match["month"] else _MONTHS_A_QUARTER
        first_month = int(match["month"] or (int(match["quarter"]) - 1) * months + 1)
        after = date(year + (first_month + months > 12), (first_month + months - 1) % 12 + 1, 1)  # noqa: PLR2004 - months
        return cls(text.upper(), date(year, first_month, 1), after - timedelta(days=1))

    @property
    def parameters(self) -> dict[str, str]:
        """How /export is asked for it."""
        if "Q" in self.text:
            return {"year": str(self.first.year), "quarter": self.text[-1]}
        return {"year": str(self.first.year), "month": str(self.first.month)}

    @property
    def filters(self) -> Mapping[str, str]:
        """How lists are asked for its documents: a day more at both ends, as zones and bounds are not documented."""
        day = timedelta(days=1)
        return {
            "document_date_from": f"{self.first - day}T00:00:00Z",
            "document_date_to": f"{self.last + day}T23:59:59Z",
        }

    def holds(self, days: tuple[str, ...]) -> bool:
        """Tell whether an invoice of one of some days is in it.

        Args:
            days: As `YYYY-MM-DD`.

        Returns:
            Whether one is.
        """
        return any(str(self.first) <= day <= str(self.last) for day in days)
