"""Work that may cost money is done to its end, and what is to be said of it is said once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from singer_rest_core.errors import RunInterrupted

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable

    from tap_invoicetronic.tap import TapInvoicetronic

Result = TypeVar("Result")


class Errands:
    """Runs what fetches documents, for all the streams that are made of them.

    Args:
        tap: The tap.
        logger: Where costs are announced.
    """

    def __init__(self, tap: TapInvoicetronic, logger: logging.Logger) -> None:
        """Nothing is done or said yet."""
        self._tap = tap
        self._logger = logger
        self._told: set[str] = set()
        self.are_off = False
        """Whether nothing may be fetched: in a test of the connection."""

    def tell(self, line: str) -> None:
        """Say something once a run, though each stream comes upon it.

        Args:
            line: What to say.
        """
        if line not in self._told:
            self._told.add(line)
            self._logger.warning("%s", line)

    def run(self, work: Callable[[], Result]) -> Result:
        """Do what may cost money to its end, also when a signal ends the run: what is paid for must be kept.

        Args:
            work: What to do.

        Returns:
            What it gives; what it raises is raised.
        """
        task = self._worker.submit(work)
        try:
            return task.result()
        except RunInterrupted:
            self._tap.client.stop()  # not if it is still waiting to be sent
            wait([task])
            raise

    @cached_property
    def _worker(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(max_workers=1, thread_name_prefix="documents")
