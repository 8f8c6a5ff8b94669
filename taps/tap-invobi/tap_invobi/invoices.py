"""The list of invoices: its pages, its filter, and an index of its rows for details and documents.

Facts are from the vendor's documentation (invobi.com/api/v1/docs) unless a comment says otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from singer_sdk import StreamSchema
from typing_extensions import override

from singer_rest_core import NumberedPaginator, RequestFailed
from singer_rest_core.records import FlatRows, row_digest
from singer_rest_core.streams import IndexedList
from tap_invobi.client import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk import Tap
    from singer_sdk.streams.rest import HTTPRequest

    from singer_rest_core import ListQuery, Page, PageParams, Record
    from singer_rest_core.paging import PageDecoder

LARGEST_PAGE = 100
STATUSES = ("paid", "unpaid")


class Invoices(IndexedList[str]):
    """Invoices as the list shows them. No time of change exists: read completely."""

    # No order is documented, and rows come and go: core reads the list again when its pages have shifted.

    name = "invoices"
    primary_keys = ("id",)
    schema = StreamSchema(SCHEMAS)
    row_layout = FlatRows("invoices", envelope=("pagination",))

    def __init__(self, tap: Tap) -> None:
        """Make the stream of a tap.

        Args:
            tap: The tap.
        """
        super().__init__(tap, path="/invoices")

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
        """Read the list; with only one status requested, rows that do not come may still exist."""
        yield from super().pages(query, decoder)
        self.has_read_all &= not self.status

    @override
    def total_of(self, page: Page) -> int | None:
        return _count(page, "total")

    def _last_page(self, page: Page) -> int:
        last = _count(page, "total_pages")
        if last is None:
            raise RequestFailed(
                f"GET {self.path} answered without pagination.total_pages: where the list ends is not known"
            )
        return last


def _count(page: Page, name: str) -> int | None:
    """Return a number in `pagination`, also one given as text; None if it is not there."""
    pagination = page.envelope.get("pagination")
    value = pagination.get(name) if isinstance(pagination, dict) else None
    return int(value) if isinstance(value, int | str) and str(value).isdecimal() else None
