"""What a stream does when the API refuses a part of a request: request less, and remember it for the next runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

from singer_rest_core import RequestFailed
from singer_rest_core.records import instant
from tap_productive.error_bodies import error_text
from tap_productive.paging import FIRST_CURSOR

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Mapping, MutableMapping, Sequence
    from datetime import datetime, timedelta

    from singer_rest_core.clock import Clock
    from singer_rest_core.paging import RefusedRequest
    from tap_productive.query import ProductiveQuery

_STATE_KEY = "refused"


@dataclass(frozen=True)
class RefusedFeatures:
    """What the API refuses to do with a list: trying it again in every run would cost requests.

    Args:
        includes: Relationships that it does not include.
        cursor: Whether it does not page through the list by cursor.
        filter: Whether it does not filter the list by its replication key.
    """

    includes: frozenset[str] = frozenset()
    cursor: bool = False
    filter: bool = False

    def __bool__(self) -> bool:
        """Whether it refuses anything."""
        return bool(self.includes) or self.cursor or self.filter

    @classmethod
    def from_state(cls, state: Mapping[str, Any], *, max_age: timedelta, now: datetime) -> RefusedFeatures:
        """Return what an earlier run remembered.

        Args:
            state: The stream's state.
            max_age: How long it counts: the API may change.
            now: The present instant.

        Returns:
            What was remembered; nothing if it is too old or cannot be read: then everything is requested again.
        """
        kept: Any = state.get(_STATE_KEY)
        try:
            if now - instant(str(kept["at"])) >= max_age:
                return cls()
            return cls(frozenset(kept["includes"]), cursor=kept["cursor"] is True, filter=kept["filter"] is True)
        except (KeyError, TypeError, ValueError):
            return cls()

    def to_state(self, now: datetime) -> dict[str, object]:
        """Return what to remember.

        Args:
            now: The present instant.

        Returns:
            A JSON object for the stream's state.
        """
        at = now.isoformat(timespec="seconds")
        return {"at": at, "includes": sorted(self.includes), "cursor": self.cursor, "filter": self.filter}


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
    def is_sorted(self) -> bool:
        """Whether rows are requested in the order of the replication key."""
        ...

    @property
    def stream_state(self) -> MutableMapping[str, Any]:
        """The state of the stream."""
        ...

    def remember(self, name: str, value: object) -> None:
        """Keep something in the stream's state."""
        ...

    def expect_no_order(self) -> None:
        """Hold the bookmark back until the end of this read."""
        ...


class Refusals:
    """What the API refuses to do with one list, now and in the runs before.

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
        if not self.features and _STATE_KEY in self._stream.stream_state:
            del self._stream.stream_state[_STATE_KEY]

    def query_without(self, refused: RefusedRequest[ProductiveQuery]) -> ProductiveQuery | None:
        """Return a query without the part that the API refuses.

        Args:
            refused: A request that was answered with 400.

        Returns:
            What to request instead; None if the answer names nothing that can be left out.
        """
        query, body = refused.query, refused.error.body
        text = error_text(body)
        if "keyset" in text and not query.by_number and refused.token == FIRST_CURSOR:
            self._stream.logger.info("the API has no cursor for this list; it is read by page number")
            self._remember(cursor=True)
            return replace(query, by_number=True)
        if "include" in text and query.includes:
            return self._without_includes(refused)
        if "sort" in text and query.is_sorted and self._stream.replication_key:
            return self._without_sort(query)
        if "filter" in text:
            return self._without_filter(query, error_text(body, "detail"))
        return None

    def _without_sort(self, query: ProductiveQuery) -> ProductiveQuery:
        stream = self._stream
        if stream.is_sorted:
            stream.logger.warning(
                "the API refuses to sort by %s: the bookmark moves only at the end", stream.replication_key
            )
            stream.expect_no_order()
        elif query.since is not None:
            stream.logger.warning("the API refuses to sort by %s: it is read completely", stream.replication_key)
            query = query.for_every_row()
        return replace(query, is_sorted=False)

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
            if stream.replication_key in stream.sort_times:
                self._remember(filter=True)
            return query.for_every_row()
        return None

    def _without_includes(self, refused_request: RefusedRequest[ProductiveQuery]) -> ProductiveQuery:
        query = refused_request.query

        def is_accepted(names: Sequence[str]) -> bool:
            try:
                refused_request.send(replace(query, includes=tuple(names)))
            except RequestFailed as refusal:
                if refusal.status != HTTPStatus.BAD_REQUEST:
                    raise
                return "include" not in error_text(refusal.body)  # other refused parts are found after this one
            return True

        refused = find_refused(query.includes, is_accepted)
        self._remember(includes=self.features.includes | refused)
        self._stream.logger.warning(
            "the API refuses to include %s: the columns with their ids stay empty",
            ", ".join(sorted(refused)),
        )
        return replace(query, includes=tuple(name for name in query.includes if name not in refused))

    def _remember(self, **features: Any) -> None:  # noqa: ANN401 - fields of several types
        self.features = replace(self.features, **features)
        self._stream.remember(_STATE_KEY, self.features.to_state(self._clock.now()))


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
