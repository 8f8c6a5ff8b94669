"""What the streams of one run share, so that none of them has to know the tap."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from singer_rest_core.cli.progress import Progress
from singer_rest_core.cli.terminal_line import for_person_at_terminal
from singer_rest_core.paging.critical_lists import CriticalLists
from singer_rest_core.paging.prefetch import Prefetcher
from singer_rest_core.paging.read_ahead import ReadAhead
from singer_rest_core.paging.spool import SpoolMemory
from singer_rest_core.singer.result import RunResult

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable

    from singer_rest_core.api.client import ApiClient
    from singer_rest_core.clock import Clock
    from singer_rest_core.errors import RequestFailed, StreamUnavailable


class Run:
    """One run of a tap. The tap makes it; its streams hold it.

    Its parts are made when they are first needed: a catalog can be printed without any setting.

    Args:
        connect: Makes the HTTP client from the settings.
        concurrency: Returns how many requests may be under way at once.
        clock: The time.
        logger: Where progress is logged.
        quota_used: Returns in words how much of the API's limits is used; empty if it has none.
        verify_access: Checks the credentials when a stream is refused before any request was accepted.
    """

    def __init__(  # noqa: PLR0913 - each is another thing
        self,
        *,
        connect: Callable[[], ApiClient],
        concurrency: Callable[[], int],
        clock: Clock,
        logger: logging.Logger,
        quota_used: Callable[[], str],
        verify_access: Callable[[StreamUnavailable | RequestFailed], None],
    ) -> None:
        """Make nothing yet."""
        self._connect = connect
        self._concurrency = concurrency
        self._logger = logger
        self._quota_used = quota_used
        self._verify_access = verify_access
        self.clock = clock
        self.started = clock.now()
        """When the run began, UTC."""
        self.result = RunResult()
        """How the streams ended."""

    @cached_property
    def client(self) -> ApiClient:
        """The HTTP client."""
        return self._connect()

    @cached_property
    def prefetcher(self) -> Prefetcher | None:
        """Sends requests ahead of their turn; None if `concurrency` is 1."""
        workers = self._concurrency()
        return Prefetcher(workers) if workers > 1 else None

    @cached_property
    def spool_memory(self) -> SpoolMemory:
        """The memory for pages that wait for their turn."""
        return SpoolMemory()

    @cached_property
    def critical_lists(self) -> CriticalLists:
        """Which lists would hold up the end of the run."""
        return CriticalLists(self.client.rate_limiter, self.prefetcher)

    @cached_property
    def read_ahead(self) -> ReadAhead:
        """Begins reads of the streams to come; none before the API has accepted a first request."""
        return ReadAhead(self.prefetcher, self.spool_memory, may_start=lambda: self.client.accepted)

    @cached_property
    def progress(self) -> Progress:
        """What a person who watches sees."""
        line = for_person_at_terminal()
        return Progress(self._logger.info, clock=self.clock, quota=self._quota_used, terminal=line)

    def page_read(self, rows: int, total: int | None) -> None:
        """Count a page for whoever watches.

        Args:
            rows: How many of its rows are handed on.
            total: How many rows the stream has, or None if the API does not say.
        """
        self.progress.page(rows, total)

    def verify_access(self, refusal: StreamUnavailable | RequestFailed) -> None:
        """Check the credentials when a stream is refused before any request was accepted.

        Args:
            refusal: What the API said.

        Raises:
            AccessRefused: If it is not this stream but the account that is refused.
        """
        self._verify_access(refusal)

    def stop(self) -> None:
        """Send no further request."""
        self.progress.end()
        self.client.stop()
        if self.prefetcher is not None:
            self.prefetcher.stop()
        self.read_ahead.stop()

    def summary(self, *, written: int | None = None) -> str:
        """Return one line about what the run did.

        Args:
            written: The number of records it wrote; None where every row that was read is written.
        """
        return f"{self.progress.summary(self.client.sent, written=written)}: {self.result.summary()}"

    def summary_data(self) -> dict[str, Any]:
        """Return the same for programs that follow the log: `rows`, `requests`, and streams by how they ended."""
        result = self.result
        return {
            "rows": self.progress.rows,
            "requests": self.client.sent,
            "complete": list(result.complete),
            "unchanged": list(result.unchanged),
            "skipped": dict(result.skipped),
            "failed": dict(result.failed),
        }
