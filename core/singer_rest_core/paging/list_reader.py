"""How one list is read: page after page, completely or from a bookmark, and checked on the way.

A reader holds all that steers one read. It is made for that read, and the stream that owns it asks it afterwards
whether every row came.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from http import HTTPStatus
from itertools import chain
from typing import TYPE_CHECKING, Any, Generic

from singer_rest_core.errors import RequestFailed
from singer_rest_core.paging import windows
from singer_rest_core.paging.descending import DescendingRead
from singer_rest_core.paging.drift import DriftCheck
from singer_rest_core.paging.list_query import Query
from singer_rest_core.paging.order_check import OrderCheck
from singer_rest_core.paging.page_fetcher import AnotherWay, PageFetcher
from singer_rest_core.paging.paginators import NumberedPaginator, PagePaginator
from singer_rest_core.paging.place import Place, PlaceLostError
from singer_rest_core.paging.prefetch import PagePrefetcher
from singer_rest_core.paging.seen_ids import SeenIds
from singer_rest_core.paging.window_reader import FilterIgnoredError, WindowReader, continued
from singer_rest_core.records.timestamps import instant_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from singer_sdk.pagination import BaseAPIPaginator

    from singer_rest_core.paging.list_source import ListSource
    from singer_rest_core.paging.page import Page, PageDecoder
    from singer_rest_core.paging.page_fetcher import ReadersRun
    from singer_rest_core.paging.windows import Window


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


@dataclass
class _NumberedPass:
    """One pass over a list by page numbers.

    Args:
        descent: Follows a list in descending order; None in any other.
    """

    descent: DescendingRead | None
    drift: DriftCheck = field(default_factory=DriftCheck)
    pages: int = 0

    @property
    def is_complete(self) -> bool:
        """Whether every row came. New rows on top of a descending list push others down, but none out of sight."""
        if self.descent is not None and self.descent.reached_bound:
            return not self.drift.has_shrunk
        return self.drift.is_complete


class ListReader(Generic[Query]):
    """Reads a list once.

    By cursor where the API has one: in windows of an unchanging time side by side if the list is long, and compared
    with the API's own count. By number elsewhere: a list whose rows moved meanwhile is read once more for the rows that
    slipped through. Where the API does not keep to the bound or the order of an incremental read, the list is read
    completely instead.

    Args:
        source: The list.
        query: What is asked of it.
        decoder: Decodes its pages.
        run: What the readers of the run share.
        started: When the run began, by our clock.
        repeats_rows: Whether rows that an earlier pass brought are handed on again, as they may have changed.
        resume_at: Where an earlier run stopped, as a page said (`Page.resume_at`); None to start at the beginning.
        rows_before: How many rows came before that.
    """

    def __init__(  # noqa: PLR0913 - each is another thing
        self,
        source: ListSource,
        query: Query,
        decoder: PageDecoder,
        run: ReadersRun,
        *,
        started: datetime,
        repeats_rows: bool = False,
        resume_at: Mapping[str, Any] | None = None,
        rows_before: int = 0,
    ) -> None:
        """Request nothing yet."""
        self.result: ReadResult | None = None
        """What the read found; None before its end."""
        self.lost_its_place = False
        """Whether the read could not be resumed and began again, before any row was handed on."""
        self._source = source
        self._run = run
        self._fetcher = PageFetcher(source, query, decoder, run, started)
        self._repeats_rows = repeats_rows
        self._resume_at = resume_at
        self._rows_before = rows_before
        self._order = OrderCheck(source.filter_slack)
        self._started = started
        self._is_ordered = query.ascending
        self._total: int | None = None
        self._has_rows = False
        self._has_to_restart = False
        self._is_walk = False

    @property
    def query(self) -> Query:
        """What is asked now: less than at first where the API refused something or did not keep to it."""
        return self._fetcher.query

    def pages(self) -> Iterator[Page]:
        """Read the pages in order.

        Yields:
            Each page with the rows that are to be written.

        Raises:
            StreamUnavailable: If the account may not read this list.
            RequestFailed: If a request or an answer ends the read.
        """
        try:
            while True:
                self._has_to_restart = False
                try:
                    yield from self._one_read()
                except AnotherWay:
                    continue
                if not self._has_to_restart:
                    return
        finally:
            self._run.critical_lists.ended(self._source.name)

    def _one_read(self) -> Iterator[Page]:
        paginator = self._source.paginator(self.query)
        if isinstance(paginator, NumberedPaginator):
            yield from self._by_number(paginator)
            return
        if self._resume_at is not None:
            try:
                yield from self._resumed(Place.in_state(self._resume_at))
            except PlaceLostError as lost:
                self._source.logger.warning("the read cannot be resumed where it stopped, and begins again: %s", lost)
                self._resume_at = None
                self.lost_its_place = True
            else:
                return
        yield from self._by_cursor(paginator)

    def _handed_on(self, page: Page) -> Page:
        """Leave out what has no usable key, check order and age of the rows, and say with them what is known."""
        self._has_rows = True
        self._run.critical_lists.page_came(
            self._source.name,
            rows=len(page.rows),
            total=self._total,
            is_walk=self._is_walk,
            seconds=page.answer.elapsed.total_seconds(),
        )
        faults = self._source.key_faults(page.keys)
        if faults:
            page = page.without_unusable_keys(faults)
        complaint = self._order.complaint(page, self.query)
        if complaint:
            self._read_every_row(complaint)
        return replace(
            page,
            query=self.query,
            total=self._total,
            is_ordered=self._is_ordered and self.query.ascending,
            began=self._fetcher.began_at(page),
        )

    def _read_every_row(self, reason: str) -> None:
        """Read the whole list instead of a part of it: from its beginning, once the page at hand was handed on."""
        self._source.logger.warning("%s: it is read completely", reason)
        self._fetcher.query = self.query.for_every_row()
        self._is_ordered = False
        self._has_to_restart = True

    def _by_number(self, paginator: NumberedPaginator) -> Iterator[Page]:
        """Read the list by page numbers, and once more if rows moved meanwhile."""
        earlier: SeenIds | None = None
        while True:
            numbered = _NumberedPass(self._new_descent())
            yield from self._numbered_pass(paginator, numbered, earlier)
            if self._has_to_restart:
                return
            if numbered.is_complete or earlier is not None:
                break
            self._source.logger.info("rows moved between pages while they were read")
            self._is_ordered = False
            earlier = numbered.drift.seen
            again = self._source.paginator(self.query)
            if not isinstance(again, NumberedPaginator):
                raise AnotherWay
            paginator = again
        if not numbered.is_complete:
            self._source.logger.warning("rows moved between pages each time they were read: the bookmark stays")
        is_one_page = earlier is None and numbered.pages == 1
        rows = max(numbered.drift.seen.distinct, earlier.distinct if earlier else 0)
        self.result = ReadResult(numbered.is_complete, numbered.is_complete and is_one_page, rows)

    def _numbered_pass(
        self, paginator: NumberedPaginator, numbered: _NumberedPass, earlier: SeenIds | None
    ) -> Iterator[Page]:
        source, run = self._source, self._run
        ahead = PagePrefetcher(run.prefetcher, run.client.send, position=source.position)
        with ahead, source.get_http_request_counter() as requests_sent:
            while not paginator.finished:
                token = paginator.current_value
                page = self._fetcher.fetch(token, is_first=not self._has_rows, pending=ahead.take(token))
                requests_sent.increment()
                self._total = source.total_of(page)
                if numbered.descent is None:
                    following = paginator.ahead(page, ahead.window)
                    ahead.request(following, lambda params: source.request_for(self.query, params))
                ids = page.ids
                paginator.check(page, ids)
                is_new = numbered.drift.unseen(ids) if numbered.descent is not None else ()
                numbered.drift.add(ids, self._total)
                numbered.pages += 1
                accepted = self._down_to_bound(page, numbered, is_new)
                if earlier is not None and not self._repeats_rows:
                    accepted = accepted.only([each not in earlier for each in accepted.ids])
                yield self._handed_on(accepted)
                descent = numbered.descent
                if self._has_to_restart or (descent is not None and descent.reached_bound):
                    break
                paginator.advance_past(page)

    def _new_descent(self) -> DescendingRead | None:
        if not self.query.newest_first or self.query.since is None:
            return None
        self._is_ordered = False
        return DescendingRead(self.query.since)

    def _down_to_bound(self, page: Page, numbered: _NumberedPass, is_new: Sequence[bool]) -> Page:
        """Leave out rows below the bound of a descending list, and those that new rows have pushed to this page."""
        if not self.query.newest_first:  # the API has refused to sort
            numbered.descent = None
        if numbered.descent is None:
            return page
        new = page.only(is_new)
        wanted = numbered.descent.wanted(new.column(str(self.query.column)))
        if wanted is not None:
            return new.only(wanted)
        numbered.descent = None
        self._read_every_row(f"rows do not come in descending order of {self.query.column}, as was asked for")
        return page

    def _down_by_cursor(self, pages: Iterator[Page], descent: DescendingRead) -> Iterator[Page]:
        """Read a descending list by cursor, down to its bound."""
        numbered = _NumberedPass(descent)
        for page in pages:
            is_new = numbered.drift.unseen(page.ids)
            numbered.drift.add(page.ids, None)
            yield self._handed_on(self._down_to_bound(page, numbered, is_new))
            if self._has_to_restart:
                return
            if descent.reached_bound:
                break
        self.result = ReadResult(is_complete=True, is_certain=False, rows=numbered.drift.seen.distinct)

    def _by_cursor(self, paginator: BaseAPIPaginator[Any]) -> Iterator[Page]:
        """Read the list from its beginning, and compare what came with the API's count where it has one."""
        pages = self._chain(paginator)
        first = next(pages)
        descent = self._new_descent()
        if descent is not None:
            yield from self._down_by_cursor(chain([first], pages), descent)
            return
        is_one_page = paginator.finished
        before = None if is_one_page else self._count()
        if before is None:
            seen = SeenIds(None) if self.query.since is None else None
            yield from self._counted(chain([first], pages), seen)
            self.result = ReadResult(is_complete=True, is_certain=is_one_page, rows=seen.distinct if seen else 0)
            return
        self._total = before
        seen = SeenIds(before)
        plan = self._plan(first, before)
        if len(plan) > 1:
            self._is_walk = False
            yield from self._in_windows(self._windows(plan).pages(), seen)
        else:
            yield from self._counted(chain([first], pages), seen)
        yield from self._verified(before, seen)

    def _chain(self, paginator: BaseAPIPaginator[Any]) -> Iterator[Page]:
        """Read pages one after the other; each says where a later run continues after it."""
        self._is_walk = True
        with self._source.get_http_request_counter() as requests_sent:
            is_first = True
            while not paginator.finished:
                page = self._fetcher.fetch(paginator.current_value, is_first=is_first and not self._has_rows)
                requests_sent.increment()
                if is_first and self._source.total_of(page) is not None:
                    self._leave_numbered_answers()
                is_first = False
                yield continued(page, paginator)

    def _leave_numbered_answers(self) -> None:
        """Read by number what is answered by number though a cursor was asked for: its pages shift."""
        query = self._source.without_cursor(self.query)
        if query is not None:
            self._fetcher.query = query
            raise AnotherWay

    def _counted(self, pages: Iterator[Page], seen: SeenIds | None, *, only_unseen: bool = False) -> Iterator[Page]:
        for page in pages:
            ids = page.ids
            accepted = page
            if only_unseen and seen is not None and not self._repeats_rows:
                accepted = page.only([each not in seen for each in ids])
            if seen is not None:
                seen.add(ids)
            yield self._handed_on(accepted)
            if self._has_to_restart:
                return

    def _verified(self, before: int, seen: SeenIds) -> Iterator[Page]:
        """Compare the rows that came with the smaller of two counts; read by one cursor what is missing."""
        after = self._count()
        if after is None or seen.distinct >= min(before, after):
            self.result = ReadResult(is_complete=True, is_certain=after is not None, rows=seen.distinct)
            return
        source = self._source
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
        self.result = ReadResult(is_complete=True, is_certain=is_certain, rows=seen.distinct)

    def _once_more(self, seen: SeenIds, again: SeenIds) -> Iterator[Page]:
        """Read the list by one cursor for the rows that did not come; a later run continues this pass, too."""
        for page in self._chain(self._source.paginator(self.query)):
            again.add(page.ids)
            following = page.resume_at and Place(page.resume_at["cursor"], second_pass_rows=again.distinct).as_state()
            yield from self._counted(iter([replace(page, resume_at=following)]), seen, only_unseen=True)

    def _count(self) -> int | None:
        """Ask how many rows the list has; None if the API does not say."""
        request = self._source.count_request(self.query)
        return None if request is None else self._fetcher.count(request)

    def _plan(self, first: Page, total: int) -> list[Window]:
        """Divide a long list into windows, by the time of its first rows."""
        column = self._source.window_column
        moments = [] if column is None else [instant_or_none(value) for value in first.column(column)]
        known = [moment for moment in moments if moment is not None]
        if not known:
            return [windows.Window(None, None)]
        return windows.plan(min(known), self._started, -(-total // len(moments)))

    def _in_windows(self, pages: Iterator[Page], seen: SeenIds) -> Iterator[Page]:
        """Read windows side by side; by one cursor if the API does not filter."""
        try:
            yield from self._counted(pages, seen)
        except FilterIgnoredError as ignored:
            self._source.logger.warning("%s: the list is read without windows", ignored)
            chained = self._chain(self._source.paginator(self.query))
            yield from self._counted(chained, seen, only_unseen=True)

    def _windows(self, plan: Sequence[Window]) -> WindowReader[Query]:
        return WindowReader(self._source, self._fetcher, self._run, plan)

    def _resumed(self, place: Place) -> Iterator[Page]:
        """Continue where an earlier run stopped, and read by one cursor what is missing in the end.

        Whether rows moved since then cannot be told: the read is never certain.
        """
        seen = SeenIds(None)
        if place.borders and self._source.window_column is not None:
            reader = self._windows(windows.between(place.borders))
            yield from self._in_windows(reader.pages(place.windows), seen)
        else:
            yield from self._counted(self._chain_from(place.cursor), seen)
        found = seen.distinct
        if place.second_pass_rows is not None:
            found += place.second_pass_rows - self._rows_before
        else:
            count = self._count()
            if count is not None and self._rows_before + found < count:
                self._source.logger.info("%d of %d rows came: the list is read again", self._rows_before + found, count)
                second = SeenIds(count)
                yield from self._once_more(seen, second)
                found = second.distinct - self._rows_before
        self.result = ReadResult(is_complete=True, is_certain=False, rows=found)

    def _chain_from(self, cursor: Mapping[str, Any] | None) -> Iterator[Page]:
        paginator = self._source.paginator(self.query)
        if cursor is None or not isinstance(paginator, PagePaginator):
            raise PlaceLostError("the list is not read by cursor any more")
        paginator.start_at(cursor)
        try:
            yield from self._chain(paginator)
        except RequestFailed as refusal:
            if self._has_rows or refusal.status != HTTPStatus.BAD_REQUEST:
                raise
            raise PlaceLostError(str(refusal)) from refusal
