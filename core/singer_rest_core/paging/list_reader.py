"""How one list is read: page after page, completely or from a bookmark, and checked on the way.

A reader is made for one read, and the stream that owns it asks it afterwards whether every row came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic

from singer_rest_core.paging.cursor_reader import CursorReader
from singer_rest_core.paging.list_query import Query
from singer_rest_core.paging.numbered_reader import NumberedReader
from singer_rest_core.paging.ongoing_read import OngoingRead
from singer_rest_core.paging.page_fetcher import AnotherWay, PageFetcher
from singer_rest_core.paging.paginators import NumberedPaginator
from singer_rest_core.paging.place import Place, PlaceLostError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from singer_rest_core.paging.list_source import ListSource
    from singer_rest_core.paging.ongoing_read import ReadResult
    from singer_rest_core.paging.page import Page, PageDecoder
    from singer_rest_core.paging.page_fetcher import ReadersRun


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
        self.lost_its_place = False
        """Whether the read could not be resumed and began again, before any row was handed on."""
        fetcher = PageFetcher(source, query, decoder, run, started)
        self._read = OngoingRead(source, fetcher, run, started=started, repeats_rows=repeats_rows)
        self._resume_at = resume_at
        self._rows_before = rows_before

    @property
    def result(self) -> ReadResult | None:
        """What the read found; None before its end."""
        return self._read.result

    @property
    def query(self) -> Query:
        """What is asked now: less than at first where the API refused something or did not keep to it."""
        return self._read.query

    def pages(self) -> Iterator[Page]:
        """Read the pages in order.

        Yields:
            Each page with the rows that are to be written.

        Raises:
            StreamUnavailable: If the account may not read this list.
            RequestFailed: If a request or an answer ends the read.
        """
        read = self._read
        try:
            while True:
                read.has_to_restart = False
                try:
                    yield from self._one_read()
                except AnotherWay:
                    continue
                if not read.has_to_restart:
                    return
        finally:
            read.run.critical_lists.ended(read.source.name)

    def _one_read(self) -> Iterator[Page]:
        read = self._read
        paginator = read.source.paginator(read.query)
        if isinstance(paginator, NumberedPaginator):
            yield from NumberedReader(read).pages(paginator)
            return
        by_cursor = CursorReader(read)
        if self._resume_at is not None:
            try:
                yield from by_cursor.resumed(Place.in_state(self._resume_at), self._rows_before)
            except PlaceLostError as lost:
                read.source.logger.warning("the read cannot be resumed where it stopped, and begins again: %s", lost)
                self._resume_at = None
                self.lost_its_place = True
            else:
                return
        yield from by_cursor.pages(paginator)
