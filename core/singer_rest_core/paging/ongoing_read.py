"""What the ways of reading one list share during a read: what is asked, what came, and whether it has to restart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic

from singer_rest_core.paging.descending import DescendingRead
from singer_rest_core.paging.list_query import Query
from singer_rest_core.paging.order_check import OrderCheck

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from singer_rest_core.paging.list_source import ListSource
    from singer_rest_core.paging.page import Page
    from singer_rest_core.paging.page_fetcher import PageFetcher, ReadersRun


@dataclass(frozen=True)
class ReadResult:
    """What a read that came to its end found.

    Args:
        is_complete: Whether every row came, as far as can be seen. Then a bookmark may move.
        is_certain: Whether that is beyond doubt: the list had one page, or as many rows came as the API counts.
        rows: How many different rows came.
    """

    is_complete: bool
    is_certain: bool
    rows: int


class OngoingRead(Generic[Query]):
    """One read of one list, whichever way it is read.

    Args:
        source: The list.
        fetcher: Requests its pages, and holds what is asked of it.
        run: What the readers of the run share.
        started: When the run began, by our clock.
        repeats_rows: Whether rows that an earlier pass brought are handed on again, as they may have changed.
    """

    def __init__(
        self,
        source: ListSource,
        fetcher: PageFetcher[Query],
        run: ReadersRun,
        *,
        started: datetime,
        repeats_rows: bool,
    ) -> None:
        """Nothing has come yet."""
        self.source = source
        self.fetcher = fetcher
        self.run = run
        self.started = started
        self.repeats_rows = repeats_rows
        self.result: ReadResult | None = None
        """What the read found; None before its end."""
        self.total: int | None = None
        """How many rows the API counts; None if it does not say."""
        self.has_rows = False
        """Whether a page was handed on."""
        self.has_to_restart = False
        """Whether the list has to be read from its beginning once the page at hand was handed on."""
        self.side_by_side = 0
        """How many of its pages can be requested at a time; 0 for any number."""
        self._is_ordered = fetcher.query.ascending
        self._order = OrderCheck(source.filter_slack)

    @property
    def query(self) -> Query:
        """What is asked now: less than at first where the API refused something or did not keep to it."""
        return self.fetcher.query

    def accept(self, page: Page) -> Page:
        """Leave out what has no usable key, check order and age of the rows, and say with them what is known.

        Args:
            page: A page with the rows that are to be written.

        Returns:
            The page as it is handed on.
        """
        self.has_rows = True
        self.run.critical_lists.page_came(
            self.source.name,
            rows=len(page.rows),
            total=self.total,
            side_by_side=self.side_by_side,
            seconds=page.answer.elapsed.total_seconds(),
        )
        faults = self.source.key_faults(page.keys)
        if faults:
            page = page.without_unusable_keys(faults)
        complaint = self._order.complaint(page, self.query)
        if complaint:
            self._read_every_row(complaint)
        return replace(
            page,
            query=self.query,
            total=self.total,
            is_ordered=self._is_ordered and self.query.ascending,
            began=self.fetcher.began_at(page),
        )

    def expect_no_order(self) -> None:
        """Take the rows that follow for unordered."""
        self._is_ordered = False

    def new_descent(self) -> DescendingRead | None:
        """Return what follows a list in descending order down to its bound; None if it is read in another order."""
        if not self.query.newest_first or self.query.since is None:
            return None
        self._is_ordered = False
        return DescendingRead(self.query.since)

    def above_bound(self, page: Page, descent: DescendingRead, is_new: Sequence[bool]) -> Page | None:
        """Leave out rows below the bound of a descending list, and those that new rows have pushed to this page.

        Args:
            page: The page.
            descent: Follows the list.
            is_new: For each row, whether no earlier page had it.

        Returns:
            The rows that remain; None if the list does not descend: then it has to restart.
        """
        new = page.only(is_new)
        wanted = descent.wanted(new.column(str(self.query.column)))
        if wanted is not None:
            return new.only(wanted)
        self._read_every_row(f"rows do not come in descending order of {self.query.column}, as was asked for")
        return None

    def _read_every_row(self, reason: str) -> None:
        """Read the whole list instead of a part of it: from its beginning, once the page at hand was handed on."""
        self.source.logger.warning("%s: it is read completely", reason)
        self.fetcher.query = self.query.for_every_row()
        self._is_ordered = False
        self.has_to_restart = True
