"""A long list read in windows side by side, a page of each handed on in turn."""

from __future__ import annotations

import itertools
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Generic

from singer_rest_core.errors import RequestFailed
from singer_rest_core.paging.background import BackgroundPages
from singer_rest_core.paging.list_query import Query
from singer_rest_core.paging.paginators import PagePaginator
from singer_rest_core.paging.place import Place, PlaceLostError, WindowPlace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from singer_sdk.pagination import BaseAPIPaginator

    from singer_rest_core.paging.list_source import ListSource
    from singer_rest_core.paging.page import Page
    from singer_rest_core.paging.page_fetcher import PageFetcher, ReadersRun
    from singer_rest_core.paging.windows import Window


class FilterIgnoredError(Exception):
    """The API does not filter the list by windows."""


_REFUSED = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY})
"""How APIs answer to a filter that they do not support."""


class WindowReader(Generic[Query]):
    """Reads the windows of one list.

    Args:
        source: The list; it has a `window_column`.
        fetcher: Requests its pages.
        run: What the readers of the run share.
        windows: The windows, in order.
    """

    def __init__(
        self, source: ListSource, fetcher: PageFetcher[Query], run: ReadersRun, windows: Sequence[Window]
    ) -> None:
        """Request nothing yet."""
        self._source = source
        self._fetcher = fetcher
        self._run = run
        self._windows = windows
        self._column = str(source.window_column)

    def pages(self, places: Sequence[WindowPlace] = ()) -> Iterator[Page]:
        """Read the windows side by side: a page of each in turn, whatever came first.

        Args:
            places: Where earlier runs stopped in each window; none if no run has begun.

        Yields:
            Pages with the rows that belong to their window; `resume_at` says where a later run continues.

        Raises:
            FilterIgnoredError: If the API does not filter by windows.
            PlaceLostError: If the API refuses a cursor.
            StreamUnavailable: If the account may not read this list.
            RequestFailed: If a request or an answer ends the read.
        """
        places = list(places) or [WindowPlace() for _ in self._windows]
        numbers = [number for number, place in enumerate(places) if not place.is_read]
        reads = {number: self._window(number, places[number].cursor) for number in numbers}
        # Whatever the order of a list that is not filtered: this page or the first one of all shows it.
        reads[numbers[-1]] = _begun(reads[numbers[-1]])
        background: list[BackgroundPages] = []
        if self._run.prefetcher is not None:
            for number, read in reads.items():
                name = f"read-{self._source.name}-{number}"
                background.append(BackgroundPages(name, read, self._run.spool_memory, uses_files=False))
                reads[number] = background[-1].pages()
        try:
            for number in numbers:
                if places[number].cursor is not None:
                    # Whether the place is still known, before any row is handed on.
                    reads[number] = _begun(reads[number])
            while reads:
                for number in list(reads):
                    page = next(reads[number], None)
                    if page is None:
                        del reads[number]
                        continue
                    following = page.resume_at["cursor"] if page.resume_at else None
                    places[number] = WindowPlace(following, is_read=following is None)
                    yield self._belonging(page, number, places)
        finally:
            for each in background:
                each.drop()

    def _belonging(self, page: Page, number: int, places: Sequence[WindowPlace]) -> Page:
        """Leave out the rows of neighbouring windows, and say where a later run continues after this page."""
        belonging = page.only(self._windows[number].holding(page.column(self._column)))
        if all(place.is_read for place in places):
            return replace(belonging, resume_at=None)
        borders = [window.end for window in self._windows if window.end]
        return replace(belonging, resume_at=Place(None, borders, places).as_state())

    def _window(self, number: int, cursor: Mapping[str, Any] | None) -> Iterator[Page]:
        """Read one window by cursor."""
        source, window = self._source, self._windows[number]
        query = source.in_window(self._fetcher.query, window.requested)
        paginator = source.paginator(query)
        if cursor is not None and isinstance(paginator, PagePaginator):
            paginator.start_at(cursor)
        # Pages are requested in the order in which they are written.
        turns = itertools.count(number, len(self._windows))
        is_first = True
        while not paginator.finished:
            try:
                page = self._fetcher.fetch_of(query, paginator.current_value, turn=next(turns))
            except RequestFailed as refusal:
                if not is_first or refusal.status not in _REFUSED:
                    raise
                if cursor is not None:
                    raise PlaceLostError(str(refusal)) from refusal
                raise FilterIgnoredError(str(refusal)) from refusal
            if is_first and window.is_ignored(page.column(self._column)):
                raise FilterIgnoredError(f"the API does not keep to the filter {self._column}")
            is_first = False
            page = continued(page, paginator)
            yield page
            del page  # not to be kept while the next one is waited for


def _begun(pages: Iterator[Page]) -> Iterator[Page]:
    """Read the first page now."""
    return itertools.chain(list(itertools.islice(pages, 1)), pages)


def continued(page: Page, paginator: BaseAPIPaginator[Any]) -> Page:
    """Go on to the next page, and say with this one how a later run does so.

    Args:
        page: The page just read.
        paginator: It goes on.

    Returns:
        The page with its `resume_at`.

    Raises:
        RequestFailed: If it is not the page that was requested, or does not say where the list goes on.
    """
    if isinstance(paginator, PagePaginator):
        paginator.check(page, page.ids)
        paginator.advance_past(page)
    else:
        paginator.advance(page.answer)
    token = None if paginator.finished else paginator.current_value
    return replace(page, resume_at=Place(token).as_state() if isinstance(token, dict) else None)
