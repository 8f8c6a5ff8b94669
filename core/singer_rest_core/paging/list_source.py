"""A list as its reader has to know it: where its pages are, and what its API can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import timedelta

    import requests
    from singer_sdk.metrics import Counter
    from singer_sdk.pagination import BaseAPIPaginator
    from singer_sdk.streams.rest import HTTPRequest

    from singer_rest_core.paging.list_query import RefusedRequest
    from singer_rest_core.paging.page import Page
    from singer_rest_core.paging.windows import Window


class ListSource(ABC):
    """A list of an API that has neither counts, cursors nor windows, unless a subclass says otherwise."""

    name: str
    path: str

    position = 0
    """Where its stream stands among those of the run."""

    filter_slack: timedelta | None = None
    """How much older than it was asked for a row of an incremental stream may be before the API is taken to ignore the
    filter. Then, and where rows do not ascend as was asked for, the list is read completely. None checks neither."""

    window_column: str | None = None
    """A time that never changes and that the list can be filtered by: a long list is read in windows of it."""

    @property
    @abstractmethod
    def logger(self) -> logging.Logger:
        """Where what is unusual about the list is logged."""

    def key_faults(self, keys: Sequence[Any]) -> Mapping[int, str]:  # noqa: ARG002 - for lists to answer
        """Find the rows that no loader could keep, as their keys cannot be used.

        Args:
            keys: The values of the primary keys of each row, as the API gave them.

        Returns:
            What is wrong with a key, as a clause, by the index of its row.
        """
        return {}

    @abstractmethod
    def paginator(self, query: Any) -> BaseAPIPaginator[Any]:  # noqa: ANN401 - the list's own kind of query
        """Return a paginator before its first page.

        Args:
            query: What is asked of the list.

        Returns:
            A `NumberedPaginator` where pages can be requested side by side.
        """

    @abstractmethod
    def request_for(self, query: Any, token: Any) -> HTTPRequest:  # noqa: ANN401 - as above
        """Return the request for one page.

        Args:
            query: What is asked of the list.
            token: The paginator's token: query parameters.

        Returns:
            A request without credentials.
        """

    def first_page_came(self) -> None:  # noqa: B027 - for lists to hear
        """Hear that the first page of a read by cursor came; the list may have to be counted before it is handed on."""

    @abstractmethod
    def get_http_request_counter(self) -> AbstractContextManager[Counter]:
        """Return the SDK's counter of requests."""

    def total_of(self, page: Page) -> int | None:  # noqa: ARG002 - for lists to answer
        """Return how many rows a numbered list has according to a page.

        Args:
            page: The page.

        Returns:
            The number, or None if the page does not say.
        """
        return None

    def count_request(self, query: Any) -> HTTPRequest | None:  # noqa: ANN401, ARG002 - as above
        """Return a request whose answer counts all rows of the list.

        Args:
            query: What is asked of the list.

        Returns:
            A request without credentials; None if the API has none, or not all rows are asked for.
        """
        return None

    def count_of(self, answer: requests.Response) -> int | None:  # noqa: ARG002 - as above
        """Return the count in the answer to `count_request`.

        Args:
            answer: The answer.

        Returns:
            The number, or None if it does not say.
        """
        return None

    def without_cursor(self, query: Any) -> Any | None:  # noqa: ANN401, ARG002 - as above
        """Return the query that reads the list by page number, where one by cursor is answered by number.

        Args:
            query: What was asked of the list.

        Returns:
            What to ask instead; None if the list has no other way.
        """
        return None

    def in_window(self, query: Any, window: Window) -> Any:  # noqa: ANN401, ARG002 - as above
        """Return the query for the rows of a window of `window_column`.

        Args:
            query: What is asked of the list.
            window: The span of time.

        Returns:
            What to ask for the window.
        """
        return query

    def adapt(self, refused: RefusedRequest[Any]) -> Any | None:  # noqa: ANN401, ARG002 - as above
        """Return a query that the API may accept instead of one it refused.

        Args:
            refused: The request, and what the API said.

        Returns:
            What to ask instead; None to let the refusal end the read.
        """
        return None
