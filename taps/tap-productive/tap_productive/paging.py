"""Paging in Productive: by page number or by cursor (guide "Pagination")."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from singer_rest_core import NextLinkPaginator, NumberedPaginator

if TYPE_CHECKING:
    from singer_rest_core import Page, Record

FIRST_CURSOR = {"page[after]": ""}
FIRST_NUMBER = {"page[number]": "1"}


def numbered_paginator() -> NumberedPaginator:
    """Return a paginator that counts pages, several of which can be requested at once."""
    return NumberedPaginator("page[number]", last_page=last_page)


def cursor_paginator() -> NextLinkPaginator:
    """Return a paginator that follows cursors, and page numbers where the API has no cursor for a list."""
    return NextLinkPaginator(FIRST_CURSOR, next_link=next_link, takes=lambda name: name.startswith("page["))


def total_count(page: Page) -> int | None:
    """Return how many rows a list has.

    Args:
        page: A page of the list.

    Returns:
        `meta.total_count`; None if the page does not state it.
    """
    total = _meta(page).get("total_count")
    return total if isinstance(total, int) else None


def last_page(page: Page) -> int | None:
    """Return the number of the last page; where it is not stated, that of the next page, if there is one.

    Args:
        page: A page of a numbered list.

    Returns:
        A page number; None if there is no page after this one.
    """
    last = _meta(page).get("total_pages")
    if isinstance(last, int):
        return last
    query = dict(parse_qsl(urlsplit(next_link(page) or "").query))
    number = query.get("page[number]", "")
    return int(number) if number.isdecimal() else None


def next_link(page: Page) -> str | None:
    """Return the link to the next page, or build it from the page count where a numbered page has none.

    Args:
        page: A page.

    Returns:
        A URL, or only its query; None on the last page.
    """
    links = page.envelope.get("links")
    link = links.get("next") if isinstance(links, dict) else None
    if link:
        return str(link)
    meta = _meta(page)
    current, last = meta.get("current_page"), meta.get("total_pages")
    if isinstance(current, int) and isinstance(last, int) and current < last:
        return f"?page[number]={current + 1}"
    return None


def _meta(page: Page) -> Record:
    meta = page.envelope.get("meta")
    return meta if isinstance(meta, dict) else {}
