"""What is true of every list of Invoicetronic: headers, paging, sorts, filters, and what a refusal means.

Facts are from the vendor's OpenAPI document (API 1.17.0) and documentation unless a comment says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from http import HTTPStatus
from importlib.resources import files
from typing import TYPE_CHECKING

from singer_sdk import StreamSchema
from singer_sdk.schema.source import SchemaDirectory
from typing_extensions import override

from singer_rest_core import ListQuery, NumberedPaginator, RestStream, StreamUnavailable
from singer_rest_core.records import FlatRows, instant

if TYPE_CHECKING:
    import logging
    from datetime import datetime

    from singer_sdk import Tap
    from singer_sdk.streams.rest import HTTPRequest

    from singer_rest_core import Page, PageParams
    from singer_rest_core.paging import RefusedRequest
    from tap_invoicetronic.refusals import Refusals

HEADERS = {"Accept": "application/json", "Accept-Language": "en"}
"""Of every request: the API words its errors in Italian by default, and in English on request."""

TOTAL_COUNT = "Invoicetronic-Total-Count"
"""The header of a list that says how many rows it has."""

LARGEST_PAGE = 200

SCHEMAS = SchemaDirectory(files("tap_invoicetronic") / "schemas")


@dataclass(frozen=True, kw_only=True)
class InvoicetronicQuery(ListQuery):
    """What is asked of a list of Invoicetronic.

    Args:
        sort: A field, with `-` before it for descending order; None to leave the order to the API.
    """

    sort: str | None = None


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

    _has_reported_filter = False

    def __init__(self, tap: Tap, refusals: Refusals) -> None:
        """Make the stream of a tap.

        Args:
            tap: The tap.
            refusals: Where a 403 is noted, so that no other stream reads the same list.
        """
        super().__init__(tap, path=f"/{self.name}")
        self._refusals = refusals

    @property
    @override
    def is_sorted(self) -> bool:
        """Whether rows are requested in the order of the replication key."""
        return self.replication_key is not None and not self.newest_first

    @property
    @override
    def lookback(self) -> timedelta:
        """The setting `lookback_minutes`."""
        return timedelta(minutes=self.config["lookback_minutes"])

    @property
    @override
    def http_headers(self) -> dict[str, str]:
        return HEADERS

    @override
    def query(self) -> InvoicetronicQuery:
        key = self.replication_key
        return InvoicetronicQuery(
            column=key,
            since=self.read_from,
            newest_first=self.newest_first,
            ascending=self.is_sorted,
            sort=f"-{key}" if self.newest_first else key,
        )

    @override
    def paginator(self, query: InvoicetronicQuery) -> NumberedPaginator:
        """Read by page number; there is no other way."""
        return CountedPages(int(self.config["page_size"]))

    @override
    def total_of(self, page: Page) -> int | None:
        """Return the number in the header."""
        return total_of(page)

    @override
    def request_for(self, query: InvoicetronicQuery, token: PageParams | None) -> HTTPRequest:
        request = super().request_for(query, token)
        request.params = {
            **self._list_params(query),
            **(token or {"page": "1"}),
            "page_size": str(self.config["page_size"]),
        }
        return request

    def _list_params(self, query: InvoicetronicQuery) -> dict[str, str]:
        """Return which rows are requested, and in which order."""
        params = {}
        if self.by_company and "company_id" in self.config:
            params["company_id"] = str(self.config["company_id"])
        if query.sort is not None:
            params["sort"] = query.sort
        if self.filters and not query.newest_first:
            if query.since is not None:
                params[f"{query.column}_from"] = as_parameter(instant(query.since))
            if self.closed_window:
                params[f"{query.column}_to"] = as_parameter(self.started)
        return params

    @override
    def accept_page(self, page: Page, query: InvoicetronicQuery) -> Page:
        """Warn once where the API does not keep to the filter."""
        if self.filters and query.since is not None and not (query.newest_first or self._has_reported_filter):
            since = instant(query.since).replace(microsecond=0)
            moments = map(moment_of, page.column(str(query.column)))
            if any(moment is not None and moment < since for moment in moments):
                self._has_reported_filter = True
                self.logger.warning("the API does not keep to the filter %s_from: older rows come again", query.column)
        return page

    @override
    def adapt(self, refused: RefusedRequest[InvoicetronicQuery]) -> InvoicetronicQuery | None:
        """Return a query without a sort if the API refuses the one that was asked for.

        Raises:
            StreamUnavailable: If the key may not read this list.
            RequestFailed: If the account has no operations left.
        """
        return without_refused_sort(refused, self.path, self._refusals, self.logger)


def without_refused_sort(
    refused: RefusedRequest[InvoicetronicQuery], path: str, refusals: Refusals, logger: logging.Logger
) -> InvoicetronicQuery | None:
    """Return a query without a sort, if it is that which the API refused.

    Args:
        refused: The request, and what the API said.
        path: The path of the list.
        refusals: Where a 403 is noted.
        logger: Where the refusal is reported.

    Returns:
        What to ask instead; None if it is something else.

    Raises:
        StreamUnavailable: If the key may not read the list.
        RequestFailed: If the account has no operations left.
    """
    query, error = refused.query, refused.error
    if isinstance(error, StreamUnavailable):
        raise refusals.note(path, error) from error
    if error.status != HTTPStatus.BAD_REQUEST or query.sort is None:
        return None
    logger.warning("%s; the list is read without a sort", error)
    if query.newest_first and query.since is not None:
        logger.warning("rows do not come in descending order of %s: it is read completely", query.column)
        query = query.for_every_row()
    return replace(query, sort=None, ascending=False)


class CountedPages(NumberedPaginator):
    """Counts pages by the total in a header; without one, a full page says that there is one more.

    Args:
        page_size: How many rows a full page has.
    """

    def __init__(self, page_size: int) -> None:
        """Start before the first page."""
        super().__init__("page", last_page=self._last_page)
        self._page_size = page_size

    def _last_page(self, page: Page) -> int:
        total = total_of(page)
        if total is not None:
            return -(-total // self._page_size)
        return self.number + (len(page.rows) >= self._page_size)


def total_of(page: Page) -> int | None:
    """Return how many rows a list has according to the header of a page.

    Args:
        page: The page.

    Returns:
        The number, or None if the header is missing.
    """
    total = page.answer.headers.get(TOTAL_COUNT, "")
    return int(total) if total.isdecimal() else None


def as_parameter(moment: datetime) -> str:
    """Return an instant as the API's filters take it.

    Args:
        moment: An instant; it is rounded down to the second.

    Returns:
        For example `2024-11-29T12:34:56Z`.
    """
    return f"{moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat()}Z"


def moment_of(value: object) -> datetime | None:
    """Return a time the API gave, whatever it may be.

    Args:
        value: The value of a column.

    Returns:
        An aware datetime, or None if the value is no timestamp.
    """
    try:
        return instant(value) if isinstance(value, str) else None
    except ValueError:
        return None
