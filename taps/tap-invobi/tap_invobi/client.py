"""What is true of every list of Invobi: paging, filters, and where the rows are.

Facts are from the vendor's documentation (invobi.com/api/v1/docs) unless a comment says otherwise.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

from singer_sdk import StreamSchema
from singer_sdk.schema.source import SchemaDirectory
from typing_extensions import override

from singer_rest_core import NumberedPaginator, RequestFailed, RestStream
from singer_rest_core.records import row_digest
from singer_rest_core.records.row_layout import FlatRows, rows_of
from singer_rest_core.streams.per_row import IndexedList

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk import Tap
    from singer_sdk.streams.rest import HTTPRequest

    from singer_rest_core import ListQuery, Page, PageParams, Record
    from singer_rest_core.paging.page import PageDecoder

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

    @override
    def index_entry(self, row: Record) -> str:
        return row_digest(row)

    @override
    def paginator(self, query: ListQuery) -> NumberedPaginator:
        return NumberedPaginator("page", last_page=self._last_page)

    @override
    def request_for(self, query: ListQuery, token: PageParams | None) -> HTTPRequest:
        request = super().request_for(query, token)
        request.params = {**(token or {}), "per_page": str(self.config["page_size"])}
        if self.status:
            request.params["status"] = self.status
        return request

    @property
    def status(self) -> str | None:
        """The setting `invoice_status`."""
        return self.config.get("invoice_status")

    @override
    def pages(self, query: ListQuery | None = None, decoder: PageDecoder | None = None) -> Iterator[Page]:
        """Read the list; rows are surely missing if only those of one status were requested."""
        yield from super().pages(query, decoder)
        if self.status:
            self.has_read_all = self.covers_table = False

    @override
    def total_of(self, page: Page) -> int | None:
        """Return `pagination.total`."""
        return _count(page, "total")

    def _last_page(self, page: Page) -> int:
        last = _count(page, "total_pages")
        if last is None:
            raise RequestFailed(
                f"GET {self.path} answered without pagination.total_pages: where the list ends is not known"
            )
        return last


class WholeList(RestStream):
    """A list in one answer: no paging is documented."""

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

    @override
    def records_in(self, body: Any) -> Iterator[Record]:
        """Return the rows; a bare value under the name of its column.

        Raises:
            RequestFailed: If a row has no key.
        """
        for row in rows_of(body, self.row_layout):
            is_bare = self.bare_column and not isinstance(row, dict)
            record = {self.bare_column: row} if is_bare else self.row_layout.flat(row)
            if self.row_id(record) is None:
                raise RequestFailed(f"GET {self.path} answered with a row without {self.primary_keys[0]}")
            yield record


def _count(page: Page, name: str) -> int | None:
    pagination = page.envelope.get("pagination")
    value = pagination.get(name) if isinstance(pagination, dict) else None
    return int(value) if isinstance(value, int | str) and str(value).isdecimal() else None
