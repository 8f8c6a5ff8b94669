"""Pages of a list: by number, with totals, or by cursor, without (README 2)."""

from __future__ import annotations

import base64
import json
import zlib
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from sandbox.productive import errors
from sandbox.productive.query import MAX_PAGE_SIZE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.json_types import JsonObject
    from sandbox.productive.query import Query
    from sandbox.productive.records import Dataset, Record
    from sandbox.productive.sorting import SortKey, SortOrder, SortValue


@dataclass(frozen=True)
class Selection:
    """The filtered rows of a list, in order, with their sort keys."""

    rows: Sequence[Record]
    keys: Sequence[SortKey]


@dataclass(frozen=True)
class Page:
    """One page: its rows, and its answer's links and metadata."""

    rows: Sequence[Record]
    links: dict[str, str]
    meta: JsonObject


@dataclass(frozen=True)
class Address:
    """The requested URL, from which the URLs of other pages are made."""

    url: str
    query: Sequence[tuple[str, str]]

    def at(self, **page: str | int) -> str:
        """Return the same request for another page: other parameters are kept, brackets percent-encoded."""
        kept = [(key, value) for key, value in self.query if not key.startswith("page[")]
        return f"{self.url}?{urlencode([*kept, *((f'page[{part}]', str(value)) for part, value in page.items())])}"


def numbered_page(selection: Selection, query: Query, address: Address) -> Page:
    """Return the page with the requested number; pages after the last one are empty."""
    number, size = query.number or 1, query.size
    total = len(selection.rows)
    last = -(-total // size)
    links = {"first": address.at(number=1, size=size), "last": address.at(number=max(last, 1), size=size)}
    if number < last:
        links["next"] = address.at(number=number + 1, size=size)
    if number > 1:
        links["prev"] = address.at(number=number - 1, size=size)
    meta: JsonObject = {
        "current_page": number,
        "total_pages": last,
        "total_count": total,
        "page_size": size,
        "max_page_size": MAX_PAGE_SIZE,
    }
    return Page(selection.rows[(number - 1) * size : number * size], links, meta)


def cursor_page(dataset: Dataset, selection: Selection, order: SortOrder, query: Query, address: Address) -> Page:
    """Return the page after a cursor.

    The cursor has the sort values and the id of the last row served, so that rows that are added, removed or moved
    between two pages do not shift others.

    Raises:
        ApiError: The cursor was not issued for this sort order.
    """
    start = 0
    if query.after:
        start = bisect_right(selection.keys, _key_behind(query.after, order))
    rows = selection.rows[start : start + query.size]
    links = {}
    if start + query.size < len(selection.rows):
        links["next"] = address.at(after=_cursor(order, order.values(dataset, rows[-1])), size=query.size)
    return Page(rows, links, {"page_size": query.size, "max_page_size": MAX_PAGE_SIZE})


def _cursor(order: SortOrder, values: Sequence[SortValue]) -> str:
    content = json.dumps([order.text, values]).encode()
    return base64.urlsafe_b64encode(zlib.crc32(content).to_bytes(4, "big") + content).decode().rstrip("=")


def _key_behind(cursor: str, order: SortOrder) -> SortKey:
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except ValueError:
        raise errors.keyset_invalid_cursor() from None
    check, content = raw[:4], raw[4:]
    if zlib.crc32(content).to_bytes(4, "big") != check:
        raise errors.keyset_invalid_cursor()
    text, values = json.loads(content)
    if text != order.text:
        raise errors.keyset_invalid_cursor()
    return order.key([(rank, value) for rank, value in values])
