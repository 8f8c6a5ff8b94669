"""Whether a list that was read by page number was read whole: rows that come or go meanwhile shift the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from singer_rest_core.paging.seen_ids import SeenIds

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence


class DriftCheck:
    """Follows one reading of a list by page number.

    It was read whole if the API counted the same rows on every page, and as many different ones came; where it counts
    none, if none came twice. What that cannot show: a row that goes and one that comes between the same two pages.
    """

    def __init__(self) -> None:
        """Begin before the first page."""
        self.seen = SeenIds(None)
        self._totals: set[int | None] = set()

    def page(self, ids: Sequence[Hashable], total: int | None) -> None:
        """Take note of a page.

        Args:
            ids: The ids of its rows.
            total: How many rows the list has according to this page; None if it does not say.
        """
        if not self._totals and total is not None:
            self.seen = SeenIds(max(total, len(ids)))
        self._totals.add(total)
        self.seen.add(ids)

    @property
    def moved(self) -> bool:
        """Whether something moved while the pages so far were read."""
        return len(self._totals) > 1 or self.seen.repeated

    @property
    def steady(self) -> bool:
        """Whether nothing moved while the list was read, and all of it came."""
        if len(self._totals) > 1:
            return False
        (total,) = self._totals or {0}
        return not self.seen.repeated if total is None else total == self.seen.distinct
