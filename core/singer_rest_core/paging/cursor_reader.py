"""A list read by cursor: in windows side by side if it is long, and compared with the API's own count."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from itertools import chain
from typing import TYPE_CHECKING, Any, Generic

from singer_rest_core.errors import RequestFailed
from singer_rest_core.paging import windows
from singer_rest_core.paging.drift import DriftCheck
from singer_rest_core.paging.list_query import Query
from singer_rest_core.paging.ongoing_read import ReadResult
from singer_rest_core.paging.page_fetcher import AnotherWay
from singer_rest_core.paging.paginators import PagePaginator
from singer_rest_core.paging.place import Place, PlaceLostError
from singer_rest_core.paging.seen_ids import SeenIds
from singer_rest_core.paging.window_reader import FilterIgnoredError, WindowReader, continued
from singer_rest_core.records.timestamps import instant_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from singer_sdk.pagination import BaseAPIPaginator

    from singer_rest_core.paging.descending import DescendingRead
    from singer_rest_core.paging.ongoing_read import OngoingRead
    from singer_rest_core.paging.page import Page
    from singer_rest_core.paging.prefetch import Pending
    from singer_rest_core.paging.windows import Window


class CursorReader(Generic[Query]):
    """Reads a list by cursor, from its beginning or from where an earlier run stopped.

    Args:
        read: The read it is part of.
    """

    def __init__(self, read: OngoingRead[Query]) -> None:
        """Request nothing yet."""
        self._read = read

    def pages(self, paginator: BaseAPIPaginator[Any]) -> Iterator[Page]:
        """Read the list from its beginning, and compare what came with the API's count where it has one.

        Args:
            paginator: Begins at the first page.

        Yields:
            Each page with the rows that are to be written; it says where a later run continues after it.

        Raises:
            AnotherWay: If the list cannot be read by cursor.
            StreamUnavailable: If the account may not read this list.
            RequestFailed: If a request or an answer ends the read.
        """
        read = self._read
        pages = self._chain(paginator)
        first = next(pages)
        read.source.first_page_came()
        descent = read.new_descent()
        if descent is not None:
            yield from self._down_to_bound(chain([first], pages), descent)
            return
        is_one_page = paginator.finished
        before = None if is_one_page else self._count()
        if before is None:
            seen = SeenIds(None) if read.query.since is None else None
            yield from self._counted(chain([first], pages), seen)
            read.result = ReadResult(is_complete=True, is_certain=is_one_page, rows=seen.distinct if seen else 0)
            return
        read.total = before
        seen = SeenIds(before)
        plan = self._plan(first, before)
        if len(plan) > 1:
            yield from self._in_windows(self._windows(plan).pages(), seen)
        else:
            yield from self._counted(chain([first], pages), seen)
        yield from self._verified(before, seen)

    def resumed(self, place: Place, rows_before: int) -> Iterator[Page]:
        """Continue where an earlier run stopped, and read by one cursor what is missing in the end.

        Whether rows moved since then cannot be told: the read is never certain.

        Args:
            place: Where the earlier run stopped.
            rows_before: How many rows came before that.

        Yields:
            Pages as `pages` does.

        Raises:
            PlaceLostError: If the API does not know the place any more; no row was handed on then.
            AnotherWay: If the list cannot be read by cursor.
            StreamUnavailable: If the account may not read this list.
            RequestFailed: If a request or an answer ends the read.
        """
        seen = SeenIds(None)
        if place.borders and self._read.source.window_column is not None:
            reader = self._windows(windows.between(place.borders))
            yield from self._in_windows(reader.pages(place.windows), seen)
        else:
            yield from self._counted(self._chain_from(place.cursor), seen)
        found = seen.distinct
        if place.second_pass_rows is not None:
            found += place.second_pass_rows - rows_before
        else:
            count = self._count()
            if count is not None and rows_before + found < count:
                self._read.source.logger.info("%d of %d rows came: the list is read again", rows_before + found, count)
                second = SeenIds(count)
                yield from self._once_more(seen, second)
                found = second.distinct - rows_before
        self._read.result = ReadResult(is_complete=True, is_certain=False, rows=found)

    def _down_to_bound(self, pages: Iterator[Page], descent: DescendingRead) -> Iterator[Page]:
        """Read a descending list down to its bound."""
        read = self._read
        drift = DriftCheck()
        for page in pages:
            is_new = drift.unseen(page.ids)
            drift.add(page.ids, None)
            is_descending = read.query.newest_first  # not where the API has refused to sort
            above = read.above_bound(page, descent, is_new) if is_descending else None
            yield read.accept(page if above is None else above)
            if read.has_to_restart:
                return
            if descent.reached_bound:
                break
        read.result = ReadResult(is_complete=True, is_certain=False, rows=drift.seen.distinct)

    def _chain(self, paginator: BaseAPIPaginator[Any]) -> Iterator[Page]:
        """Read pages one after the other; each says where a later run continues after it."""
        read = self._read
        read.side_by_side = 1
        pending: Pending | None = None
        is_first = True
        try:
            with read.source.get_http_request_counter() as requests_sent:
                while not paginator.finished:
                    token = paginator.current_value
                    page = read.fetcher.fetch(token, is_first=is_first and not read.has_rows, pending=pending)
                    pending = None
                    requests_sent.increment()
                    if is_first and read.source.total_of(page) is not None:
                        self._leave_numbered_answers()
                    page = continued(page, paginator)
                    # Not where the list may turn out to be read in windows, or only down to its bound.
                    asks_ahead = read.query.since is None and not (is_first and read.source.window_column)
                    if asks_ahead and not paginator.finished:
                        pending = read.fetcher.ask_ahead(paginator.current_value, at_once=is_first)
                    is_first = False
                    yield page
                    del page  # not to be kept while the next one is waited for
        finally:
            if pending is not None:
                pending.drop()

    def _leave_numbered_answers(self) -> None:
        """Read by number what is answered by number though a cursor was asked for: its pages shift."""
        query = self._read.source.without_cursor(self._read.query)
        if query is not None:
            self._read.fetcher.query = query
            raise AnotherWay

    def _counted(self, pages: Iterator[Page], seen: SeenIds | None, *, only_unseen: bool = False) -> Iterator[Page]:
        for page in pages:
            ids = page.ids
            accepted = page
            if only_unseen and seen is not None and not self._read.repeats_rows:
                accepted = page.only([each not in seen for each in ids])
            if seen is not None:
                seen.add(ids)
            yield self._read.accept(accepted)
            if self._read.has_to_restart:
                return

    def _verified(self, before: int, seen: SeenIds) -> Iterator[Page]:
        """Compare the rows that came with the smaller of two counts; read by one cursor what is missing."""
        after = self._count()
        if after is None or seen.distinct >= min(before, after):
            self._read.result = ReadResult(is_complete=True, is_certain=after is not None, rows=seen.distinct)
            return
        source = self._read.source
        source.logger.info("%d of %d rows came: the list is read once more", seen.distinct, min(before, after))
        again = SeenIds(after)
        yield from self._once_more(seen, again)
        last = self._count()
        is_certain = last is not None and again.distinct >= min(after, last)
        if not is_certain:
            source.logger.warning(
                "the API counts %d rows, but %d come: only rows that two runs miss are taken as deleted",
                after if last is None else min(after, last),
                again.distinct,
            )
        self._read.result = ReadResult(is_complete=True, is_certain=is_certain, rows=seen.distinct)

    def _once_more(self, seen: SeenIds, again: SeenIds) -> Iterator[Page]:
        """Read the list by one cursor for the rows that did not come; a later run continues this pass, too."""
        for page in self._chain(self._read.source.paginator(self._read.query)):
            again.add(page.ids)
            following = page.resume_at and Place(page.resume_at["cursor"], second_pass_rows=again.distinct).as_state()
            yield from self._counted(iter([replace(page, resume_at=following)]), seen, only_unseen=True)

    def _count(self) -> int | None:
        """Ask how many rows the list has; None if the API does not say."""
        request = self._read.source.count_request(self._read.query)
        return None if request is None else self._read.fetcher.count(request)

    def _plan(self, first: Page, total: int) -> list[Window]:
        """Divide a long list into windows, by the time of its first rows."""
        column = self._read.source.window_column
        moments = [] if column is None else [instant_or_none(value) for value in first.column(column)]
        known = [moment for moment in moments if moment is not None]
        if not known:
            return [windows.Window(None, None)]
        return windows.plan(min(known), self._read.started, -(-total // len(moments)))

    def _in_windows(self, pages: Iterator[Page], seen: SeenIds) -> Iterator[Page]:
        """Read windows side by side; by one cursor if the API does not filter."""
        try:
            yield from self._counted(pages, seen)
        except FilterIgnoredError as ignored:
            self._read.source.logger.warning("%s: the list is read without windows", ignored)
            chained = self._chain(self._read.source.paginator(self._read.query))
            yield from self._counted(chained, seen, only_unseen=True)

    def _windows(self, plan: Sequence[Window]) -> WindowReader[Query]:
        self._read.side_by_side = len(plan)
        return WindowReader(self._read.source, self._read.fetcher, self._read.run, plan)

    def _chain_from(self, cursor: Mapping[str, Any] | None) -> Iterator[Page]:
        paginator = self._read.source.paginator(self._read.query)
        if cursor is None or not isinstance(paginator, PagePaginator):
            raise PlaceLostError("the list is not read by cursor any more")
        paginator.start_at(cursor)
        try:
            yield from self._chain(paginator)
        except RequestFailed as refusal:
            if self._read.has_rows or refusal.status != HTTPStatus.BAD_REQUEST:
                raise
            raise PlaceLostError(str(refusal)) from refusal
