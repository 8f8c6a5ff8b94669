"""Requests that may cost money: once sent, they are completed and their answer is stored, even if the run is ended."""

from __future__ import annotations

import threading
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, TypeVar

from singer_rest_core.errors import RunInterrupted

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_invoicetronic.api import InvoicetronicApi

Result = TypeVar("Result")

_LAST_CHANCE = 20.0
"""Seconds that an answer may still take after a signal: a container is killed 30 s after it."""


class PaidRequests:
    """Runs requests that may cost money in a thread of their own, which a signal does not interrupt.

    Args:
        api: Sends the requests.
    """

    def __init__(self, api: InvoicetronicApi) -> None:
        """Keep the API."""
        self._api = api

    def complete(self, work: Callable[[], Result]) -> Result:
        """Run a request and what stores its answer; if a signal comes meanwhile, finish them first (20 s at most).

        Args:
            work: Sends the request and stores the answer.

        Returns:
            What `work` returns; what it raises is raised.

        Raises:
            RunInterrupted: If a signal ended the run; the answer is stored by then, unless it took too long.
        """
        task: Future[Result] = Future()
        # A daemon: it must not keep the process alive where no answer comes.
        threading.Thread(target=_settle, args=(task, work), name="documents", daemon=True).start()
        try:
            return task.result()
        except RunInterrupted:
            self._api.stop()  # a request that is still waiting to be sent is not sent
            wait([task], timeout=_LAST_CHANCE)
            raise


def _settle(task: Future[Result], work: Callable[[], Result]) -> None:
    try:
        task.set_result(work())
    except BaseException as error:  # noqa: BLE001 - raised again by `result`
        task.set_exception(error)
