"""How lists are walked: each paginator's token is the query parameters that ask for its page."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from singer_sdk.pagination import BaseAPIPaginator

from singer_rest_core.errors import RequestFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import requests

PageParams = dict[str, str]
"""The query parameters that ask for one page."""


class NextLinkPaginator(BaseAPIPaginator[PageParams]):
    """Follows the link to the next page, but takes only its paging parameters: where to ask stays ours to say.

    Args:
        first: The parameters of the first page.
        next_link: Finds the link in an answer; None or empty ends the list.
        takes: Tells a paging parameter from others by its name.
    """

    def __init__(
        self,
        first: Mapping[str, str],
        *,
        next_link: Callable[[requests.Response], str | None],
        takes: Callable[[str], bool],
    ) -> None:
        """Start before the first page."""
        super().__init__(dict(first))
        self._next_link = next_link
        self._takes = takes
        self._seen = {_key(first)}

    def get_next(self, response: requests.Response) -> PageParams | None:
        """Read the parameters of the next page.

        Args:
            response: The page just read.

        Returns:
            Query parameters, or None after the last page.

        Raises:
            RequestFailed: If the link leads to a page that was already asked for, or holds no paging parameter: the
                list does not end there, so its end must not be taken for reached.
        """
        link = self._next_link(response)
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


class NumberedPaginator(BaseAPIPaginator[PageParams]):
    """Counts pages up to the last one that the latest answer names.

    Args:
        parameter: The query parameter that holds the number of a page, from 1.
        last_page: Finds the number of the last page in an answer; None if it does not say: then the list ends there.
    """

    def __init__(self, parameter: str, *, last_page: Callable[[requests.Response], int | None]) -> None:
        """Start before the first page."""
        super().__init__({parameter: "1"})
        self._parameter = parameter
        self._last_page = last_page

    def get_next(self, response: requests.Response) -> PageParams | None:
        """Count on.

        Args:
            response: The page just read.

        Returns:
            Query parameters, or None after the last page.
        """
        following = self._number + 1
        return {self._parameter: str(following)} if following <= (self._last_page(response) or 0) else None

    def ahead(self, response: requests.Response, most: int) -> list[PageParams]:
        """Foretell the pages that follow the one just read.

        Args:
            response: The page just read.
            most: How many pages to foretell.

        Returns:
            Their parameters, in order.
        """
        last = min(self._last_page(response) or 0, self._number + most)
        return [{self._parameter: str(number)} for number in range(self._number + 1, last + 1)]

    @property
    def _number(self) -> int:
        return int(self.current_value[self._parameter])


def _key(params: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(params.items()))
