"""What a stream does when the API refuses a part of a request: request less, and remember it for the next runs."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

from singer_rest_core import RequestFailed
from tap_productive.error_bodies import error_codes, error_text
from tap_productive.paging import FIRST_CURSOR
from tap_productive.refused_features import STATE_KEY, RefusedFeatures

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Mapping, MutableMapping, Sequence
    from datetime import timedelta

    from singer_rest_core.clock import Clock
    from singer_rest_core.paging import RefusedRequest
    from tap_productive.query import ProductiveQuery


REFUSED = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY})
"""How the API answers to a part of a request that it does not support; 422 for one client, with the same text."""


class RefusableList(Protocol):
    """A stream, as far as its refusals have to know it."""

    sort_times: tuple[str, ...]
    since_filter: str | None
    replication_key: str | None

    @property
    def logger(self) -> logging.Logger:
        """Where refusals are logged."""
        ...

    @property
    def stream_state(self) -> MutableMapping[str, Any]:
        """The state of the stream."""
        ...

    def remember(self, name: str, value: object) -> None:
        """Keep something in the stream's state."""
        ...


class Refusals:
    """What the API refuses to do with one list, now and in the runs before.

    A query carries what was refused while it was read, also ahead of the stream's turn; the state is written in turn.

    Args:
        stream: The stream of the list.
        clock: The time.
    """

    def __init__(self, stream: RefusableList, clock: Clock) -> None:
        """Start without any."""
        self._stream = stream
        self._clock = clock
        self.features = RefusedFeatures()

    def load(self, state: Mapping[str, Any], *, max_age: timedelta) -> None:
        """Use what earlier runs remembered.

        Args:
            state: The stream's state.
            max_age: How long it counts.
        """
        self.features = RefusedFeatures.from_state(state, max_age=max_age, now=self._clock.now())

    def log_and_clear(self) -> None:
        """Log what is not requested, and drop it from the state where it is requested again."""
        if self.features.includes:
            names = ", ".join(sorted(self.features.includes))
            self._stream.logger.info("the API recently refused to include %s: not requested", names)
        if not self.features and STATE_KEY in self._stream.stream_state:
            del self._stream.stream_state[STATE_KEY]

    def remember(self, query: ProductiveQuery) -> None:
        """Keep in the state what the API refused while a list was read.

        Args:
            query: The query as its reader has it now.
        """
        if query.refused != self.features:
            self.features = query.refused
            self._stream.remember(STATE_KEY, self.features.to_state(self._clock.now()))

    def query_without(self, refused: RefusedRequest[ProductiveQuery]) -> ProductiveQuery | None:
        """Return a query without the part that the API refuses.

        Args:
            refused: A request that was answered with one of `REFUSED`.

        Returns:
            What to request instead; None if the answer names nothing that can be left out.
        """
        query, body = refused.query, refused.error.body
        text = error_text(body)
        if "keyset" in text and not query.by_number:
            return self._without_cursor(query) if refused.token == FIRST_CURSOR else None
        if "include" in text and query.includes:
            return self._without_includes(refused)
        if "sort" in text and query.sort:
            return self._without_sort(query)
        if "filter" in text:
            if "unsupported_filter_operation" in error_codes(body) and self._may_take_exclusive_bound(query):
                return self._with_exclusive_bound(query)
            return self._without_filter(query, error_text(body, "detail"))
        return None

    def _without_cursor(self, query: ProductiveQuery) -> ProductiveQuery:
        if query.is_for_every_row and query.sort:
            return replace(query, sort=None, refused=replace(query.refused, sort=True))
        self._stream.logger.info("the API has no cursor for this list; it is read by page number")
        return by_number(query)

    def _without_sort(self, query: ProductiveQuery) -> ProductiveQuery:
        stream = self._stream
        if query.since is None:
            return replace(query, sort=None, refused=replace(query.refused, sort=True))
        if query.newest_first:
            stream.logger.warning("the API refuses to sort by %s: it is read completely", query.column)
            return query.for_every_row()
        stream.logger.warning("the API refuses to sort by %s: the bookmark moves only at the end", query.column)
        return replace(query, sort=None, ascending=False)

    def _may_take_exclusive_bound(self, query: ProductiveQuery) -> bool:
        """Whether the refused operation is the `gt_eq` of the bookmark, and nothing else was tried."""
        return (
            query.since is not None
            and not query.newest_first
            and self._stream.since_filter is None
            and not query.refused.inclusive_filter
        )

    def _with_exclusive_bound(self, query: ProductiveQuery) -> ProductiveQuery:
        self._stream.logger.info(
            "the API refuses the filter %s[gt_eq]: rows are requested with gt, from a day before", query.column
        )
        return replace(query, refused=replace(query.refused, inclusive_filter=True))

    def _without_filter(self, query: ProductiveQuery, detail: str) -> ProductiveQuery | None:
        stream = self._stream
        is_bounded = query.since is not None and not query.newest_first
        # Where the list is filtered by nothing else, it is these that are refused, named or not.
        refused = [name for name, _ in query.filters if name in detail or not (is_bounded or query.part)]
        if refused:
            stream.logger.warning("the API refuses the filter %s: rows that need it are missing", ", ".join(refused))
            return replace(query, filters=tuple(each for each in query.filters if each[0] not in refused))
        if query.part:
            stream.logger.warning("the API refuses to filter by %s: it is read completely", query.part[0])
            return replace(query, part=None)
        if is_bounded:
            name = stream.since_filter or stream.replication_key
            stream.logger.warning("the API refuses to filter by %s: it is read completely", name)
            query = query.for_every_row()
            if stream.replication_key in stream.sort_times:
                query = replace(query, refused=replace(query.refused, filter=True))
            return query
        return None

    def _without_includes(self, refused_request: RefusedRequest[ProductiveQuery]) -> ProductiveQuery:
        query = refused_request.query

        def is_accepted(names: Sequence[str]) -> bool:
            try:
                refused_request.send(replace(query, includes=tuple(names)))
            except RequestFailed as refusal:
                if refusal.status not in REFUSED:
                    raise
                return "include" not in error_text(refusal.body)  # other refused parts are found after this one
            return True

        refused = find_refused(query.includes, is_accepted)
        self._stream.logger.warning(
            "the API refuses to include %s: the columns with their ids stay empty",
            ", ".join(sorted(refused)),
        )
        return replace(
            query,
            includes=tuple(name for name in query.includes if name not in refused),
            refused=replace(query.refused, includes=query.refused.includes | refused),
        )


def by_number(query: ProductiveQuery) -> ProductiveQuery:
    """Return the query that reads a list by page number, as the API has no cursor for it.

    Args:
        query: What was requested of the list.

    Returns:
        What to request instead.
    """
    return replace(query, by_number=True, refused=replace(query.refused, cursor=True))


def find_refused(names: Sequence[str], is_accepted: Callable[[Sequence[str]], bool]) -> set[str]:
    """Find by bisection which of several names an API refuses.

    Args:
        names: Names that are refused together.
        is_accepted: Tries some of them.

    Returns:
        Those that are refused each by itself.
    """
    if len(names) == 1:
        return set(names)
    middle = len(names) // 2
    first, second = names[:middle], names[middle:]
    if is_accepted(first):
        return find_refused(second, is_accepted)
    refused = find_refused(first, is_accepted)
    return refused if is_accepted(second) else refused | find_refused(second, is_accepted)
