"""What is true of every list of Invoicetronic: headers, paging, sorts, filters, and what a refusal means.

Facts are from the vendor's OpenAPI document (API 1.17.0) and documentation unless a comment says otherwise.
"""

from __future__ import annotations

from datetime import UTC, timedelta
from http import HTTPStatus
from importlib.resources import files
from typing import TYPE_CHECKING, TypeVar, cast
from urllib.parse import parse_qs, urlsplit

from singer_sdk import StreamSchema
from singer_sdk.schema.source import SchemaDirectory

from singer_rest_core import NumberedPaginator, RequestFailed, RestStream, StreamUnavailable, body_of
from singer_rest_core.records.row_layout import FlatRows, rows_of
from singer_rest_core.records.timestamps import instant
from tap_invoicetronic.refusals import explain_forbidden

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence
    from datetime import datetime

    import requests
    from singer_sdk import Tap
    from singer_sdk.streams.rest import HTTPRequest, PageContext

    from singer_rest_core import PageParams
    from singer_rest_core.paging.prefetch import Pending
    from tap_invoicetronic.tap import TapInvoicetronic

Row = TypeVar("Row")

HEADERS = {"Accept": "application/json", "Accept-Language": "en"}
"""Of every request: the API words its errors in Italian by default, and in English on request."""

TOTAL_COUNT = "Invoicetronic-Total-Count"
"""The header of a list that says how many rows it has."""

LARGEST_PAGE = 200

SCHEMAS = SchemaDirectory(files("tap_invoicetronic") / "schemas")


class InvoicetronicStream(RestStream):
    """A list endpoint of Invoicetronic; its path is its name.

    Rows come by page number. Which fields the API sorts by is not documented: a stream asks for its replication key,
    core checks the order of what comes, and a refusal is answered by reading without a sort.
    """

    primary_keys = ("id",)
    schema = StreamSchema(SCHEMAS)
    row_layout = FlatRows(None)

    secret_fields = frozenset({"api_key", "key", "live_key", "payload", "secret", "test_key"})
    """`payload` is a whole invoice, and empty, as it is not asked for; documents have streams of their own. `secret`
    signs the calls of a webhook. Keys are in no documented answer; should they come, they go no further."""

    by_company = False
    """Whether the list takes the setting `company_id` as a filter."""

    filters = False
    """Whether the list takes `<replication key>_from` and `_to`."""

    closed_window = False
    """Whether `_to` is set to the start of the run, so that no row comes in while the pages are read."""

    def __init__(self, tap: Tap) -> None:
        """Bind the stream to its tap.

        Args:
            tap: The tap.
        """
        super().__init__(tap, path=f"/{self.name}")
        self._refused_sorts: set[str] = set()
        self._is_told_of_filter = False

    @property
    def invoicetronic(self) -> TapInvoicetronic:
        """The tap."""
        return cast("TapInvoicetronic", self.rest_tap)

    @property
    def is_sorted(self) -> bool:
        """Whether rows are asked for in the order of the replication key."""
        return self.replication_key is not None and not self.newest_first

    @property
    def lookback(self) -> timedelta:
        """The setting `lookback_minutes`."""
        return timedelta(minutes=self.config["lookback_minutes"])

    @property
    def http_headers(self) -> dict[str, str]:
        """The headers of every request, credentials apart."""
        return HEADERS

    def get_new_paginator(self) -> NumberedPaginator:
        """Read by page number; there is no other way.

        Returns:
            A paginator before its first page.
        """
        return NumberedPaginator("page", last_page=self._last_page)

    def total_of(self, answer: requests.Response) -> int | None:
        """Find how many rows the list has according to a page.

        Args:
            answer: The page.

        Returns:
            The number in the header, or None.
        """
        total = answer.headers.get(TOTAL_COUNT, "")
        return int(total) if total.isdecimal() else None

    def _last_page(self, answer: requests.Response) -> int:
        """Find the number of the last page; without a total, a full page says that there is one more."""
        total = self.total_of(answer)
        size = int(self.config["page_size"])
        if total is not None:
            return -(-total // size)
        (number,) = parse_qs(urlsplit(str(answer.request.url)).query)["page"]
        with self.expected_page():
            rows = rows_of(body_of(answer), self.row_layout)
        return int(number) + (len(rows) >= size)

    def get_http_request(self, *, page: PageContext[PageParams]) -> HTTPRequest:
        """Ask for one page of this list.

        Args:
            page: Its parameters.

        Returns:
            A request without credentials.
        """
        request = super().get_http_request(page=page)
        request.params = {
            **self.list_params(),
            **(page.next_page_token or {"page": "1"}),
            "page_size": str(self.config["page_size"]),
        }
        return request

    def list_params(self) -> dict[str, str]:
        """Say which rows are asked for, and in which order.

        Returns:
            Query parameters, without those of a page.
        """
        params = {}
        if self.by_company and "company_id" in self.config:
            params["company_id"] = str(self.config["company_id"])
        if self._asked_sort is not None:
            params["sort"] = self._asked_sort
        if self.filters and self.down_to is None:
            if self.read_from is not None:
                params[f"{self.replication_key}_from"] = as_parameter(instant(self.read_from))
            if self.closed_window:
                params[f"{self.replication_key}_to"] = as_parameter(self.invoicetronic.began)
        return params

    @property
    def sort(self) -> str | None:
        """What to sort by: a field, with `-` before it for descending order; None to leave it to the API."""
        if self.down_to is not None:
            return f"-{self.down_to[0]}"
        return f"-{self.replication_key}" if self.newest_first else self.replication_key

    @property
    def _asked_sort(self) -> str | None:
        sort = self.sort
        return None if sort is None or sort.removeprefix("-") in self._refused_sorts else sort

    def take_page(self, ids: Sequence[Hashable], rows: Sequence[Row], answer: requests.Response) -> Sequence[Row]:
        """Take note of a page, and of what the API did not do with the list.

        Args:
            ids: The ids of its rows.
            rows: The rows, in whatever form.
            answer: The page.

        Returns:
            The rows that are new.
        """
        if self.down_to is not None and self._asked_sort is None:
            self.distrust(f"rows do not come in descending order of {self.down_to[0]}")
        rows = super().take_page(ids, rows, answer)
        bound = self.read_from
        if self.filters and self.down_to is None and bound is not None and not self._is_told_of_filter:
            since = instant(bound).replace(microsecond=0)
            moments = map(moment_of, self.column(rows, str(self.replication_key)))
            if any(moment is not None and moment < since for moment in moments):
                self._is_told_of_filter = True
                self.logger.warning(
                    "the API does not keep to the filter %s_from: older rows come again", self.replication_key
                )
        return rows

    def fetch(self, page: PageContext[PageParams], pending: Pending | None = None) -> requests.Response:
        """Ask for one page, and once more without a sort if the API refuses it.

        Args:
            page: Its parameters.
            pending: The request for it, if it was sent ahead.

        Returns:
            The answer.

        Raises:
            StreamUnavailable: If the key may not read this list.
            RequestFailed: If the request ends this stream.
        """
        try:
            return super().fetch(page, pending)
        except StreamUnavailable as refusal:
            raise explain_forbidden(refusal) from refusal
        except RequestFailed as refusal:
            if refusal.status != HTTPStatus.BAD_REQUEST or self._asked_sort is None:
                raise
            self.logger.warning("%s; the list is read without a sort", refusal)
            self._refused_sorts.add(self._asked_sort.removeprefix("-"))
            self.expect_no_order()
            return self.fetch(page)


def as_parameter(moment: datetime) -> str:
    """Write an instant as the API's filters take it.

    Args:
        moment: An instant; it is rounded down to the second.

    Returns:
        For example `2024-11-29T12:34:56Z`.
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment_of(value: object) -> datetime | None:
    """Read a time the API gave, whatever it may be.

    Args:
        value: The value of a column.

    Returns:
        An aware datetime, or None if the value is no timestamp.
    """
    try:
        return instant(value) if isinstance(value, str) else None
    except ValueError:
        return None
