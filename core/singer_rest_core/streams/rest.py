"""Streams that are lists of the API."""

from __future__ import annotations

from abc import ABC
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk.pagination import SinglePagePaginator
from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL
from singer_sdk.streams.rest import PageContext, RESTStream
from typing_extensions import override

from singer_rest_core.api.request_lines import request_id
from singer_rest_core.errors import ApiUnreachable, RequestFailed, WaitTooLong
from singer_rest_core.paging.list_query import ListQuery
from singer_rest_core.paging.list_reader import ListReader
from singer_rest_core.paging.list_source import ListSource
from singer_rest_core.paging.page import CodecDecoder, RecordDecoder
from singer_rest_core.records.exact_json import NotJson, decode
from singer_rest_core.records.fast.codec import PageCodec
from singer_rest_core.records.fast.row_types import RowFacts
from singer_rest_core.records.row_keys import RowKeys
from singer_rest_core.records.row_layout import UnexpectedPage, rows_of
from singer_rest_core.singer.bookmarks import Scope
from singer_rest_core.singer.unfinished import UNFINISHED, UnfinishedRead
from singer_rest_core.singer.versions import LAST_READ, CompleteRead
from singer_rest_core.streams.base import BaseStream

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

    import requests
    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context
    from singer_sdk.pagination import BaseAPIPaginator
    from singer_sdk.streams.rest import HTTPRequest

    from singer_rest_core.paging.list_query import Query
    from singer_rest_core.paging.page import Page, PageDecoder
    from singer_rest_core.paging.paginators import PageParams
    from singer_rest_core.records.conform import Record
    from singer_rest_core.records.fast.codec import EncodedPage
    from singer_rest_core.records.row_layout import RowLayout

_RECORD_HOOKS = ("parse_response", "post_process", "get_records", "request_records", "records_in")


class RestStream(BaseStream, RESTStream[Any], ListSource, ABC):
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

    is_often_long = False
    """Whether it is among the longest lists of most accounts: its read is begun first where no earlier one is known."""

    record_hooks: ClassVar[tuple[str, ...]] = _RECORD_HOOKS
    """Methods that are called for each record or answer where a stream overrides them: its pages then do not go from
    bytes to messages at once."""

    has_all_keys = True
    """Whether every row of the read under way, or of the last one, had a key that a loader can use."""

    def __init__(self, tap: Tap, *, path: str) -> None:
        """Make the stream of a tap.

        Args:
            tap: The tap.
            path: The list's path below `api_url`.
        """
        super().__init__(tap, path=path)
        self.reader: ListReader[Any] | None = None
        """That of the read under way, or of the last one."""
        self._ahead: ListReader[Any] | None = None
        self._has_pages = False
        self._place: Record | None = None
        self._rows_so_far = 0

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
            ascending=self.is_sorted,
        )

    @override
    def paginator(self, query: Any) -> BaseAPIPaginator[Any]:
        return self.get_new_paginator() or SinglePagePaginator()

    @override
    def request_for(self, query: Any, token: PageParams | None) -> HTTPRequest:
        return self.get_http_request(page=PageContext(None, token))

    def accept_page(self, page: Page, query: Any) -> Page:  # noqa: ANN401, ARG002 - as above
        """Look at a page before it is written, and leave out rows that shall not be.

        Args:
            page: The page, without the rows that an earlier pass brought.
            query: What was asked of the list.

        Returns:
            The page to write.
        """
        return page

    @property
    def can_be_read_ahead(self) -> bool:
        """Whether the list may be read before its turn: not where other streams have to be read before."""
        return True

    @override
    def first_page_came(self) -> None:
        self.run.read_ahead.start_after(self.position, self.turn_ahead)

    @property
    def turn_ahead(self) -> int:
        """The turn from which on the list may be read ahead."""
        return self.turn

    @property
    def expected_rows(self) -> int:
        """How many rows its last complete read had; before the first one 1 if it is often long, else 0."""
        last = CompleteRead.in_state(self.state_at_start, LAST_READ)
        return int(self.is_often_long) if last is None else last.rows

    def start_ahead(self) -> Iterator[Page] | None:
        """Begin a read of the list that is written when its turn comes.

        Returns:
            Its pages; None if the read has to wait.
        """
        if not self.can_be_read_ahead:
            return None
        self.prepare()
        self._ahead = self.new_reader(self.query())
        return self._ahead.pages()

    @cached_property
    def _row_keys(self) -> RowKeys | None:
        columns = {column.name: column for column in self.conformer.columns}
        if not self.primary_keys or not columns.keys() >= set(self.primary_keys):
            return None
        return RowKeys([columns[key] for key in self.primary_keys])

    @override
    def key_faults(self, keys: Sequence[Any]) -> Mapping[int, str]:
        return self._row_keys.faults(keys) if self._row_keys is not None else {}

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
            raise RequestFailed(f"GET {self.path} answered{request_id(response)} {error}") from error

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
        return ListReader(
            self,
            query,
            decoder or self.page_decoder,
            self.run,
            started=self.started,
            repeats_rows=self.replication_method == REPLICATION_INCREMENTAL,
            resume_at=self._unfinished.place if self._unfinished and query.since is None else None,
            rows_before=self._unfinished.rows if self._unfinished else 0,
        )

    def pages(self, query: ListQuery | None = None, decoder: PageDecoder | None = None) -> Iterator[Page]:
        """Read the list; `has_read_all` and the other attributes tell afterwards what came.

        Args:
            query: What is asked of the list; what this run has to read by default.
            decoder: Decodes its pages; that of the pages that are written by default.

        Yields:
            Pages in order.
        """
        self.has_read_all = self.covers_table = False
        ahead = self.run.read_ahead.take(self.name) if query is None and decoder is None else None
        if ahead is not None and self._ahead is not None:
            try:
                yield from self.accepted(self._ahead, ahead.pages())
            except (RequestFailed, WaitTooLong, ApiUnreachable) as stale:
                if self._has_pages or not _may_pass(stale):
                    raise
            else:
                return
        reader = self.new_reader(query or self.query(), decoder=decoder)
        yield from self.accepted(reader, reader.pages())

    def accepted(self, reader: ListReader[Any], pages: Iterator[Page]) -> Iterator[Page]:
        """Take the pages of a reader in, one after the other, and its result in the end.

        Args:
            reader: Reads them.
            pages: Its pages, which may have waited.

        Yields:
            The pages to write.
        """
        self.reader = reader
        self.has_all_keys = True
        self._has_pages = False
        self._rows_so_far = 0
        for page in pages:
            if not self._has_pages and reader.lost_its_place:
                self._begin_again()
            self._has_pages = True
            if page.began is not None:
                self.began_at(page.began)
            if not page.is_ordered:
                self.expect_no_order()
            self.run.page_read(len(page.rows), page.total)
            self.run.read_ahead.start_after(self.position, self.turn)
            if page.left_out:
                self.has_all_keys = False
                self.leave_out(page.left_out)
            self._place = page.resume_at
            self._rows_so_far += len(page.rows)
            yield self.accept_page(page, page.query)
        if reader.result is not None:
            # A row that was known may be one of those without a key.
            self.covers_table = self.has_all_keys
            self.has_read_all = reader.result.is_complete
            self.is_certain = reader.result.is_certain
            self.rows_read = reader.result.rows
            self.repeats_rows = self._rows_so_far > self.rows_read

    def _begin_again(self) -> None:
        """Forget the read that could not be continued: this one has a version and a start of its own."""
        self._unfinished = None
        self.choose_table_version(self.own_version)

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
    def page_written(self) -> None:
        self._keep_place()
        super().page_written()

    def _keep_place(self) -> None:
        """Keep in the state where a complete read goes on, if the list can be continued there."""
        if self._place is None or self.scope is not Scope.EVERYTHING:
            return
        unfinished = self._unfinished
        read = UnfinishedRead(
            version=unfinished.version if unfinished else self.own_version,
            began=unfinished.began if unfinished else self.read_began,
            rows=self._rows_so_far + (unfinished.rows if unfinished else 0),
            place=self._place,
        )
        self.remember(UNFINISHED, read.as_state())

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
                encoded = codec.encode(page.rows, version=self.table_version, extracted=self.run.clock.now())
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


def _may_pass(error: Exception) -> bool:
    """Whether a read that failed before its turn may succeed now: the API was not well, but may be."""
    return not isinstance(error, RequestFailed) or not error.status or error.status >= HTTPStatus.INTERNAL_SERVER_ERROR
