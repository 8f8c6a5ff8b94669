"""Pages of Laravel's paginator, which the lists of 2invoice seem to have (inferred)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from singer_rest_core import NumberedPaginator, RequestFailed

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from singer_rest_core import Page, Record

_PAGE = "page"

FIRST_PAGE = {_PAGE: "1"}

PAGINATION_MEMBERS = ("current_page", "last_page", "total", "next_page_url", "links", "meta")
"""Where an answer states its position in the list: Laravel's paginator has the first four members, its resource
collections the last two."""


class LaravelPaginator(NumberedPaginator):
    """Counts the pages of Laravel's paginator, and rejects a page that is not the one that was requested.

    The last page is the one that a page names as such; where none is named, a link to the next shows that there is one.

    Args:
        path: The list, for errors.
    """

    def __init__(self, path: str) -> None:
        """Start before the first page."""
        super().__init__(_PAGE, last_page=self._last_page)
        self._path = path
        self._fingerprints: set[int] = set()

    @override
    def check(self, page: Page, ids: Sequence[Hashable]) -> None:
        """Reject a page that was not requested, and one that came before.

        Raises:
            RequestFailed: If the page is one of these.
        """
        pagination = _pagination(page)
        number = _integer(pagination.get("current_page"))
        if number not in {None, self.number}:
            raise RequestFailed(f"GET {self._path} answered page {number} when page {self.number} was requested")
        fingerprint = hash(tuple(ids))
        is_last_named = _integer(pagination.get("last_page")) is not None
        # New rows push others to the next page, and empty pages may repeat; unless the last page is named, a list that
        # repeats itself would go on for ever.
        may_repeat = is_last_named and (number is not None or not ids)
        if fingerprint in self._fingerprints and not may_repeat:
            raise RequestFailed(f"GET {self._path} repeats itself: page {self.number} is one that came before")
        self._fingerprints.add(fingerprint)

    def _last_page(self, page: Page) -> int | None:
        pagination = _pagination(page)
        last = _integer(pagination.get("last_page"))
        if last is not None:
            return last
        links = pagination.get("links")
        following = pagination.get("next_page_url") or (isinstance(links, dict) and links.get("next"))
        # Only whether there is a link matters: the tap builds the URL of the next page itself.
        return self.number + 1 if following else None


def total_count(page: Page) -> int | None:
    """Return how many records a list has.

    Args:
        page: A page of the list.

    Returns:
        The number; None if the page does not state it.
    """
    return _integer(_pagination(page).get("total"))


def _pagination(page: Page) -> Record:
    """Return the members that state the page's position in the list."""
    meta = page.envelope.get("meta")
    return {**page.envelope, **meta} if isinstance(meta, dict) else page.envelope


def _integer(value: object) -> int | None:
    """Return a whole number, also one given as text; None for anything else."""
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
