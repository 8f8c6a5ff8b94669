"""Pages that wait for their turn: in memory up to a bound that all spools of a run share, then in temporary files.

A page in a file has to be decoded again. So the windows of one list, of which a page each is taken in turn, do without
files: there, whoever reads waits.
"""

from __future__ import annotations

import tempfile
import threading
from collections import deque
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from singer_rest_core.paging.page import Page

MEMORY = 32 << 20
"""Bytes that the pages in memory may take, in all spools of a run together."""
_DECODED = 3
"""What a page in memory takes, in bytes of its answer: these, and its rows (1.5 to 2.1 times as much, measured)."""
MOST_WAITING = 1 << 30
"""Bytes of answers that wait in memory and in files, in all spools together. A list of which nothing waits is read on
even then: it may be the one that is being written."""


class SpoolMemory:
    """The memory and the disk space that the spools of a run share. Safe to share between threads.

    Args:
        limit: Bytes in memory.
        most_waiting: Bytes in memory and in files.
    """

    def __init__(self, limit: int = MEMORY, *, most_waiting: int = MOST_WAITING) -> None:
        """Start with all of it free."""
        self._limit = limit
        self._most_waiting = most_waiting
        self._in_memory = 0
        self._in_files = 0
        self._changed = threading.Condition()

    def take(self, size: int, *, at_once: Callable[[], bool], uses_files: bool) -> bool:
        """Take space for a page, and wait for it.

        Args:
            size: Bytes of its answer.
            at_once: Returns whether space is taken even if there is none.
            uses_files: Whether the page may go to a file where memory has no space.

        Returns:
            Whether it is in memory; in a file otherwise.
        """
        decoded = size * _DECODED

        def has_memory() -> bool:
            return self._in_memory + decoded <= self._limit

        def has_space() -> bool:
            if uses_files:
                return self._in_memory + self._in_files < self._most_waiting
            return has_memory()

        with self._changed:
            self._changed.wait_for(lambda: has_space() or at_once())
            if uses_files and not has_memory():
                self._in_files += size
                return False
            self._in_memory += decoded
            return True

    def give_back(self, size: int, *, in_file: bool) -> None:
        """Free what was taken.

        Args:
            size: Bytes of the page's answer.
            in_file: Whether the page went to a file.
        """
        with self._changed:
            if in_file:
                self._in_files -= size
            else:
                self._in_memory -= size * _DECODED
            self._changed.notify_all()


@dataclass(frozen=True)
class _Waiting:
    """A page that waits.

    Args:
        page: The page; without rows and content if they are in the file.
        size: The bytes of its content.
        start: Where its content is in the file; None if it is in memory.
    """

    page: Page
    size: int
    start: int | None


class Spool:
    """Pages in order, put by one thread and taken by another.

    Args:
        memory: The memory that it may use, beside others.
        uses_files: Whether pages go to a file where memory has no space. If not, one page may wait nevertheless.
    """

    def __init__(self, memory: SpoolMemory, *, uses_files: bool = True) -> None:
        """Start empty."""
        self._memory = memory
        self._uses_files = uses_files
        self._waiting: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._file: IO[bytes] | None = None
        self._end = 0
        self._is_closed = False
        self._is_discarded = False
        self._error: BaseException | None = None

    def put(self, page: Page) -> bool:
        """Add a page.

        Args:
            page: The page, which must not be used afterwards.

        Returns:
            Whether it may be taken: not once the spool was discarded.

        Raises:
            OSError: If the temporary file cannot be written.
        """
        content = page.answer.content
        # Whoever takes the last page that waits, or drops all of them, frees space and so wakes this thread.
        in_memory = self._memory.take(len(content), at_once=lambda: not self._waiting, uses_files=self._uses_files)
        is_kept = False
        try:
            with self._changed:
                if not self._is_discarded:
                    start = None if in_memory else self._write(content)
                    kept = page if in_memory else page.without_content()
                    self._waiting.append(_Waiting(kept, len(content), start))
                    self._changed.notify_all()
                    is_kept = True
        finally:
            if not is_kept:
                self._memory.give_back(len(content), in_file=not in_memory)
        return is_kept

    def close(self, error: BaseException | None = None) -> None:
        """End the pages.

        Args:
            error: What ended the reading; it is raised after the last page.
        """
        with self._changed:
            self._is_closed = True
            self._error = error
            self._changed.notify_all()

    @property
    def is_closed(self) -> bool:
        """Whether the last page was put."""
        return self._is_closed

    def pages(self) -> Iterator[Page]:
        """Take the pages in order, waiting for those to come.

        Yields:
            Pages.

        Raises:
            BaseException: What ended the reading.
        """
        # No name here may keep a page until the next one is asked for.
        yield from iter(self._next, None)
        self.discard()
        if self._error is not None:
            raise self._error

    def _next(self) -> Page | None:
        """Take the next page, waiting for it; None after the last."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_closed)
            waiting = self._waiting.popleft() if self._waiting else None
        return None if waiting is None else self._taken(waiting)

    def discard(self) -> None:
        """Free memory and file, and take no further page."""
        with self._changed:
            self._is_discarded = True
            left, self._waiting = self._waiting, deque()
            file, self._file = self._file, None
        for waiting in left:
            self._memory.give_back(waiting.size, in_file=waiting.start is not None)
        if file is not None:
            file.close()

    def _write(self, content: bytes) -> int:
        """Append to the file; it has mode 0600 and no name, so that nothing is left of it however the run ends."""
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="pages-")  # noqa: SIM115 - closed by `discard`
        self._file.seek(self._end)
        start = self._end
        self._end += self._file.write(content)
        return start

    def _taken(self, waiting: _Waiting) -> Page:
        self._memory.give_back(waiting.size, in_file=waiting.start is not None)
        if waiting.start is None:
            return waiting.page
        with self._changed:
            if self._file is None:
                msg = "a spool that was discarded has no pages"
                raise RuntimeError(msg)
            self._file.seek(waiting.start)
            content = self._file.read(waiting.size)
        return waiting.page.with_content(content)
