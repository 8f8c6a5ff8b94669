"""Lists that an API sorts but does not filter: read from the newest row down to where the last run ended."""

from __future__ import annotations

from itertools import pairwise, takewhile
from typing import TYPE_CHECKING

from singer_rest_core.records.timestamps import instant, instant_or_none

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


class DescendingRead:
    """Follows one pass over a list in descending order.

    Args:
        bound: The oldest replication value that is wanted, inclusive.

    Raises:
        ValueError: If the bound is no timestamp.
    """

    def __init__(self, bound: str) -> None:
        """Start before the first page."""
        self._bound = instant(bound)
        self._top: datetime | None = None
        self._last: datetime | None = None
        self.reached_bound = False
        """Whether a row older than the bound came: what follows is older still."""

    def wanted(self, values: Sequence[object]) -> list[bool] | None:
        """Return which rows of the next page are wanted.

        A page may begin with rows that are newer than the first one of the list was: they came meanwhile, and more of
        them than fit on the pages above.

        Args:
            values: The replication value of each row that did not come before. A row whose value is no timestamp is
                wanted.

        Returns:
            A flag for each row; None if the rows do not come in descending order.
        """
        moments = [instant_or_none(value) for value in values]
        known = [moment for moment in moments if moment is not None]
        newer = [] if self._top is None else list(takewhile(self._top.__le__, known))
        older = known[len(newer) :]
        if not _descends(newer) or not _descends(older if self._last is None else [self._last, *older]):
            return None
        self._top = self._top or next(iter(known), None)
        self._last = older[-1] if older else self._last
        wanted = [moment is None or moment >= self._bound for moment in moments]
        self.reached_bound = self.reached_bound or not all(wanted)
        return wanted


def _descends(moments: Sequence[datetime]) -> bool:
    return all(earlier >= later for earlier, later in pairwise(moments))
