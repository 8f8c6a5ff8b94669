"""The base of every stream."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL
from singer_sdk.streams.rest import PageContext, RESTStream

from singer_rest_core.api.retry import server_time
from singer_rest_core.errors import ApiUnreachable, RequestFailed, StreamUnavailable, WaitTooLong
from singer_rest_core.paging.descending import DescendingRead
from singer_rest_core.paging.drift import DriftCheck
from singer_rest_core.paging.paginators import NumberedPaginator
from singer_rest_core.paging.prefetch import PagePrefetcher
from singer_rest_core.records.exact_json import NotJson, body_of
from singer_rest_core.records.fast.codec import PageCodec
from singer_rest_core.records.fast.row_types import RowFacts
from singer_rest_core.records.row_layout import UnexpectedPage, envelope_of, rows_of
from singer_rest_core.records.timestamps import instant
from singer_rest_core.streams.base import RecordStream

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence
    from datetime import timedelta

    import requests
    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context
    from singer_sdk.pagination import BaseAPIPaginator
    from singer_sdk.streams.rest import HTTPRequest

    from singer_rest_core.paging.paginators import PageParams
    from singer_rest_core.paging.prefetch import Pending
    from singer_rest_core.paging.seen_ids import SeenIds
    from singer_rest_core.records.conform import Record
    from singer_rest_core.records.fast.codec import DecodedPage, EncodedPage
    from singer_rest_core.records.row_layout import RowLayout
Row = TypeVar("Row")


_DECODED = "_singer_rest_core_page"


class RestStream(RecordStream, RESTStream["PageParams"], ABC):
    """A list of a REST API.

    A client gives `row_layout` and the SDK's `get_http_request` and `get_new_paginator`; a stream is a declaration.
    """

    row_layout: RowLayout
    """Where the rows of a page are, and how they become records."""

    newest_first = False
    """Whether the API is asked for the newest rows first, as it sorts by the replication key but does not filter by it.

    Then changes are read down to the bookmark, page by page; it moves only at the end.
    """

    filter_slack: timedelta | None = None
    """How much older than it was asked for a row of an incremental stream may be before the API is taken to ignore the
    filter. Then, and where rows do not ascend as was asked for, the list is read whole. None leaves both unchecked."""

    def __init__(self, tap: Tap, *, path: str) -> None:
        """Bind the stream to its tap.

        Args:
            tap: The tap.
            path: The list's path below `api_url`.
        """
        super().__init__(tap, path=path)
        self.drift_check: DriftCheck | None = None
        self._earlier_passes: list[SeenIds] = []
        self._descent: DescendingRead | None = None
        self._descent_column = ""
        self._is_distrusted = False
        self._has_taken_rows = False
        self._begins_anew = False
        self._oldest_expected: datetime | None = None

    @property
    def url_base(self) -> str:
        """The setting `api_url`."""
        return str(self.config["api_url"]).rstrip("/")

    @property
    def read_from(self) -> str | None:
        """From which replication value on to ask.

        Returns:
            An inclusive bound, or None to read everything: also where the API does not keep to what it is asked.
        """
        return None if self._is_distrusted else super().read_from

    @property
    def down_to(self) -> tuple[str, str] | None:
        """By which column rows are asked for newest first, and down to which of its values.

        Returns:
            The column and an inclusive bound; None where rows come in another order, or all are wanted.
        """
        bound = self.read_from
        return (self.replication_key, bound) if self.newest_first and self.replication_key and bound else None

    def request_records(self, context: Context | None) -> Iterator[Record]:
        """Read the list page by page; STATE follows every page.

        Args:
            context: The partition, or None.

        Yields:
            Raw records.
        """
        for answer in self.answers(context):
            rows = list(self.parse_response(answer))
            yield from self.take_page([self.row_id(row) for row in rows], rows, answer)
            self.page_written()

    def parse_response(self, response: requests.Response) -> Iterator[Record]:
        """Read the rows of a page.

        Args:
            response: An answer.

        Yields:
            Flat records, as the API gave their fields.

        Raises:
            RequestFailed: If the answer holds no rows where they should be.
        """
        with self.expected_page():
            rows = rows_of(body_of(response), self.row_layout)
            for row in rows:
                yield self.row_layout.flat(row)

    @contextmanager
    def expected_page(self) -> Iterator[None]:
        """Say which list it was whose page is no page.

        Yields:
            Nothing.

        Raises:
            RequestFailed: If what is done within finds something else than a page of this list.
        """
        try:
            yield
        except (NotJson, UnexpectedPage) as error:
            raise RequestFailed(f"GET {self.path} answered {error}") from error

    def envelope(self, answer: requests.Response) -> Record:
        """Give what a page says beside its rows, as `row_layout` names it.

        Args:
            answer: The page.

        Returns:
            Values by name.
        """
        if self.page_codec is not None:
            return self.decoded(answer, self.page_codec).envelope
        return envelope_of(body_of(answer), self.row_layout)

    def decoded(self, answer: requests.Response, codec: PageCodec) -> DecodedPage:
        """Decode a page once, however often it is asked for.

        Args:
            answer: The page.
            codec: What it is decoded with.

        Returns:
            The page.

        Raises:
            RequestFailed: If the answer holds no rows where they should be.
        """
        kept = vars(answer)
        if _DECODED not in kept:
            with self.expected_page():
                kept[_DECODED] = codec.decode(answer.content)
        page: DecodedPage = kept[_DECODED]
        return page

    @cached_property
    def page_codec(self) -> PageCodec | None:
        """Turns pages into messages at once; None where only the SDK's way does all that is configured."""
        if not self.writes_plain_records:
            return None
        properties = self.effective_schema["properties"]
        return PageCodec(
            self.name,
            RowFacts(
                conformer=self._conformer,
                layout=self.row_layout,
                selected=frozenset(name for name in properties if self.mask["properties", name]),
                secret_fields=self.secret_fields,
                keys=tuple(self.primary_keys),
                replication_key=self.replication_key,
            ),
        )

    def write_pages(self, codec: PageCodec, context: Context | None) -> Iterator[EncodedPage]:
        """Read the list and make messages of its pages.

        Args:
            codec: Makes them.
            context: The partition, or None.

        Yields:
            The messages of each page; STATE follows when the next is asked for.
        """
        for answer in self.answers(context):
            page = self.decoded(answer, codec)
            with self.expected_page():
                ids = codec.ids(page.rows)
            rows = self.take_page(ids, page.rows, answer)
            with self.expected_page():
                encoded = codec.encode(rows, version=self.table_version, extracted=datetime.now(UTC))
            yield encoded
            self.page_written()

    def answers(self, context: Context | None) -> Iterator[requests.Response]:
        """Read the pages of the list in order, asking ahead where the list is numbered.

        A numbered list that has moved meanwhile is read again for the rows that slipped through; if it does not come to
        rest, it is walked in a way that does not shift, where the API has one.

        Args:
            context: The partition, or None.

        Yields:
            Answers, each to be taken with `take_page` before the next is asked for.
        """
        self._earlier_passes = []
        self._is_distrusted = self._has_taken_rows = self._begins_anew = False
        self.rest_tap.progress.stream(self.name)
        yield from self._settled(context)
        if self._begins_anew:
            self._begins_anew = False
            self._earlier_passes = []
            yield from self._settled(context)

    def distrust(self, what: str) -> None:
        """Read the whole list instead of what changed: from its beginning, once the page at hand was written.

        Args:
            what: What the API did not keep to, as a clause.
        """
        if not self._is_distrusted:
            self.logger.warning("%s: it is read whole", what)
            self._is_distrusted = True
            self._begins_anew = self._has_taken_rows
            self._descent = self._oldest_expected = None
            self.expect_no_order()

    def _settled(self, context: Context | None) -> Iterator[requests.Response]:
        """Read the pages of the list until a reading of it saw no row move."""
        for get_paginator in (self.get_new_paginator, self.get_new_paginator, self.get_steady_paginator):
            paginator = get_paginator()
            if paginator is None:
                break
            self.drift_check = DriftCheck() if isinstance(paginator, NumberedPaginator) else None
            self._descent = self._new_descent()
            self._oldest_expected = self._oldest_promised()
            yield from self._walk(paginator, context)
            if self._begins_anew:
                return
            if self._descent and self._descent.reached and self.drift_check and not self.drift_check.moved:
                self.drift_check = None  # as much of it as was wanted
            if self.drift_check is None or self.drift_check.steady:
                return
            self.logger.info("rows moved between pages while they were read")
            self.expect_no_order()
            self._earlier_passes.append(self.drift_check.seen)
        self.logger.warning(
            "rows moved between pages each time they were read: no row is taken for deleted, and the bookmark stays",
        )

    def _oldest_promised(self) -> datetime | None:
        bound = self.read_from
        return None if bound is None or self.filter_slack is None else instant(bound) - self.filter_slack

    def _follow(self, value: str) -> None:
        super()._follow(value)
        if self._oldest_expected is not None and instant(value) < self._oldest_expected:
            self.distrust(f"rows come that are older by {self.replication_key} than was asked for")

    def rows_out_of_order(self) -> None:
        """Read the whole list where changes in order were asked for, and order is checked; else hold the bookmark."""
        if self._oldest_expected is None:
            super().rows_out_of_order()
        else:
            self.distrust(f"rows do not come in ascending order of {self.replication_key}, as was asked for")

    def _new_descent(self) -> DescendingRead | None:
        aim = None if self._is_distrusted else self.down_to
        if aim is None:
            return None
        self._descent_column, bound = aim
        self.expect_no_order()
        return DescendingRead(bound)

    @abstractmethod
    def get_new_paginator(self) -> BaseAPIPaginator[PageParams]:
        """Give a paginator before its first page.

        Returns:
            A `NumberedPaginator` where pages can be asked for side by side.
        """

    def get_steady_paginator(self) -> BaseAPIPaginator[PageParams] | None:
        """Give a paginator for a list whose numbered pages do not come to rest.

        Returns:
            One that does not shift when rows come and go, or None if the API has none.
        """
        return None

    @property
    def has_read_all(self) -> bool:
        """Whether the read that just ended saw every row: by cursor yes, by page number if nothing seems to have moved.

        What cannot be seen: see `DriftCheck`.
        """
        return self.drift_check is None or self.drift_check.steady

    def row_id(self, row: Record) -> Hashable:
        """Give what tells a row from the others of its list.

        Args:
            row: A raw record.

        Returns:
            The values of its primary keys.
        """
        keys = self.primary_keys
        return row.get(keys[0]) if len(keys) == 1 else tuple(row.get(key) for key in keys)

    def take_page(self, ids: Sequence[Hashable], rows: Sequence[Row], answer: requests.Response) -> Sequence[Row]:
        """Take note of a page, and leave out what an earlier reading of this list has brought already.

        Args:
            ids: The ids of its rows.
            rows: The rows, in whatever form.
            answer: The page.

        Returns:
            The rows that are new.
        """
        self._has_taken_rows = True
        total = self.total_of(answer)
        if self.drift_check is None and total is not None:
            # Whatever was asked for, this answer is by number: cursors come without a total.
            self.drift_check = DriftCheck()
            self.expect_no_order()
        if self.drift_check is not None:
            self.drift_check.page(ids, total)
        if self._descent is not None:
            wanted = self._descent.page(self.column(rows, self._descent_column))
            if wanted is None:
                self.distrust(f"rows do not come in descending order of {self._descent_column}, as was asked for")
            else:
                rows = [row for row, is_wanted in zip(rows, wanted, strict=True) if is_wanted]
        known = self._earlier_passes
        # A row of an incremental stream may have changed since the earlier reading: it is written again.
        if known and self.replication_method != REPLICATION_INCREMENTAL:
            rows = [row for each, row in zip(ids, rows, strict=True) if not any(each in seen for seen in known)]
        self.rest_tap.progress.page(len(rows), total)
        return rows

    def column(self, rows: Sequence[Any], name: str) -> Sequence[object]:
        """Give the values of one column.

        Args:
            rows: Rows as `take_page` gets them.
            name: The column.

        Returns:
            The value of each row as the API gave it; None where there is none.
        """
        if self.page_codec is not None:
            return self.page_codec.column(rows, name)
        return [row.get(name) for row in rows]

    def total_of(self, answer: requests.Response) -> int | None:  # noqa: ARG002 - for clients to answer
        """Find how many rows a numbered list has according to a page.

        Args:
            answer: The page.

        Returns:
            The number, or None if the page does not say.
        """
        return None

    def _walk(self, paginator: BaseAPIPaginator[PageParams], context: Context | None) -> Iterator[requests.Response]:
        """Read the pages of the list once, in order."""
        tap = self.rest_tap
        first = tap.first_pages.pop(self.name, None)
        ahead = PagePrefetcher(tap.prefetcher, tap.client.send, position=self.position, first=first)
        with ahead, self.get_http_request_counter() as requests_sent:
            while not paginator.finished:
                page = PageContext(stream_context=context, next_page_token=paginator.current_value)
                is_first = not paginator.count and not self._earlier_passes
                answer = self._fetch(page, ahead.take(page.next_page_token), is_first=is_first)
                requests_sent.increment()
                self._heed_clock(answer)
                if isinstance(paginator, NumberedPaginator) and self._descent is None:
                    pages = paginator.ahead(answer, ahead.window)
                    ahead.ask_for(pages, lambda params: self.get_http_request(page=PageContext(context, params)))
                tap.send_ahead(self)
                yield answer
                if self._begins_anew or (self._descent is not None and self._descent.reached):
                    break
                paginator.advance(answer)

    def _heed_clock(self, answer: requests.Response) -> None:
        """Where the API's clock is behind ours, the read began earlier by it: its replication values tell its time."""
        there = server_time(answer.headers, self._started)
        if there < self._started:
            self.began_at(there - answer.elapsed)

    def _fetch(self, page: PageContext[PageParams], pending: Pending | None, *, is_first: bool) -> requests.Response:
        """Ask for a page that can be decoded; after the first, a refusal is no matter of access: it is half read."""
        try:
            answer = self.fetch(page, pending)
        except StreamUnavailable as refusal:
            if is_first:
                raise
            raise RequestFailed(f"{refusal}, in the middle of the list") from refusal
        if self._is_readable(answer):
            return answer
        return self.rest_tap.client.send(self.get_http_request(page=page), thorough=True)

    def _is_readable(self, answer: requests.Response) -> bool:
        """Decode a page, which is kept, and tell whether it is JSON at all."""
        try:
            if self.page_codec is None:
                body_of(answer)
            elif _DECODED not in vars(answer):
                vars(answer)[_DECODED] = self.page_codec.decode(answer.content)
        except NotJson:
            return False
        except UnexpectedPage:
            return True  # said of the list where its rows are read
        return True

    def fetch(self, page: PageContext[PageParams], pending: Pending | None = None) -> requests.Response:
        """Ask for one page.

        Args:
            page: Which one.
            pending: The request for it, if it was sent ahead.

        Returns:
            The answer.

        Raises:
            StreamUnavailable: If the account may not read this stream.
            RequestFailed: If the request ends this stream.
        """
        transport = self.rest_tap.client
        try:
            if pending is not None:
                try:
                    return pending.result()
                except (RequestFailed, WaitTooLong, ApiUnreachable) as stale:
                    if not self._is_worth_another_try(stale, pending, page):
                        raise
            return transport.send(self.get_http_request(page=page))
        except (StreamUnavailable, RequestFailed) as refusal:
            missing = isinstance(refusal, RequestFailed) and refusal.status == HTTPStatus.NOT_FOUND
            if (missing or isinstance(refusal, StreamUnavailable)) and not transport.accepted:
                self.rest_tap.verify_access(refusal)
            raise

    def _is_worth_another_try(self, stale: Exception, pending: Pending, page: PageContext[PageParams]) -> bool:
        """Tell whether a request that failed ahead of its turn may succeed now: the API is well, or other is asked."""
        if isinstance(stale, RequestFailed) and stale.status and stale.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return pending.request != self.get_http_request(page=page)
        return True

    def first_request(self) -> HTTPRequest | None:
        """Give the request for the first page, so that it can be sent while the streams before are read.

        Returns:
            A request without credentials; None if it cannot be known before the stream's turn.
        """
        self.prepare()
        return self.get_http_request(page=PageContext(None, self.get_new_paginator().current_value))
