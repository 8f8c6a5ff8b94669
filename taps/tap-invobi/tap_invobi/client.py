"""What is true of every list of Invobi: paging, filters, and where the rows are.

Facts are from the vendor's documentation (invobi.com/api/v1/docs) unless a comment says otherwise.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

from singer_sdk import StreamSchema
from singer_sdk.pagination import SinglePagePaginator
from singer_sdk.schema.source import SchemaDirectory

from singer_rest_core import NumberedPaginator, RequestFailed, RestStream
from singer_rest_core.records import row_digest
from singer_rest_core.records.exact_json import body_of
from singer_rest_core.records.row_layout import FlatRows, rows_of
from singer_rest_core.streams.per_row import IndexedList

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests
    from singer_sdk import Tap
    from singer_sdk.pagination import BaseAPIPaginator
    from singer_sdk.streams.rest import HTTPRequest, PageContext

    from singer_rest_core import PageParams, Record

LARGEST_PAGE = 100
STATUSES = ("paid", "unpaid")

SCHEMAS = SchemaDirectory(files("tap_invobi") / "schemas")


class PagedList(IndexedList[str]):
    """A list in pages, with a digest noted of each row.

    No order is documented, and rows come and go: core reads it again when its pages have shifted.
    """

    primary_keys = ("id",)
    schema = StreamSchema(SCHEMAS)

    def __init__(self, tap: Tap) -> None:
        """Bind the stream to its tap.

        Args:
            tap: The tap.
        """
        super().__init__(tap, path=f"/{self.name}")
        self.row_layout = FlatRows(self.name, envelope=("pagination",))

    def note(self, row: Record) -> str:
        """Digest a row.

        Args:
            row: A raw record.

        Returns:
            Its digest.
        """
        return row_digest(row)

    def get_new_paginator(self) -> NumberedPaginator:
        """Read by page number, side by side.

        Returns:
            A paginator before its first page.
        """
        return NumberedPaginator("page", last_page=self._last_page)

    def get_http_request(self, *, page: PageContext[PageParams]) -> HTTPRequest:
        """Ask for one page.

        Args:
            page: Its number.

        Returns:
            A request without credentials.
        """
        request = super().get_http_request(page=page)
        request.params = {**(page.next_page_token or {}), "per_page": str(self.config["page_size"])}
        if self.status:
            request.params["status"] = self.status
        return request

    @property
    def status(self) -> str | None:
        """The setting `invoice_status`."""
        return self.config.get("invoice_status")

    @property
    def has_read_all(self) -> bool:
        """Whether every row there is was surely seen; never if only those of one status were asked for."""
        return super().has_read_all and not self.status

    def total_of(self, answer: requests.Response) -> int | None:
        """Find how many rows the list has according to a page.

        Args:
            answer: The page.

        Returns:
            `pagination.total`, or None.
        """
        return self._count(answer, "total")

    def _last_page(self, answer: requests.Response) -> int:
        last = self._count(answer, "total_pages")
        if last is None:
            raise RequestFailed(
                f"GET {self.path} answered without pagination.total_pages: where the list ends is not known"
            )
        return last

    def _count(self, answer: requests.Response, name: str) -> int | None:
        pagination = self.envelope(answer).get("pagination")
        value = pagination.get(name) if isinstance(pagination, dict) else None
        return int(value) if isinstance(value, int | str) and str(value).isdecimal() else None


class WholeList(RestStream):
    """A list in one answer: no paging is documented."""

    page_codec = None
    schema = StreamSchema(SCHEMAS)

    path: str
    """Its path below `api_url`."""

    member: str
    """Where the answer has the rows."""

    bare_column = ""
    """The column for rows that are bare values; empty if they are objects."""

    def __init__(self, tap: Tap) -> None:
        """Bind the stream to its tap.

        Args:
            tap: The tap.
        """
        super().__init__(tap, path=type(self).path)
        self.row_layout = FlatRows(self.member)

    def get_new_paginator(self) -> BaseAPIPaginator[Any]:
        """Ask once.

        Returns:
            A paginator before its only page.
        """
        return SinglePagePaginator()

    def parse_response(self, response: requests.Response) -> Iterator[Record]:
        """Read the rows.

        Args:
            response: The answer.

        Yields:
            Flat records; a bare value under the name of its column.

        Raises:
            RequestFailed: If a row has no key.
        """
        with self.expected_page():
            for row in rows_of(body_of(response), self.row_layout):
                bare = self.bare_column and not isinstance(row, dict)
                record = {self.bare_column: row} if bare else self.row_layout.flat(row)
                if self.row_id(record) is None:
                    raise RequestFailed(f"GET {self.path} answered with a row without {self.primary_keys[0]}")
                yield record
