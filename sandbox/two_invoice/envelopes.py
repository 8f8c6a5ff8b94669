"""Envelopes of a list. That invoices and receipts are paginated is documented; the form is inferred from Laravel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.json_types import JsonObject

PER_PAGE = 15
"""Laravel's default; no parameter for it is known."""

Envelope: TypeAlias = "Callable[[str, list[JsonObject], Page], JsonObject]"


@dataclass(frozen=True)
class Page:
    """The position of a page in its list.

    Attributes:
        number: Its number, from 1.
        total: The number of rows of the whole list.
        url: The list's URL without a query.
    """

    number: int
    total: int
    url: str

    @property
    def start(self) -> int:
        """The index of its first row, from 0."""
        return (self.number - 1) * PER_PAGE

    @property
    def last(self) -> int:
        """The number of the last page."""
        return max(1, -(-self.total // PER_PAGE))

    def page_url(self, number: int) -> str | None:
        """Return the URL of the page with a number, if it exists."""
        return f"{self.url}?page={number}" if 1 <= number <= self.last else None

    @property
    def position(self) -> JsonObject:
        """Laravel's description of a page, without its links."""
        is_not_empty = self.start < self.total
        return {
            "current_page": self.number,
            "from": self.start + 1 if is_not_empty else None,
            "last_page": self.last,
            "path": self.url,
            "per_page": PER_PAGE,
            "to": min(self.start + PER_PAGE, self.total) if is_not_empty else None,
            "total": self.total,
        }

    @property
    def links(self) -> JsonObject:
        """The links of Laravel's paginator."""
        return {
            "first_page_url": self.page_url(1),
            "last_page_url": self.page_url(self.last),
            "next_page_url": self.page_url(self.number + 1),
            "prev_page_url": self.page_url(self.number - 1),
        }


def plain(key: str, rows: list[JsonObject], page: Page) -> JsonObject:  # noqa: ARG001 - there are no pages
    """Return all rows under the key, whatever page is requested."""
    return {key: rows}


def paginated(key: str, rows: list[JsonObject], page: Page) -> JsonObject:
    """Return Laravel's paginator under the key."""
    return {key: {**page.position, **page.links, "data": _page_rows(rows, page)}}


def simple(key: str, rows: list[JsonObject], page: Page) -> JsonObject:
    """Return Laravel's simple paginator under the key: it has no total and no last page."""
    body = {**page.position, **page.links, "data": _page_rows(rows, page)}
    return {key: {name: value for name, value in body.items() if name not in {"total", "last_page", "last_page_url"}}}


def beside(key: str, rows: list[JsonObject], page: Page) -> JsonObject:
    """Return the rows under the key, beside the paginator's fields: with the key `data`, Laravel's paginator itself."""
    return {**page.position, **page.links, key: _page_rows(rows, page)}


def linked(key: str, rows: list[JsonObject], page: Page) -> JsonObject:
    """Return the rows under the key, with `links` and `meta`, as in Laravel's resource collections."""
    links: JsonObject = {
        "first": page.page_url(1),
        "last": page.page_url(page.last),
        "prev": page.page_url(page.number - 1),
        "next": page.page_url(page.number + 1),
    }
    return {key: _page_rows(rows, page), "links": links, "meta": page.position}


def _page_rows(rows: list[JsonObject], page: Page) -> list[JsonObject]:
    return rows[page.start : page.start + PER_PAGE]


ENVELOPES: dict[str, Envelope] = {
    "plain": plain,
    "paginated": paginated,
    "simple": simple,
    "beside": beside,
    "linked": linked,
}
