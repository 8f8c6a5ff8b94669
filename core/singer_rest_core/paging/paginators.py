"""Paginators whose tokens are the query parameters of a page."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from singer_sdk.pagination import BaseAPIPaginator
from typing_extensions import override

from singer_rest_core.errors import RequestFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    import requests

    from singer_rest_core.paging.page import Page

PageParams = dict[str, str]
"""The query parameters that request one page."""


class PagePaginator(BaseAPIPaginator[PageParams], ABC):
    """A paginator that looks at decoded pages; the SDK's look at the answers.

    Args:
        first: The parameters of the first page.
    """

    def __init__(self, first: Mapping[str, str]) -> None:
        """Start before the first page."""
        super().__init__(dict(first))
        self._page: Page | None = None

    @abstractmethod
    def following(self, page: Page) -> PageParams | None:
        """Return what requests the page after this one.

        Args:
            page: The page just read.

        Returns:
            Query parameters, or None after the last page.

        Raises:
            RequestFailed: If the answer does not say where the list goes on.
        """

    def check(self, page: Page, ids: Sequence[Hashable]) -> None:
        """Refuse a page that cannot be the one that was requested; called before its rows are used.

        Args:
            page: The page.
            ids: The keys of its rows.

        Raises:
            RequestFailed: If it is another page.
        """

    def start_at(self, token: Mapping[str, str]) -> None:
        """Start at a page in the middle of the list.

        Args:
            token: The parameters that request it, as an earlier paginator of the list returned them.
        """
        super().__init__({str(name): str(value) for name, value in token.items()})

    def advance_past(self, page: Page) -> None:
        """Go on to the page after this one.

        Args:
            page: The page just read.
        """
        self._page = page
        try:
            self.advance(page.answer)
        finally:
            self._page = None  # its rows are many

    @override
    def get_next(self, response: requests.Response) -> PageParams | None:
        if self._page is None:
            msg = "a PagePaginator goes on by advance_past"
            raise TypeError(msg)
        return self.following(self._page)


class NextLinkPaginator(PagePaginator):
    """Follows the link to the next page, but takes only its paging parameters: the rest of the URL stays our own.

    Args:
        first: The parameters of the first page.
        next_link: Returns the link in a page; None or empty ends the list.
        takes: Tells a paging parameter from others by its name.
    """

    def __init__(
        self,
        first: Mapping[str, str],
        *,
        next_link: Callable[[Page], str | None],
        takes: Callable[[str], bool],
    ) -> None:
        """Start before the first page."""
        super().__init__(first)
        self._next_link = next_link
        self._takes = takes
        self._seen = {_key(first)}

    @override
    def following(self, page: Page) -> PageParams | None:
        """Return the parameters in the link to the next page.

        Raises:
            RequestFailed: If the link leads to a page that was requested before, or holds no paging parameter: the list
                does not end there, so it must not be taken for complete.
        """
        link = self._next_link(page)
        if not link:
            return None
        query = parse_qsl(urlsplit(link).query, keep_blank_values=True)
        params = {name: value for name, value in query if self._takes(name)}
        if not params:
            raise RequestFailed(f"GET {urlsplit(link).path} names a next page without saying which")
        if _key(params) in self._seen:
            raise RequestFailed(f"GET {urlsplit(link).path} repeats a page: its next link leads to one already read")
        self._seen.add(_key(params))
        return params


class NumberedPaginator(PagePaginator):
    """Counts pages up to the last one that the latest page names.

    Args:
        parameter: The query parameter that holds the number of a page, from 1.
        last_page: Returns the number of the last page according to a page; None if it does not say: then the list ends
            there.
    """

    def __init__(self, parameter: str, *, last_page: Callable[[Page], int | None]) -> None:
        """Start before the first page."""
        super().__init__({parameter: "1"})
        self._parameter = parameter
        self._last_page = last_page

    @override
    def following(self, page: Page) -> PageParams | None:
        following = self.number + 1
        return {self._parameter: str(following)} if following <= (self._last_page(page) or 0) else None

    def ahead(self, page: Page, most: int) -> list[PageParams]:
        """Return the pages that follow the one just read, as far as it tells.

        Args:
            page: The page just read.
            most: How many pages to return at most.

        Returns:
            Their parameters, in order.
        """
        last = min(self._last_page(page) or 0, self.number + most)
        return [{self._parameter: str(number)} for number in range(self.number + 1, last + 1)]

    @property
    def number(self) -> int:
        """The number of the page that is requested or was just read."""
        return int(self.current_value[self._parameter])


def _key(params: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(params.items()))
