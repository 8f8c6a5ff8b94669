"""A list read by page numbers, whose rows may move between pages while it is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic

from singer_rest_core.paging.drift import DriftCheck
from singer_rest_core.paging.list_query import Query
from singer_rest_core.paging.ongoing_read import ReadResult
from singer_rest_core.paging.page_fetcher import AnotherWay
from singer_rest_core.paging.paginators import NumberedPaginator
from singer_rest_core.paging.prefetch import PagePrefetcher

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from singer_rest_core.paging.descending import DescendingRead
    from singer_rest_core.paging.ongoing_read import OngoingRead
    from singer_rest_core.paging.page import Page
    from singer_rest_core.paging.seen_ids import SeenIds


@dataclass
class _Pass:
    """One pass over the list.

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


class NumberedReader(Generic[Query]):
    """Reads a list by page numbers, and once more if rows moved meanwhile.

    Args:
        read: The read it is part of.
    """

    def __init__(self, read: OngoingRead[Query]) -> None:
        """Request nothing yet."""
        self._read = read

    def pages(self, paginator: NumberedPaginator) -> Iterator[Page]:
        """Read the pages in order.

        Args:
            paginator: Begins at the first page.

        Yields:
            Each page with the rows that are to be written.

        Raises:
            AnotherWay: If the list is not read by page numbers any more.
            StreamUnavailable: If the account may not read this list.
            RequestFailed: If a request or an answer ends the read.
        """
        read = self._read
        earlier: SeenIds | None = None
        while True:
            this_pass = _Pass(read.new_descent())
            yield from self._pass(paginator, this_pass, earlier)
            if read.has_to_restart:
                return
            if this_pass.is_complete or earlier is not None:
                break
            read.source.logger.info("rows moved between pages while they were read")
            read.expect_no_order()
            earlier = this_pass.drift.seen
            again = read.source.paginator(read.query)
            if not isinstance(again, NumberedPaginator):
                raise AnotherWay
            paginator = again
        if not this_pass.is_complete:
            missing = this_pass.drift.missing
            what = f"{missing} of the rows that the API counts did not come" if missing else "rows moved between pages"
            read.source.logger.warning(
                "%s each time they were read: no row is taken as deleted, and the next run reads them again", what
            )
        is_one_page = earlier is None and this_pass.pages == 1
        rows = max(this_pass.drift.seen.distinct, earlier.distinct if earlier else 0)
        read.result = ReadResult(this_pass.is_complete, this_pass.is_complete and is_one_page, rows)

    def _pass(self, paginator: NumberedPaginator, this_pass: _Pass, earlier: SeenIds | None) -> Iterator[Page]:
        read = self._read
        source, run = read.source, read.run
        ahead = PagePrefetcher(run.prefetcher, run.client.send, position=source.position)
        with ahead, source.get_http_request_counter() as requests_sent:
            while not paginator.finished:
                token = paginator.current_value
                page = read.fetcher.fetch(token, is_first=not read.has_rows, pending=ahead.take(token))
                requests_sent.increment()
                read.total = source.total_of(page)
                if this_pass.descent is None:
                    following = paginator.ahead(page, ahead.window)
                    ahead.request(following, lambda params: source.request_for(read.query, params))
                ids = page.ids
                paginator.check(page, ids)
                is_new = this_pass.drift.unseen(ids) if this_pass.descent is not None else ()
                this_pass.drift.add(ids, read.total)
                this_pass.pages += 1
                accepted = self._above_bound(page, this_pass, is_new)
                if earlier is not None and not read.repeats_rows:
                    accepted = accepted.only([each not in earlier for each in accepted.ids])
                yield read.accept(accepted)
                descent = this_pass.descent
                if read.has_to_restart or (descent is not None and descent.reached_bound):
                    break
                paginator.advance_past(page)

    def _above_bound(self, page: Page, this_pass: _Pass, is_new: Sequence[bool]) -> Page:
        if not self._read.query.newest_first:  # the API has refused to sort
            this_pass.descent = None
        if this_pass.descent is None:
            return page
        above = self._read.above_bound(page, this_pass.descent, is_new)
        if above is None:
            this_pass.descent = None
            return page
        return above
