"""How one list is read: page after page, completely or from a bookmark, and checked on the way.

A reader holds all that steers one read. It is made for that read, and the stream that owns it asks it afterwards
whether every row came.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Generic, Protocol

from singer_rest_core.api.retry import server_time
from singer_rest_core.errors import ApiUnreachable, RequestFailed, StreamUnavailable, WaitTooLong
from singer_rest_core.paging.descending import DescendingRead
from singer_rest_core.paging.drift import DriftCheck
from singer_rest_core.paging.list_query import Query, RefusedRequest
from singer_rest_core.paging.paginators import NumberedPaginator, PagePaginator
from singer_rest_core.paging.prefetch import PagePrefetcher
from singer_rest_core.records.exact_json import NotJson
from singer_rest_core.records.row_layout import UnexpectedPage
from singer_rest_core.records.timestamps import instant

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from datetime import datetime, timedelta

    import requests
    from singer_sdk.metrics import Counter
    from singer_sdk.pagination import BaseAPIPaginator
    from singer_sdk.streams.rest import HTTPRequest

    from singer_rest_core.api.client import ApiClient
    from singer_rest_core.paging.page import Page, PageDecoder
    from singer_rest_core.paging.prefetch import FirstPages, Pending, Prefetcher
    from singer_rest_core.paging.seen_ids import SeenIds

    Refusal = StreamUnavailable | RequestFailed


class ListSource(Protocol):
    """A list, as far as its reader has to know it; the streams of a tap are such lists."""

    name: str
    path: str
    position: int
    filter_slack: timedelta | None

    @property
    def logger(self) -> logging.Logger:
        """Where what is unusual about the list is logged."""
        ...

    def paginator(self, query: Any) -> BaseAPIPaginator[Any]:  # noqa: ANN401 - the list's own kind of query
        """Return a paginator before its first page."""
        ...

    def steady_paginator(self, query: Any) -> BaseAPIPaginator[Any] | None:  # noqa: ANN401 - as above
        """Return a paginator that does not shift when rows come and go; None if the API has none."""
        ...

    def request_for(self, query: Any, token: Any) -> HTTPRequest:  # noqa: ANN401 - as above
        """Return the request for one page, without credentials."""
        ...

    def total_of(self, page: Page) -> int | None:
        """Return how many rows a numbered list has according to a page; None if it does not say."""
        ...

    def accept_page(self, page: Page, query: Any) -> Page:  # noqa: ANN401 - as above
        """Look at a page before it is written, and leave out rows that shall not be."""
        ...

    def adapt(self, refused: RefusedRequest[Any]) -> Any | None:  # noqa: ANN401 - as above
        """Return a query that the API may accept instead of one it refused; None to let the refusal end the read."""
        ...

    def get_http_request_counter(self) -> AbstractContextManager[Counter]:
        """Return the SDK's counter of requests."""
        ...


class ReadersRun(Protocol):
    """What readers share in a run."""

    @property
    def client(self) -> ApiClient:
        """The HTTP client."""
        ...

    @property
    def prefetcher(self) -> Prefetcher | None:
        """Sends requests ahead of their turn."""
        ...

    @property
    def first_pages(self) -> FirstPages:
        """First pages that were requested ahead."""
        ...

    def page_read(self, rows: int, total: int | None) -> None:
        """Count a page for whoever watches."""
        ...

    def verify_access(self, refusal: Refusal) -> None:
        """Check the credentials when a list is refused before any request was accepted."""
        ...


class BookmarkInUse(Protocol):
    """The bookmark of an incremental read, as far as its reader needs it."""

    def began_at(self, moment: datetime) -> None:
        """Take the read to have begun earlier, by the clock of the API."""
        ...

    def expect_no_order(self) -> None:
        """Keep no value before the end of the read."""
        ...


@dataclass
class _Pass:
    """One pass over the list.

    Args:
        drift: Follows the ids of a numbered list; None where pages do not shift.
        descent: Follows a list in descending order; None in any other.
        oldest_expected: What no row of a filtered list may be older than; None where that is not checked.
    """

    drift: DriftCheck | None
    descent: DescendingRead | None
    oldest_expected: datetime | None

    @property
    def is_complete(self) -> bool:
        return self.drift is None or self.drift.is_complete

    def expect_every_row(self) -> None:
        """Check neither bound nor order any more: every row is read now."""
        self.descent = self.oldest_expected = None

    def end_at_bound(self) -> None:
        """A descent that reached its bound has read as much of the list as was wanted, whatever its count."""
        if self.descent and self.descent.reached_bound and self.drift and not self.drift.has_moved:
            self.drift = None


class ListReader(Generic[Query]):
    """Reads a list once.

    A numbered list whose rows moved meanwhile is read again for the rows that slipped through; if it does not come to
    rest, it is read in a way that does not shift, where the API has one. Where the API does not keep to the bound or
    the order of an incremental read, the list is read completely instead.

    Args:
        source: The list.
        query: What is asked of it.
        decoder: Decodes its pages.
        run: What the readers of the run share.
        started: When the run began, by our clock.
        bookmark: That of an incremental stream, or None.
        repeats_rows: Whether rows that an earlier pass brought are handed on again, as they may have changed.
    """

    def __init__(  # noqa: PLR0913 - each is another thing
        self,
        source: ListSource,
        query: Query,
        decoder: PageDecoder,
        run: ReadersRun,
        *,
        started: datetime,
        bookmark: BookmarkInUse | None = None,
        repeats_rows: bool = False,
    ) -> None:
        """Request nothing yet."""
        self.query = query
        """What is asked now: less than at first where the API refused something or did not keep to it."""
        self._source = source
        self._decoder = decoder
        self._run = run
        self._started = started
        self._bookmark = bookmark
        self._repeats_rows = repeats_rows
        self._earlier_passes: list[SeenIds] = []
        self._pass = _Pass(None, None, None)
        self._has_rows = False
        self._has_to_restart = False

    @property
    def is_complete(self) -> bool:
        """Whether the read that ended saw every row: by cursor yes, by page number if nothing seems to have moved.

        What cannot be seen: see `DriftCheck`.
        """
        return self._pass.is_complete

    def pages(self) -> Iterator[Page]:
        """Read the pages in order.

        Yields:
            Each page with the rows that are to be written.

        Raises:
            StreamUnavailable: If the account may not read this list.
            RequestFailed: If a request or an answer ends the read.
        """
        yield from self._passes()
        if self._has_to_restart:
            self._has_to_restart = False
            self._earlier_passes = []
            yield from self._passes()

    def read_every_row(self, reason: str) -> None:
        """Read the whole list instead of a part of it: from its beginning, once the page at hand was written.

        Args:
            reason: What the API did not keep to, as a clause for the log.
        """
        if self.query.since is not None:
            self._source.logger.warning("%s: it is read completely", reason)
            self._change_query(self.query.for_every_row())

    @property
    def checks_order(self) -> bool:
        """Whether the list was asked for changes in order, and is read completely if it does not keep to that."""
        return self._pass.oldest_expected is not None

    def check_age(self, value: str) -> None:
        """Compare the replication value of a row with what was asked for.

        Args:
            value: A timestamp.
        """
        oldest = self._pass.oldest_expected
        if oldest is not None and instant(value) < oldest:
            self.read_every_row(f"rows are older by {self.query.column} than was asked for")

    def _passes(self) -> Iterator[Page]:
        """Read the list until a pass saw no row move."""
        source = self._source
        for new_paginator in (source.paginator, source.paginator, source.steady_paginator):
            paginator = new_paginator(self.query)
            if paginator is None:
                break
            self._pass = self._new_pass(paginator)
            yield from self._walk(paginator)
            if self._has_to_restart:
                return
            self._pass.end_at_bound()
            if self._pass.drift is None or self._pass.is_complete:
                return
            source.logger.info("rows moved between pages while they were read")
            self._expect_no_order()
            self._earlier_passes.append(self._pass.drift.seen)
        source.logger.warning(
            "rows moved between pages each time they were read: no row is taken as deleted, and the bookmark stays",
        )

    def _new_pass(self, paginator: BaseAPIPaginator[Any]) -> _Pass:
        query, slack = self.query, self._source.filter_slack
        drift = DriftCheck() if isinstance(paginator, NumberedPaginator) else None
        if query.newest_first and query.since is not None:
            self._expect_no_order()
            descent = DescendingRead(query.since)
        else:
            descent = None
        oldest = None if query.since is None or slack is None else instant(query.since) - slack
        return _Pass(drift, descent, oldest)

    def _walk(self, paginator: BaseAPIPaginator[Any]) -> Iterator[Page]:
        """Read the pages once, in order."""
        source, run = self._source, self._run
        first = run.first_pages.take(source.name)
        ahead = PagePrefetcher(run.prefetcher, run.client.send, position=source.position, first=first)
        with ahead, source.get_http_request_counter() as requests_sent:
            while not paginator.finished:
                token = paginator.current_value
                is_first = not paginator.count and not self._earlier_passes
                page = self._fetch(token, ahead.take(token), is_first=is_first)
                requests_sent.increment()
                self._compare_clocks(page.answer)
                if isinstance(paginator, NumberedPaginator) and self._pass.descent is None:
                    following = paginator.ahead(page, ahead.window)
                    ahead.request(following, lambda params: source.request_for(self.query, params))
                run.first_pages.request_after(source.position)
                yield self._accept(page, paginator)
                descent = self._pass.descent
                if self._has_to_restart or (descent is not None and descent.reached_bound):
                    break
                if isinstance(paginator, PagePaginator):
                    paginator.advance_past(page)
                else:
                    paginator.advance(page.answer)

    def _accept(self, page: Page, paginator: BaseAPIPaginator[Any]) -> Page:
        """Check a page, and leave out the rows that are not wanted or came in an earlier pass."""
        source = self._source
        try:
            ids = page.ids
        except UnexpectedPage as error:  # a row that is not an object; the codec decodes such a page
            raise RequestFailed(f"GET {source.path} answered {error}") from error
        if isinstance(paginator, PagePaginator):
            paginator.check(page, ids)
        self._has_rows = True
        total = source.total_of(page)
        if self._pass.drift is None and total is not None:
            # Whatever was asked for, this answer is by number: cursors come without a total.
            self._pass.drift = DriftCheck()
            self._expect_no_order()
        if self._pass.drift is not None:
            self._pass.drift.add(ids, total)
        rows = page.rows
        if self._pass.descent is not None:
            wanted = self._pass.descent.wanted(page.column(str(self.query.column)))
            if wanted is None:
                self.read_every_row(f"rows do not come in descending order of {self.query.column}, as was asked for")
            else:
                rows = [row for row, is_wanted in zip(rows, wanted, strict=True) if is_wanted]
                ids = [each for each, is_wanted in zip(ids, wanted, strict=True) if is_wanted]
        if self._earlier_passes and not self._repeats_rows:
            known = self._earlier_passes
            rows = [row for each, row in zip(ids, rows, strict=True) if not any(each in seen for seen in known)]
        self._run.page_read(len(rows), total)
        return source.accept_page(page.with_rows(rows), self.query)

    def _fetch(self, token: object, pending: Pending | None, *, is_first: bool) -> Page:
        """Request a page until it can be decoded. After the first, a refusal is no matter of access: half is read."""
        try:
            answer = self._request(token, pending)
        except StreamUnavailable as refusal:
            if is_first:
                raise
            raise RequestFailed(f"{refusal}, in the middle of the list") from refusal
        try:
            try:
                return self._decoder.decode(answer)
            except NotJson:
                request = self._source.request_for(self.query, token)
                return self._decoder.decode(self._run.client.send(request, thorough=True))
        except (NotJson, UnexpectedPage) as error:
            raise RequestFailed(f"GET {self._source.path} answered {error}") from error

    def _request(self, token: object, pending: Pending | None) -> requests.Response:
        """Request a page, and again in another way as long as the API refuses something that can be left out."""
        while True:
            try:
                return self._answer(token, pending)
            except (StreamUnavailable, RequestFailed) as refusal:
                pending = None
                is_missing = isinstance(refusal, RequestFailed) and refusal.status == HTTPStatus.NOT_FOUND
                if (is_missing or isinstance(refusal, StreamUnavailable)) and not self._run.client.accepted:
                    self._run.verify_access(refusal)
                refused = RefusedRequest(self.query, token, refusal, lambda query: self._send(query, token))
                query = self._source.adapt(refused)
                if query is None:
                    raise
                self._change_query(query)

    def _answer(self, token: object, pending: Pending | None) -> requests.Response:
        if pending is not None:
            try:
                return pending.result()
            except (RequestFailed, WaitTooLong, ApiUnreachable) as stale:
                if not self._is_worth_another_try(stale, pending, token):
                    raise
        return self._send(self.query, token)

    def _send(self, query: Query, token: object) -> requests.Response:
        return self._run.client.send(self._source.request_for(query, token))

    def _is_worth_another_try(self, stale: Exception, pending: Pending, token: object) -> bool:
        """Whether a request that failed ahead of its turn may succeed now: the API is well, or other is requested."""
        if isinstance(stale, RequestFailed) and stale.status and stale.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return pending.request != self._source.request_for(self.query, token)
        return True

    def _change_query(self, query: Query) -> None:
        """Ask in another way from now on; if every row is wanted now, and some were not asked for, restart."""
        if query.since is None and self.query.since is not None:
            self._has_to_restart = self._has_rows
            self._pass.expect_every_row()
            self._expect_no_order()
        self.query = query

    def _compare_clocks(self, answer: requests.Response) -> None:
        """Where the API's clock is behind ours, the read began earlier by it, and its timestamps are of that clock."""
        there = server_time(answer.headers, self._started)
        if self._bookmark is not None and there < self._started:
            self._bookmark.began_at(there - answer.elapsed)

    def _expect_no_order(self) -> None:
        if self._bookmark is not None:
            self._bookmark.expect_no_order()
