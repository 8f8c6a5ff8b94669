"""Cursor pages, in the envelope of the invoices.

A cursor contains the sort key of the last or first row seen, not a number: rows that are added or removed do not shift
the others. The vendor's cursor is not documented; it is opaque to clients.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from sandbox.gateway import ApiError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.json_types import JsonObject

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
"""The maximum is not documented; a larger size gives the maximum, as in Django REST framework (inferred)."""

PLACEHOLDER_ORIGIN = "http://api.example.com"
"""The origin of `next_page` in the documentation's sample: not the API's, and without TLS."""


def cursor_page(
    keyed_rows: Sequence[tuple[list[str], JsonObject]], query: Sequence[tuple[str, str]], route: str
) -> JsonObject:
    """Return one page in its envelope.

    Args:
        keyed_rows: All requested rows with their unique sort keys, in the order of the keys.
        query: The query of the request.
        route: The path of `next_page`.

    Raises:
        ApiError: 404, the cursor is invalid.
    """
    parameters = dict(query)
    size = _size(parameters.get("page_size", ""))
    start, end = _bounds(parameters.get("cursor"), [key for key, _ in keyed_rows], size)
    following = _cursor("after", keyed_rows[end - 1][0]) if 0 < end < len(keyed_rows) else None
    preceding = _cursor("before", keyed_rows[start][0]) if 0 < start < len(keyed_rows) else None
    return {
        "page_size": size,
        "count": len(keyed_rows),
        "next_page": _link(route, query, following, size),
        "previous_page": _link(route, query, preceding, size),
        "results": [row for _, row in keyed_rows[start:end]],
    }


def _size(text: str) -> int:
    """Return the requested page size; like Django REST framework, ignore values that are not positive numbers."""
    return min(int(text), MAX_PAGE_SIZE) if text.isdecimal() and int(text) else DEFAULT_PAGE_SIZE


def _bounds(cursor: str | None, keys: Sequence[list[str]], size: int) -> tuple[int, int]:
    """Return the start and end of the page within all rows."""
    if cursor is None:
        return 0, min(size, len(keys))
    try:
        ((side, seen),) = json.loads(base64.urlsafe_b64decode(cursor.encode())).items()
    except (ValueError, AttributeError):
        raise ApiError(404, {"detail": "Invalid cursor"}) from None
    if side == "after":
        start = sum(key <= seen for key in keys)
        return start, min(start + size, len(keys))
    end = sum(key < seen for key in keys)
    return max(end - size, 0), end


def _cursor(side: str, key: list[str]) -> str:
    return base64.urlsafe_b64encode(json.dumps({side: key}).encode()).decode()


def _link(route: str, query: Sequence[tuple[str, str]], cursor: str | None, size: int) -> str | None:
    if cursor is None:
        return None
    others = [(name, value) for name, value in query if name not in {"cursor", "page_size"}]
    return f"{PLACEHOLDER_ORIGIN}{route}?{urlencode([*others, ('cursor', cursor), ('page_size', str(size))])}"
