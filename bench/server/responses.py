"""The bodies of the API's responses: the list of invoices at any length, and the sandbox's other lists."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bench.server.invoice_rows import LARGEST_PAGE, InvoiceRows, api_with_templates, created_before, rows_before
from bench.server.sandbox_api import fetch, to_json, unlimited_api
from sandbox.gateway import ApiError
from sandbox.productive.paging import Address
from sandbox.productive.query import parse_query

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.server.sandbox_api import Query

_SCALE_OF_ONE_PAGE = 0.25
"""A scale at which every list of the sandbox fits on one page."""


class Responses:
    """The bodies of the API's responses.

    Args:
        invoices: Length of the list of invoices.
        list_rows: Most rows of every other list.
    """

    def __init__(self, *, invoices: int, list_rows: int = LARGEST_PAGE) -> None:
        """Generate the worlds whose rows are served."""
        self.invoices = invoices
        self.list_rows = list_rows
        self._api = api_with_templates()
        self._small_api = unlimited_api(_SCALE_OF_ONE_PAGE)
        self._invoice_rows: dict[tuple[tuple[str, str], ...], InvoiceRows] = {}
        self._other_lists: dict[tuple[str, int, tuple[tuple[str, str], ...]], bytes] = {}

    def body(self, resource: str, url: str, query: Query) -> bytes:
        """Return the JSON body of a 200.

        Args:
            resource: A list of the API; any other list is empty.
            url: The requested URL without its query.
            query: The decoded query, in the order sent.

        Raises:
            ApiError: Any other response.
        """
        if resource == "invoices":
            return self._page_of_invoices(url, query)
        key = (resource, self.list_rows, tuple(query))
        if key not in self._other_lists:
            self._other_lists[key] = self._other_list(resource, query)
        return self._other_lists[key]

    def _page_of_invoices(self, url: str, query: Query) -> bytes:
        request = parse_query(query)
        shape = tuple(pair for pair in query if pair[0] == "include" or pair[0].startswith("fields["))
        if shape not in self._invoice_rows:
            self._invoice_rows[shape] = InvoiceRows(self._api, shape)
        shown = self._invoice_rows[shape]
        skipped, end = _range_requested(request.filters, self.invoices)
        total, address = end - skipped, Address(url, query)
        links: dict[str, str] = {}
        meta: dict[str, int] = {"page_size": request.size, "max_page_size": LARGEST_PAGE}
        if request.after is not None:
            start = int(request.after or 0)
            if start + request.size < total:
                links["next"] = address.at(after=start + request.size, size=request.size)
        else:
            number, last = request.number or 1, -(-total // request.size)
            start = (number - 1) * request.size
            links |= {"first": address.at(number=1, size=request.size)}
            links |= {"last": address.at(number=max(last, 1), size=request.size)}
            if number < last:
                links["next"] = address.at(number=number + 1, size=request.size)
            meta = {"current_page": number, "total_pages": last, "total_count": total, **meta}
        first, stop = skipped + start, skipped + max(start, min(start + request.size, total))
        pieces = [b'{"data":[', *shown.rows(first, stop, self.invoices), b"]"]
        if shown.has_included:
            pieces += (b',"included":[', shown.included(first, stop), b"]")
        pieces += (b',"links":', to_json(links), b',"meta":', to_json(meta), b"}")
        return b"".join(pieces)

    def _other_list(self, name: str, query: Query) -> bytes:
        if name not in self._small_api.catalogue:
            return to_json({"data": [], "links": {}, "meta": {"current_page": 1, "total_pages": 0, "total_count": 0}})
        body = fetch(self._small_api, f"/{name}", query)
        if "next" in body["links"]:
            raise ApiError(500, {"errors": [{"title": f"{name} does not fit on one page"}]})
        rows = body["data"][: self.list_rows]
        body["data"] = rows
        if not rows and "included" in body:
            body["included"] = []
        if "total_count" in body["meta"]:
            body["meta"] |= {"total_count": len(rows), "total_pages": 1 if rows else 0}
        return to_json(body)


def _range_requested(filters: Mapping[str, Any], invoices: int) -> tuple[int, int]:
    """Return the first index and that after the last of the rows that filters ask for.

    These are `last_activity_at` from a bound on and `created_at` between bounds; any other is refused, so that none is
    overlooked.
    """
    try:
        bounds = {
            (name, operation): datetime.fromisoformat(value).astimezone(UTC)
            for name, operations in filters.items()
            for operation, (value,) in operations.items()
        }
    except (AttributeError, ValueError):
        bounds = {("", ""): datetime.now(UTC)}
    active = rows_before(bounds.pop(("last_activity_at", "gt_eq"), None), invoices)
    first = created_before(bounds.pop(("created_at", "gt_eq"), None), invoices) or 0
    end = created_before(bounds.pop(("created_at", "lt"), None), invoices)
    if bounds:
        raise ApiError(400, {"errors": [{"status": "400", "title": "Unsupported Filter", "detail": str(filters)}]})
    start = max(active, first)
    return start, max(start, invoices if end is None else end)
