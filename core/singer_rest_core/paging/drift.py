"""Whether a list that was read by page number is complete: rows that come or go meanwhile shift the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from singer_rest_core.paging.seen_ids import SeenIds

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence


class DriftCheck:
    """Follows one pass over a list by page number.

    The pass is complete if the API counted the same number of rows on every page, and as many different ones came;
    where it counts none, if no row came twice. What this cannot show: a row that goes and one that comes between the
    same two pages.
    """

    def __init__(self) -> None:
        """Start before the first page."""
        self.seen = SeenIds(None)
        self._totals: set[int | None] = set()
        self._last_total: int | None = None
        self.has_shrunk = False
        """Whether the API counted fewer rows than before: then rows moved up, to pages that were read already."""

    def unseen(self, ids: Sequence[Hashable]) -> list[bool]:
        """Return which rows of the next page did not come before.

        Args:
            ids: The ids of its rows.

        Returns:
            A flag for each row.
        """
        return [each not in self.seen for each in ids]

    def add(self, ids: Sequence[Hashable], total: int | None) -> None:
        """Count a page.

        Args:
            ids: The ids of its rows.
            total: How many rows the list has according to this page; None if it does not say.
        """
        if not self._totals and total is not None:
            self.seen = SeenIds(max(total, len(ids)))
        if total is not None:
            self.has_shrunk |= self._last_total is not None and total < self._last_total
            self._last_total = total
        self._totals.add(total)
        self.seen.add(ids)

    @property
    def missing(self) -> int:
        """How many rows did not come of those that every page counted; 0 if their counts differ."""
        total = self._last_total if len(self._totals) == 1 else None
        return 0 if total is None else max(0, total - self.seen.distinct)

    @property
    def is_complete(self) -> bool:
        """Whether every row came, and nothing moved, as far as the pages can show."""
        if len(self._totals) > 1:
            return False
        (total,) = self._totals or {0}
        return not self.seen.repeated if total is None else total == self.seen.distinct
