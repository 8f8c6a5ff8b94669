"""Requests that may cost money: once sent, they are completed and their answer is stored, even if the run is ended."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from singer_rest_core.errors import RunInterrupted

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_invoicetronic.api import InvoicetronicApi

Result = TypeVar("Result")


class PaidRequests:
    """Runs requests that may cost money in a thread of their own, which a signal does not interrupt.

    Args:
        api: Sends the requests.
    """

    def __init__(self, api: InvoicetronicApi) -> None:
        """Keep the API; no thread is started yet."""
        self._api = api

    def complete(self, work: Callable[[], Result]) -> Result:
        """Run a request and what stores its answer; if a signal ends the run meanwhile, finish them first.

        Args:
            work: Sends the request and stores the answer.

        Returns:
            What `work` returns; what it raises is raised.

        Raises:
            RunInterrupted: If a signal ended the run; the answer is stored by then.
        """
        task = self._worker.submit(work)
        try:
            return task.result()
        except RunInterrupted:
            self._api.stop()  # a request that is still waiting to be sent is not sent
            wait([task])
            raise

    @cached_property
    def _worker(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(max_workers=1, thread_name_prefix="documents")
