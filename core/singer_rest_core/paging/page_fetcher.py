"""One page of a list: requested until it can be decoded, and in another way where the API refuses a part of it."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Generic, Protocol

from singer_rest_core.api.request_lines import request_id
from singer_rest_core.api.retry import server_time
from singer_rest_core.errors import ApiUnreachable, RequestFailed, StreamUnavailable, WaitTooLong
from singer_rest_core.paging.list_query import Query, RefusedRequest
from singer_rest_core.records.exact_json import NotJson
from singer_rest_core.records.row_layout import UnexpectedPage

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import requests
    from singer_sdk.streams.rest import HTTPRequest

    from singer_rest_core.api.client import ApiClient
    from singer_rest_core.paging.critical_lists import CriticalLists
    from singer_rest_core.paging.list_source import ListSource
    from singer_rest_core.paging.page import Page, PageDecoder
    from singer_rest_core.paging.prefetch import Pending, Prefetcher
    from singer_rest_core.paging.spool import SpoolMemory

    Refusal = StreamUnavailable | RequestFailed


_BEFORE_ALL_STREAMS = -1
_AT_ONCE = -2
"""Positions: lower goes first."""


class ReadersRun(Protocol):
    """What readers share in a run."""

    @property
    def client(self) -> ApiClient:
        """The HTTP client."""
        ...

    @property
    def prefetcher(self) -> Prefetcher | None:
        """Sends requests ahead of their turn; None if one is sent after the other."""
        ...

    @property
    def spool_memory(self) -> SpoolMemory:
        """The memory for pages that wait for their turn."""
        ...

    @property
    def critical_lists(self) -> CriticalLists:
        """Which lists would hold up the end of the run."""
        ...

    def verify_access(self, refusal: Refusal) -> None:
        """Check the credentials when a list is refused before any request has proved them."""
        ...


class PageFetcher(Generic[Query]):
    """Requests the pages of one read.

    Args:
        source: The list.
        query: What is asked of it.
        decoder: Decodes its pages.
        run: What the readers of the run share.
        started: When the run began, by our clock.
    """

    def __init__(
        self, source: ListSource, query: Query, decoder: PageDecoder, run: ReadersRun, started: datetime
    ) -> None:
        """Request nothing yet."""
        self.query = query
        """What is asked now: less than at first where the API refused a part of it."""
        self._source = source
        self._decoder = decoder
        self._run = run
        self._started = started

    def fetch(self, token: object, *, is_first: bool, turn: int = 0, pending: Pending | None = None) -> Page:
        """Request a page.

        Args:
            token: The paginator's token.
            is_first: Whether it is the first of the read: after that, a refusal is no matter of access, as a part of
                the list was read.
            turn: How urgent it is among the requests of the list; lower is sent first.
            pending: The request, if it was sent ahead.

        Returns:
            The page.

        Raises:
            StreamUnavailable: If the account may not read this list.
            RequestFailed: If the request or its answer ends the read.
        """
        try:
            answer = self._accepted_answer(token, turn, pending)
        except StreamUnavailable as refusal:
            if is_first:
                raise
            raise RequestFailed(f"{refusal}, in the middle of the list") from refusal
        return self._decoded(answer, lambda: self._source.request_for(self.query, token))

    def fetch_of(self, query: Query, token: object, *, turn: int) -> Page:
        """Request a page of another query than that of the read; what the API refuses is not asked for otherwise.

        Args:
            query: What is asked of the list.
            token: The paginator's token.
            turn: As in `fetch`.

        Returns:
            The page.

        Raises:
            StreamUnavailable: If the account may not read this list.
            RequestFailed: If the request or its answer ends the read.
        """
        request = self._source.request_for(query, token)
        return self._decoded(self.send(request, turn), lambda: request)

    def send(self, request: HTTPRequest, turn: int = 0, *, at_once: bool = False) -> requests.Response:
        """Send a request by the pool, so that no more are under way than `concurrency` allows.

        Args:
            request: The request.
            turn: As in `fetch`.
            at_once: Whether it goes before all that wait for a worker, but those of critical lists.

        Returns:
            The answer.
        """
        pending = self._submitted(request, turn, at_once=at_once)
        return self._run.client.send(request) if pending is None else pending.result()

    def ask_ahead(self, token: object, *, at_once: bool) -> Pending | None:
        """Send the request for the next page while this one is taken in.

        Args:
            token: The paginator's token.
            at_once: As in `send`.

        Returns:
            The request, for `fetch`; None where one is sent after the other.
        """
        return self._submitted(self._source.request_for(self.query, token), at_once=at_once)

    def _submitted(self, request: HTTPRequest, turn: int = 0, *, at_once: bool = False) -> Pending | None:
        """Give a request to the pool, those of critical lists before all others; None if there is no pool."""
        pool, lists, name = self._run.prefetcher, self._run.critical_lists, self._source.name
        if pool is None:
            return None
        # The list may become critical, or not be any more, while the request waits.
        is_critical = partial(lists.is_critical, name)
        send = partial(self._run.client.send, first=is_critical)
        position = _AT_ONCE if at_once else _BEFORE_ALL_STREAMS if lists.is_unknown(name) else self._source.position
        return pool.submit((position, turn), request, send, is_critical=is_critical)

    def count(self, request: HTTPRequest) -> int | None:
        """Count the rows of the list, at once: the count shows how long it is, and so which lists should go first.

        Args:
            request: The list's `count_request`.

        Returns:
            How many it has; None if the API does not say.

        Raises:
            RequestFailed: If the request or its answer ends the read.
        """
        answer = self.send(request, at_once=True)
        try:
            return self._source.count_of(answer)
        except (NotJson, UnexpectedPage) as error:
            raise self._unusable(answer, error) from error

    def began_at(self, page: Page) -> datetime | None:
        """Return when the read began by the clock of the API, where that is behind ours.

        Timestamps in rows are of that clock.

        Args:
            page: A page that was just read.

        Returns:
            An instant; None where the clocks agree, or the API's is ahead.
        """
        there = server_time(page.answer.headers, self._started)
        return there - page.answer.elapsed if there < self._started else None

    def _decoded(self, answer: requests.Response, request: Callable[[], HTTPRequest]) -> Page:
        try:
            try:
                page = self._decoder.decode(answer)
            except NotJson:
                page = self._decoder.decode(self._run.client.send(request(), thorough=True))
            # The codec decodes a page whose rows are not objects, too.
            page.keys  # noqa: B018 - found once, and kept
        except (NotJson, UnexpectedPage) as error:
            raise self._unusable(answer, error) from error
        return page

    def _unusable(self, answer: requests.Response, error: Exception) -> RequestFailed:
        return RequestFailed(f"GET {self._source.path} answered{request_id(answer)} {error}")

    def _accepted_answer(self, token: object, turn: int, pending: Pending | None) -> requests.Response:
        """Request a page, and again in another way as long as the API refuses something that can be left out."""
        while True:
            try:
                return self._answer(token, turn, pending)
            except (StreamUnavailable, RequestFailed) as error:
                pending = None
                is_missing = isinstance(error, RequestFailed) and error.status == HTTPStatus.NOT_FOUND
                if (is_missing or isinstance(error, StreamUnavailable)) and not self._run.client.access_is_proven:
                    self._run.verify_access(error)
                refused = RefusedRequest(self.query, token, error, lambda query: self._send(query, token, turn))
                query = self._source.adapt(refused)
                if query is None:
                    raise
                is_another_way = query.by_number != self.query.by_number
                self.query = query
                if is_another_way:
                    raise AnotherWay from error

    def _answer(self, token: object, turn: int, pending: Pending | None) -> requests.Response:
        if pending is not None:
            is_stale = pending.is_far_ahead and pending.is_settled
            try:
                return pending.result()
            except (RequestFailed, WaitTooLong, ApiUnreachable) as failure:
                is_other_request = pending.request != self._source.request_for(self.query, token)
                if not is_other_request and (not is_stale or _is_refusal(failure)):
                    raise
        return self._send(self.query, token, turn)

    def _send(self, query: Query, token: object, turn: int) -> requests.Response:
        return self.send(self._source.request_for(query, token), turn)


def _is_refusal(failure: Exception) -> bool:
    """Whether the API refused a request, and will again."""
    return isinstance(failure, RequestFailed) and 0 < (failure.status or 0) < HTTPStatus.INTERNAL_SERVER_ERROR


class AnotherWay(Exception):
    """The API does not read the list in the way that was asked for: it has to be read by page number."""
