"""Windows of an unchanging time, in which a long list is read side by side.

The first window has no lower end and the last no upper one. A row belongs to the window that its own time lies in. An
API may cut what it filters by to dates, in a time zone that nobody knows: so a window is requested a day longer at each
end, and rows that belong to its neighbours are dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from singer_rest_core.records.timestamps import earliest_and_latest, instant_or_none

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_MARGIN = timedelta(days=1)
_MOST_EXTRA = 0.045
"""The part of a list's requests that windows may cost, for overlaps, pages that are not full, and the page before."""
_HALF_A_PAGE = 0.5
"""What the last page of a window lacks on average."""
_MOST_WINDOWS = 64


@dataclass(frozen=True)
class Window:
    """A span of time, from its start up to, but without its end.

    Args:
        start: Its first instant; None if it has no lower end.
        end: The first instant after it; None if it has no upper end.
    """

    start: datetime | None
    end: datetime | None

    def holding(self, values: Sequence[object]) -> list[bool]:
        """Whether each row belongs to the window.

        Args:
            values: The times of rows; what is no timestamp belongs to no window.
        """
        outermost = earliest_and_latest(values)
        if outermost is not None and all(map(self._holds, outermost)):
            # Between two times of the window, a date that no calendar has counts as one, too: of no other window.
            return [True] * len(values)
        return [self._holds(value) for value in values]

    def _holds(self, value: object) -> bool:
        moment = instant_or_none(value)
        if moment is None:
            return False
        return (self.start is None or moment >= self.start) and (self.end is None or moment < self.end)

    @property
    def requested(self) -> Window:
        """The span to request, a day longer at each end."""
        start = None if self.start is None else self.start - _MARGIN
        return Window(start, None if self.end is None else self.end + _MARGIN)

    def is_ignored(self, values: Sequence[object]) -> bool:
        """Whether a page shows that the API does not filter: it holds rows that are farther away than the margins.

        Args:
            values: The times of its rows.
        """
        outer = self.requested.requested
        moments = [moment for moment in map(instant_or_none, values) if moment is not None]
        return not all(
            (outer.start is None or moment >= outer.start) and (outer.end is None or moment < outer.end)
            for moment in moments
        )


def plan(oldest: datetime, newest: datetime, pages: int) -> list[Window]:
    """Divide the time that a list spans into windows of equal length.

    Args:
        oldest: The time of its oldest row, or of an old one.
        newest: The time of its newest row, or a later one.
        pages: How many pages it has.

    Returns:
        As many windows as cost few extra requests: one if the list is short or its rows are close together.
    """
    days = (newest - oldest) / timedelta(days=1)
    if days <= 0:
        return [Window(None, None)]
    extra_for_each = _HALF_A_PAGE + pages * 2 * (_MARGIN / timedelta(days=1)) / days
    number = min(int((pages * _MOST_EXTRA - 1) / extra_for_each), _MOST_WINDOWS)
    return between([oldest + (newest - oldest) * place / number for place in range(1, number)])


def between(borders: Sequence[datetime]) -> list[Window]:
    """Return the windows between borders.

    Args:
        borders: The ends of all windows but the last, ascending.

    Returns:
        One window more than borders.
    """
    # Whole seconds, as the state keeps them.
    edges = [None, *(border.astimezone(UTC).replace(microsecond=0) for border in borders), None]
    return [Window(start, end) for start, end in pairwise(edges)]
