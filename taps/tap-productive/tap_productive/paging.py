"""Paging in Productive: by page number or by cursor (guide "Pagination")."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from singer_rest_core import NextLinkPaginator, NumberedPaginator

if TYPE_CHECKING:
    from singer_rest_core import Page, Record

FIRST_CURSOR = {"page[after]": ""}
FIRST_NUMBER = {"page[number]": "1"}


class NumberedPages(NumberedPaginator):
    """Counts pages up to the last one that a page names.

    Where a page names none, a link to the next page says that there is one more; and where it has neither `meta` nor
    `links`, that it is full.

    Args:
        page_size: How many rows a full page has.
    """

    def __init__(self, page_size: int) -> None:
        """Start before the first page."""
        super().__init__("page[number]", last_page=self._last_page_of)
        self._page_size = page_size

    def _last_page_of(self, page: Page) -> int | None:
        last = _meta(page).get("total_pages")
        if isinstance(last, int):
            return last
        number = dict(parse_qsl(urlsplit(next_link(page) or "").query)).get("page[number]", "")
        if number.isdecimal():
            return int(number)
        return self.number + 1 if may_have_a_next(page, self._page_size) else None


class CursorPages(NextLinkPaginator):
    """Follows cursors; and page numbers, if a page has neither `meta` nor `links` but is full.

    Args:
        page_size: How many rows a full page has.
    """

    def __init__(self, page_size: int) -> None:
        """Start before the first page."""
        super().__init__(FIRST_CURSOR, next_link=self._link, takes=lambda name: name.startswith("page["))
        self._page_size = page_size

    def _link(self, page: Page) -> str | None:
        return f"?page[number]={self.count + 1}" if may_have_a_next(page, self._page_size) else next_link(page)


def total_count(page: Page) -> int | None:
    """Return how many rows a list has.

    Args:
        page: A page of the list.

    Returns:
        `meta.total_count`; None if the page does not state it, as pages by cursor.
    """
    total = _meta(page).get("total_count")
    return total if isinstance(total, int) else None


def may_have_a_next(page: Page, page_size: int) -> bool:
    """Return whether a page that says nothing about the next one is full: then there may be one.

    Args:
        page: A page.
        page_size: How many rows a full page has.
    """
    return "meta" not in page.envelope and "links" not in page.envelope and len(page.rows) >= page_size


def next_link(page: Page) -> str | None:
    """Return the link to the next page.

    Args:
        page: A page.

    Returns:
        A URL; None on the last page.
    """
    links = page.envelope.get("links")
    link = links.get("next") if isinstance(links, dict) else None
    return str(link) if link else None


def _meta(page: Page) -> Record:
    meta = page.envelope.get("meta")
    return meta if isinstance(meta, dict) else {}
