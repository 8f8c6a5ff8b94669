"""Standard output to a loader, which may stop reading: then a signal must still end the run."""

from __future__ import annotations

import io
import os
import select
import stat
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from click.exceptions import Exit
from typing_extensions import override

from singer_rest_core.errors import OutputLost

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Buffer

_BUFFER = 1 << 16
_LARGE_BLOCK = 1 << 20
_LOOK_UP = 0.25
"""Seconds after which a write that waits looks whether it was told to hurry."""
_PATIENCE = 3.0
"""Seconds that a hurried write waits for a loader that reads nothing."""
_LONGEST = 15.0
"""Seconds that all hurried writes may take, where the loader reads: a container is killed 30 s after its signal."""


class OutputPipe(io.RawIOBase):
    """Writes to a file descriptor without ever being blocked in the system.

    Blocks end with a line where they can: one that is not longer than a pipe takes at once is written whole or not at
    all.

    Args:
        descriptor: The file descriptor; it stays open.
    """

    def __init__(self, descriptor: int) -> None:
        """Write nothing yet."""
        super().__init__()
        self._descriptor = descriptor
        kind = os.fstat(descriptor).st_mode
        self._block = select.PIPE_BUF if stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind) else _LARGE_BLOCK
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self._hurried_at: float | None = None
        self.is_given_up = False
        """Whether the loader has not read for too long, or writing has failed; then everything else is dropped."""

    def hurry(self) -> None:
        """Wait no longer than some seconds for the loader from now on; called by a signal handler, also in a write."""
        if self._hurried_at is None:
            self._hurried_at = time.monotonic()

    @override
    def write(self, data: Buffer, /) -> int:
        content = memoryview(data).cast("B")
        done = 0
        progress_at = time.monotonic()
        while done < len(content) and not self.is_given_up:
            if self._poll.poll(_LOOK_UP * 1000):
                done += self._write_block(content[done : done + self._block])
                progress_at = time.monotonic()
            else:
                self.is_given_up = self._is_late(progress_at)
        return len(content)

    def _write_block(self, block: memoryview) -> int:
        end = bytes(block).rfind(b"\n") + 1
        try:
            return os.write(self._descriptor, block[:end] if end else block)
        except BlockingIOError:
            return 0
        except OSError:
            self.is_given_up = True
            raise

    def _is_late(self, progress_at: float) -> bool:
        if self._hurried_at is None:
            return False
        now = time.monotonic()
        return now - max(progress_at, self._hurried_at) > _PATIENCE or now - self._hurried_at > _LONGEST

    @override
    def writable(self) -> bool:
        return True

    @override
    def fileno(self) -> int:
        return self._descriptor

    @override
    def isatty(self) -> bool:
        return os.isatty(self._descriptor)


@contextmanager
def flushed_output() -> Iterator[None]:
    """Write what was printed before the program ends with success: later, Python itself fails with its own lines.

    Yields:
        Nothing.
    """
    try:
        yield
    except (Exit, SystemExit):
        sys.stdout.flush()
        raise
    sys.stdout.flush()


def require_output() -> None:
    """Check that there is a standard output; Python has none where it was closed.

    Raises:
        OutputLost: If there is none.
    """
    if sys.stdout is None:
        raise OutputLost("Standard output is closed: what is read has nowhere to go")


def give_output_up() -> None:
    """Have Python drop what it has not written, which it would try once more when it ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def interruptible_output() -> Iterator[None]:
    """Replace `sys.stdout` by one that a loader cannot block for ever; not where the system has no `poll`.

    Yields:
        Nothing. At the end what is left is written.
    """
    before = sys.stdout
    try:
        descriptor = before.fileno()
    except (OSError, ValueError):
        descriptor = None
    if descriptor is None or not hasattr(select, "poll"):
        yield
        return
    before.flush()
    pipe = OutputPipe(descriptor)
    sys.stdout = io.TextIOWrapper(io.BufferedWriter(pipe, _BUFFER), encoding=before.encoding, errors=before.errors)
    try:
        yield
        sys.stdout.flush()
    finally:
        with suppress(BrokenPipeError):
            sys.stdout.flush()
        pipe.is_given_up = True  # Python flushes it once more
        sys.stdout = before
