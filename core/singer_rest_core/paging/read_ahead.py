"""Lists that are read while those before them are written, each by a reader of its own."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol

from singer_rest_core.paging.background import BackgroundPages

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterator, Sequence

    from singer_rest_core.paging.page import Page
    from singer_rest_core.paging.prefetch import Prefetcher
    from singer_rest_core.paging.spool import SpoolMemory


class ReadsAhead(Protocol):
    """A stream that may be read before its turn."""

    name: str
    position: int

    @property
    def turn_ahead(self) -> int:
        """Its read is not begun before that turn has come."""
        ...

    @property
    def expected_rows(self) -> int:
        """How many rows it may have, roughly: reads of more rows are begun first."""
        ...

    @property
    def logger(self) -> logging.Logger:
        """Where a read that could not be begun is logged."""
        ...

    def start_ahead(self) -> Iterator[Page] | None:
        """Return the pages of a read that begins now; None if that has to wait for the stream's turn."""
        ...


class ReadAhead:
    """Begins reads of the streams to come.

    A list that is read ahead is read whole by one reader: its pages are not mixed with pages that are read later.

    Args:
        pool: Sends the requests; without one, nothing is read ahead.
        memory: The memory for pages that wait for their turn.
        may_start: Whether reads may begin yet: not before the API has accepted a first request.
    """

    def __init__(self, pool: Prefetcher | None, memory: SpoolMemory, *, may_start: Callable[[], bool]) -> None:
        """Begin no read yet."""
        self._pool = pool
        self._memory = memory
        self._may_start = may_start
        self._streams: Sequence[ReadsAhead] = ()
        self._reads: dict[str, BackgroundPages | None] = {}
        self._started_turn = -sys.maxsize
        """The turn whose streams were begun: there is nothing to do twice for it."""

    def begin(self, streams: Sequence[ReadsAhead]) -> None:
        """Set the streams of the run.

        Args:
            streams: Those that are lists, in the order of their positions.
        """
        self._streams = streams

    def start_after(self, position: int, turn: int) -> None:
        """Begin reads of the streams that follow.

        Args:
            position: That of the stream which is being written or about to be.
            turn: Its turn.
        """
        if self._pool is None or turn <= self._started_turn or not self._may_start():
            return
        self._started_turn = turn
        for stream in sorted(self._streams, key=lambda each: -each.expected_rows):
            if stream.position <= position or stream.turn_ahead > turn or stream.name in self._reads:
                continue
            try:
                pages = stream.start_ahead()
            except Exception as error:  # noqa: BLE001 - raised again when it is this stream's turn
                stream.logger.debug("%s is not read ahead: %s", stream.name, error)
                continue
            if pages is not None:
                self._reads[stream.name] = BackgroundPages(f"read-{stream.name}", pages, self._memory)

    def take(self, stream: str) -> BackgroundPages | None:
        """Return the read of a stream, if it was begun ahead.

        Args:
            stream: The stream's name.

        Returns:
            The read, or None. It is not returned again.
        """
        read, self._reads[stream] = self._reads.get(stream), None
        return read

    def stop(self) -> None:
        """End all reads."""
        for read in self._reads.values():
            if read is not None:
                read.drop()
