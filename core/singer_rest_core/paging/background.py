"""Reading in the background: pages are read by a thread of their own, and wait in a spool."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from singer_rest_core.paging.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_rest_core.paging.page import Page
    from singer_rest_core.paging.spool import SpoolMemory


class BackgroundPages:
    """Pages that are read by a thread from now on.

    The thread is a daemon: it never holds up the end of the run.

    Args:
        name: The thread's name.
        pages: Reads them; nothing else may use it.
        memory: The memory that waiting pages may use.
        uses_files: Whether pages go to a file where memory has no space; if not, reading waits.
    """

    def __init__(self, name: str, pages: Iterator[Page], memory: SpoolMemory, *, uses_files: bool = True) -> None:
        """Start the thread."""
        self._source = pages
        self._spool = Spool(memory, uses_files=uses_files)
        threading.Thread(target=self._read, name=name, daemon=True).start()

    @property
    def has_ended(self) -> bool:
        """Whether the last page was read."""
        return self._spool.is_closed

    def pages(self) -> Iterator[Page]:
        """Take the pages in order, waiting for those to come.

        Yields:
            Pages.

        Raises:
            BaseException: What ended the reading.
        """
        return self._spool.pages()

    def drop(self) -> None:
        """Read no further page; those that wait are not needed."""
        self._spool.discard()

    def _read(self) -> None:
        try:
            for page in self._source:
                if not self._spool.put(page):
                    break
                del page  # not to be kept while the next one is waited for
        except BaseException as error:  # noqa: BLE001 - raised where its page would be
            self._spool.close(error)
        else:
            self._spool.close()
        finally:
            self._source = iter(())  # ends the reader of pages that were dropped
