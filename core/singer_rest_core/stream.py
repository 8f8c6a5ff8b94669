"""The base of every stream."""

from __future__ import annotations

from abc import ABC
from datetime import timedelta
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, ClassVar

from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.pagination import SinglePagePaginator
from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL
from singer_sdk.streams.rest import PageContext, RESTStream

from singer_rest_core import bookmarks
from singer_rest_core.conform import RESCUED_DATA, Conformer
from singer_rest_core.errors import RequestFailed, StreamUnavailable
from singer_rest_core.log_lines import NamesStream
from singer_rest_core.sdk_internals import IndependentStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import requests
    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context

    from singer_rest_core.conform import Record
    from singer_rest_core.paginators import PageParams
    from singer_rest_core.tap import RestTap


class RestStream(IndependentStream, RESTStream["PageParams"], ABC):
    """A list of a REST API.

    A client gives the SDK's `get_http_request`, `get_new_paginator` and `parse_response`; a stream is a declaration.
    """

    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE
    """Records are conformed by `post_process`, compiled, not by the SDK."""

    secret_fields: ClassVar[frozenset[str]] = frozenset()
    """Names that are dropped from every record of the API before anything else happens to it."""

    def __init__(self, tap: Tap, *, path: str) -> None:
        """Bind the stream to its tap.

        Args:
            tap: The tap.
            path: The list's path below `api_url`.
        """
        super().__init__(tap, path=path)
        self.logger.addFilter(NamesStream(self.name))

    @property
    def lookback(self) -> timedelta:
        """How much before the bookmark is read again; nothing unless a stream says otherwise."""
        return timedelta(0)

    @property
    def full_refresh_interval(self) -> timedelta | None:
        """The longest time between two whole reads; None, unless a stream says otherwise, as changes are enough."""
        return None

    @property
    def rest_tap(self) -> RestTap:
        """The tap, with its transport."""
        return self._rest_tap  # type: ignore[return-value] # streams of this class are made by taps of that class

    @property
    def url_base(self) -> str:
        """The setting `api_url`."""
        return str(self.config["api_url"]).rstrip("/")

    @property
    def read_from(self) -> str | None:
        """From which replication value on to ask.

        Returns:
            An inclusive bound (the bookmark less the look-back, not before `start_date`), or None to read everything.
        """
        if self.replication_method != REPLICATION_INCREMENTAL:
            return None
        return bookmarks.lower_bound(
            self.bookmark_at_start,
            lookback=self.lookback,
            start_date=self.config.get("start_date"),
        )

    def request_records(self, context: Context | None) -> Iterable[Record]:
        """Read the list page by page; STATE follows every page.

        Args:
            context: The partition, or None.

        Yields:
            Raw records.
        """
        paginator = self.get_new_paginator() or SinglePagePaginator()
        with self.get_http_request_counter() as requests_sent:
            while not paginator.finished:
                page = PageContext(stream_context=context, next_page_token=paginator.current_value)
                answer = self._fetch_next(page) if paginator.count else self.fetch(page)
                requests_sent.increment()
                empty = True
                for record in self.parse_response(answer):
                    empty = False
                    yield record
                self.page_written()
                if empty and not paginator.continue_if_empty(answer):
                    break
                paginator.advance(answer)

    def _fetch_next(self, page: PageContext[PageParams]) -> requests.Response:
        """Ask for a page after the first: a refusal now is no matter of access, the stream is half read."""
        try:
            return self.fetch(page)
        except StreamUnavailable as refusal:
            raise RequestFailed(f"{refusal}, in the middle of the list") from refusal

    def fetch(self, page: PageContext[PageParams]) -> requests.Response:
        """Ask for one page.

        Args:
            page: Which one.

        Returns:
            The answer.

        Raises:
            StreamUnavailable: If the account may not read this stream.
            RequestFailed: If the request ends this stream.
        """
        try:
            return self.rest_tap.transport.send(self.get_http_request(page=page))
        except (StreamUnavailable, RequestFailed) as refusal:
            missing = isinstance(refusal, RequestFailed) and refusal.status == HTTPStatus.NOT_FOUND
            if (missing or isinstance(refusal, StreamUnavailable)) and not self.rest_tap.transport.accepted:
                self.rest_tap.verify_access(refusal)
            raise

    def post_process(self, row: Record, context: Context | None = None) -> Record | None:  # noqa: ARG002 - the SDK's hook
        """Make a record fit the schema.

        Args:
            row: A raw record.
            context: The partition, or None.

        Returns:
            The record as it is written.
        """
        return self._conformer.conform(self.without_secrets(row))

    def without_secrets(self, row: Mapping[str, object]) -> Mapping[str, object]:
        """Drop the fields that must never leave the API.

        Args:
            row: A raw record.

        Returns:
            The record without them.
        """
        if self.secret_fields.isdisjoint(row):
            return row
        return {name: value for name, value in row.items() if name not in self.secret_fields}

    @cached_property
    def _conformer(self) -> Conformer:
        return Conformer(self.effective_schema, self._report_rescued)

    def _report_rescued(self, name: str, why: str) -> None:
        kept = RESCUED_DATA in self.effective_schema["properties"]
        where = f"kept in {RESCUED_DATA}" if kept else f"lost, as the catalog has no {RESCUED_DATA}"
        self.logger.warning("field %s %s; its value is %s", name, why, where)
