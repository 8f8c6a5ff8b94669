"""How lists are walked: each paginator's token is the query parameters that ask for its page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from singer_sdk.pagination import BaseAPIPaginator

from singer_rest_core.errors import RequestFailed
from singer_rest_core.exact_json import body_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import requests

PageParams = dict[str, str]
"""The query parameters that ask for one page."""


class NextLinkPaginator(BaseAPIPaginator[PageParams]):
    """Follows the link to the next page, but takes only its paging parameters: where to ask stays ours to say.

    Args:
        first: The parameters of the first page.
        next_link: Finds the link in a decoded body; None or empty ends the list.
        takes: Tells a paging parameter from others by its name.
    """

    def __init__(
        self,
        first: Mapping[str, str],
        *,
        next_link: Callable[[Any], str | None],
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
        link = self._next_link(body_of(response))
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

    def continue_if_empty(self, response: requests.Response) -> bool:
        """Go on after an empty page if it names a next one.

        Args:
            response: The empty page.

        Returns:
            Whether it holds a link to the next page.
        """
        return bool(self._next_link(body_of(response)))


def _key(params: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(params.items()))
