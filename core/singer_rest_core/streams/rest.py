"""Streams that are lists of the API."""

from __future__ import annotations

from abc import ABC
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk.pagination import SinglePagePaginator
from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL
from singer_sdk.streams.rest import PageContext, RESTStream
from typing_extensions import override

from singer_rest_core.errors import RequestFailed
from singer_rest_core.paging.list_query import ListQuery
from singer_rest_core.paging.list_reader import ListReader
from singer_rest_core.paging.page import CodecDecoder, RecordDecoder
from singer_rest_core.records.exact_json import NotJson, decode
from singer_rest_core.records.fast.codec import PageCodec
from singer_rest_core.records.fast.row_types import RowFacts
from singer_rest_core.records.row_layout import UnexpectedPage, rows_of
from singer_rest_core.streams.base import BaseStream

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator
    from datetime import timedelta

    import requests
    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context
    from singer_sdk.pagination import BaseAPIPaginator
    from singer_sdk.streams.rest import HTTPRequest

    from singer_rest_core.paging.list_query import Query, RefusedRequest
    from singer_rest_core.paging.page import Page, PageDecoder
    from singer_rest_core.paging.paginators import PageParams
    from singer_rest_core.records.conform import Record
    from singer_rest_core.records.fast.codec import EncodedPage
    from singer_rest_core.records.row_layout import RowLayout

_RECORD_HOOKS = ("parse_response", "post_process", "get_records", "request_records", "records_in")


class RestStream(BaseStream, RESTStream[Any], ABC):
    """A list of a REST API. It has a reader (`ListReader`), which reads it page by page.

    A client gives `row_layout`, `get_new_paginator` and, where more than the token decides what is requested,
    `request_for`; a stream is a declaration.
    """

    row_layout: RowLayout
    """Where the rows of a page are, and how they become records."""

    newest_first = False
    """Whether the API is asked for the newest rows first, as it sorts by the replication key but does not filter by it.

    Then changes are read down to the bookmark, page by page; it moves only at the end.
    """

    filter_slack: timedelta | None = None
    """How much older than it was asked for a row of an incremental stream may be before the API is taken to ignore the
    filter. Then, and where rows do not ascend as was asked for, the list is read completely. None checks neither."""

    record_hooks: ClassVar[tuple[str, ...]] = _RECORD_HOOKS
    """Methods that are called for each record or answer where a stream overrides them: its pages then do not go from
    bytes to messages at once."""

    def __init__(self, tap: Tap, *, path: str) -> None:
        """Make the stream of a tap.

        Args:
            tap: The tap.
            path: The list's path below `api_url`.
        """
        super().__init__(tap, path=path)
        self.reader: ListReader[Any] | None = None
        """That of the read under way, or of the last one."""

    @property
    @override
    def url_base(self) -> str:
        """The setting `api_url`."""
        return str(self.config["api_url"]).rstrip("/")

    def query(self) -> ListQuery:
        """Return what this read asks of the list.

        Returns:
            The replication key and its bound, in the order that the API can give.
        """
        return ListQuery(
            column=self.replication_key,
            since=self.read_from,
            newest_first=self.newest_first and bool(self.replication_key),
        )

    def paginator(self, query: Any) -> BaseAPIPaginator[Any]:  # noqa: ANN401, ARG002 - for clients with queries of their own
        """Return a paginator before its first page.

        Args:
            query: What is asked of the list.

        Returns:
            A `NumberedPaginator` where pages can be requested side by side.
        """
        return self.get_new_paginator() or SinglePagePaginator()

    def steady_paginator(self, query: Any) -> BaseAPIPaginator[Any] | None:  # noqa: ANN401, ARG002 - as above
        """Return a paginator for a list whose numbered pages do not come to rest.

        Args:
            query: What is asked of the list.

        Returns:
            One that does not shift when rows come and go, or None if the API has none.
        """
        return None

    def request_for(self, query: Any, token: PageParams | None) -> HTTPRequest:  # noqa: ANN401, ARG002 - as above
        """Return the request for one page.

        Args:
            query: What is asked of the list.
            token: The paginator's token: query parameters.

        Returns:
            A request without credentials.
        """
        return self.get_http_request(page=PageContext(None, token))

    def total_of(self, page: Page) -> int | None:  # noqa: ARG002 - for clients to answer
        """Return how many rows a numbered list has according to a page.

        Args:
            page: The page.

        Returns:
            The number, or None if the page does not say.
        """
        return None

    def accept_page(self, page: Page, query: Any) -> Page:  # noqa: ANN401, ARG002 - as above
        """Look at a page before it is written, and leave out rows that shall not be.

        Args:
            page: The page, without the rows that an earlier pass brought.
            query: What was asked of the list.

        Returns:
            The page to write.
        """
        return page

    def adapt(self, refused: RefusedRequest[Any]) -> Any | None:  # noqa: ANN401, ARG002 - as above
        """Return a query that the API may accept instead of one it refused.

        Args:
            refused: The request, and what the API said.

        Returns:
            What to ask instead; None to let the refusal end the read.
        """
        return None

    def first_request(self) -> HTTPRequest | None:
        """Return the request for the first page, so that it can be sent while the streams before are read.

        Returns:
            A request without credentials; None if it cannot be known before the stream's turn.
        """
        self.prepare()
        query = self.query()
        return self.request_for(query, self.paginator(query).current_value)

    def row_id(self, row: Record) -> Hashable:
        """Return what tells a row from the others of its list.

        Args:
            row: A raw record.

        Returns:
            The values of its primary keys.
        """
        keys = self.primary_keys
        return row.get(keys[0]) if len(keys) == 1 else tuple(row.get(key) for key in keys)

    def records_in(self, body: Any) -> Iterable[Record]:  # noqa: ANN401 - JSON is any of six types
        """Return the raw records of a decoded page.

        Args:
            body: The page.

        Returns:
            Flat records, as the API gave their fields.

        Raises:
            UnexpectedPage: If there are no rows where they should be.
        """
        return [self.row_layout.flat(row) for row in rows_of(body, self.row_layout)]

    @override
    def parse_response(self, response: requests.Response) -> Iterable[Record]:
        """Read the rows of a page.

        Yields:
            Raw records.

        Raises:
            RequestFailed: If the answer holds no rows where they should be.
        """
        try:
            yield from self.records_in(decode(response.content))
        except (NotJson, UnexpectedPage) as error:
            raise RequestFailed(f"GET {self.path} answered {error}") from error

    @cached_property
    def record_decoder(self) -> PageDecoder:
        """Decodes pages into raw records, by `parse_response` where a stream overrides it."""
        if type(self).parse_response is RestStream.parse_response:
            return RecordDecoder(lambda _, body: self.records_in(body), self.row_layout, self.row_id)
        return RecordDecoder(lambda answer, _: self.parse_response(answer), self.row_layout, self.row_id)

    @property
    def page_decoder(self) -> PageDecoder:
        """Decodes the pages that are written."""
        return CodecDecoder(self.page_codec) if self.page_codec is not None else self.record_decoder

    @cached_property
    def page_codec(self) -> PageCodec | None:
        """Turns pages into messages at once; None where only the SDK's way does all that is configured and defined."""
        if not self.writes_plain_records:
            return None
        overridden = [name for name in self.record_hooks if getattr(type(self), name) is not getattr(RestStream, name)]
        if overridden:
            self.logger.debug("read record by record, as %s is overridden", ", ".join(overridden))
            return None
        properties = self.effective_schema["properties"]
        return PageCodec(
            self.name,
            RowFacts(
                conformer=self.conformer,
                layout=self.row_layout,
                selected=frozenset(name for name in properties if self.mask["properties", name]),
                secret_fields=self.secret_fields,
                keys=tuple(self.primary_keys),
                replication_key=self.replication_key,
            ),
        )

    def new_reader(self, query: Query, *, decoder: PageDecoder | None = None) -> ListReader[Query]:
        """Return a reader of this list whose pages are written, or only looked at.

        Args:
            query: What is asked of the list.
            decoder: Decodes its pages; that of the pages that are written by default.

        Returns:
            The reader.
        """
        reader = ListReader(
            self,
            query,
            decoder or self.page_decoder,
            self.run,
            started=self.started,
            bookmark=self._bookmark,
            repeats_rows=self.replication_method == REPLICATION_INCREMENTAL,
        )
        self.reader = reader
        return reader

    def pages(self, query: ListQuery | None = None, decoder: PageDecoder | None = None) -> Iterator[Page]:
        """Read the list; `has_read_all` tells afterwards whether every row came.

        Args:
            query: What is asked of the list; what this run has to read by default.
            decoder: Decodes its pages; that of the pages that are written by default.

        Yields:
            Pages in order.
        """
        self.has_read_all = False
        reader = self.new_reader(query or self.query(), decoder=decoder)
        yield from reader.pages()
        self.has_read_all = reader.is_complete

    def read_aside(self, query: ListQuery | None = None) -> Iterator[Page]:
        """Read the list for another stream; nothing of it is written.

        Args:
            query: What is asked of the list; what this run has to read by default.

        Yields:
            Pages of raw records.
        """
        self.prepare()
        self.run.progress.stream(self.name)
        yield from self.pages(query, self.record_decoder)

    @override
    def write_messages(self, context: Context | None) -> None:
        codec = self.page_codec
        if codec is None:
            self.write_records(context)
        else:
            self.write_pages(self._encoded_pages(codec))

    def _encoded_pages(self, codec: PageCodec) -> Iterator[EncodedPage]:
        """Read the list and encode its pages; STATE follows each when the next is asked for."""
        self.run.progress.stream(self.name)
        for page in self.pages():
            try:
                encoded = codec.encode(page.rows, version=self.table_version, extracted=datetime.now(UTC))
            except UnexpectedPage as error:
                raise RequestFailed(f"GET {self.path} answered {error}") from error
            yield encoded
            self.page_written()

    @override
    def request_records(self, context: Context | None) -> Iterator[Record]:
        """Read the list page by page; STATE follows every page.

        Yields:
            Raw records.
        """
        self.run.progress.stream(self.name)
        for page in self.pages():
            yield from page.rows
            self.page_written()

    @override
    def follow(self, value: str) -> None:
        if self.reader is not None:
            self.reader.check_age(value)
        super().follow(value)

    @override
    def rows_out_of_order(self) -> None:
        """Read the list completely where it was asked for changes in order; else hold the bookmark."""
        if self.reader is None or not self.reader.checks_order:
            super().rows_out_of_order()
        else:
            self.reader.read_every_row(
                f"rows do not come in ascending order of {self.replication_key}, as was asked for"
            )
