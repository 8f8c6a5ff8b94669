"""Whether the rows of an incremental read keep to the bound and the order that were asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from singer_rest_core.records.timestamps import instant, instant_or_none, moved_back

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from singer_rest_core.paging.list_query import ListQuery
    from singer_rest_core.paging.page import Page


class OrderCheck:
    """Follows one incremental read, page by page.

    Args:
        slack: How much older than its bound a row may be; None if nothing is checked.
    """

    def __init__(self, slack: timedelta | None) -> None:
        """Start before the first page."""
        self._slack = slack
        self._last: datetime | None = None

    def complaint(self, page: Page, query: ListQuery) -> str:
        """Look at the next page.

        Args:
            page: The page.
            query: What was asked of the list.

        Returns:
            As a clause what its rows do not keep to; empty if nothing.
        """
        if query.since is None or query.newest_first or query.column is None or self._slack is None:
            return ""
        moments = [moment for moment in map(instant_or_none, page.column(query.column)) if moment is not None]
        if any(moment < moved_back(instant(query.since), self._slack) for moment in moments):
            return f"rows are older by {query.column} than was asked for"
        known = moments if self._last is None else [self._last, *moments]
        self._last = known[-1] if known else None
        if query.ascending and known != sorted(known):
            return f"rows do not come in ascending order of {query.column}, as was asked for"
        return ""
