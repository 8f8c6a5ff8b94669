"""What is asked of a list, and what the API refused of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from singer_rest_core.errors import RequestFailed, StreamUnavailable


@dataclass(frozen=True, kw_only=True)
class ListQuery:
    """What one read asks of a list. A tap may subclass it to say more, such as what the API refused.

    Args:
        column: The replication key, or another time that the rows are read by; None if there is none.
        since: An inclusive lower bound of that column, as text; None to read every row.
        newest_first: Whether rows are requested in descending order of the column, and read only down to `since`,
            because the API sorts by it but does not filter.
        ascending: Whether rows are requested in ascending order of the column: then a bookmark may follow them.
        by_number: Whether the list is read by page number though a cursor would be used.
    """

    column: str | None = None
    since: str | None = None
    newest_first: bool = False
    ascending: bool = False
    by_number: bool = False

    def for_every_row(self) -> Self:
        """Return the query without its bound.

        Returns:
            The query that reads every row.
        """
        return replace(self, since=None, newest_first=False, ascending=False)


Query = TypeVar("Query", bound=ListQuery)


@dataclass(frozen=True)
class RefusedRequest(Generic[Query]):
    """A request for a page that the API refused.

    Args:
        query: What was asked of the list.
        token: The paginator's token of the page.
        error: What the API said.
        send: Requests the same page with another query, and raises what the API says of it.
    """

    query: Query
    token: Any
    error: StreamUnavailable | RequestFailed
    send: Callable[[Query], object] = field(repr=False)
