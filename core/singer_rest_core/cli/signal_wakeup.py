"""Signals that would not wake the main thread.

Python runs the handler of a signal in the main thread, as soon as that runs Python code again. If it waits (for an
answer, a lock, the time), the system ends the wait only where it hands the signal to that very thread while it waits:
not where another thread gets the signal, nor where it came a moment before the wait began. Then a tap would end only
when its answer comes.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_NUDGES = 10
_SECONDS_BETWEEN = 0.1
"""A nudge, too, can come a moment before a wait begins: so there are several."""


@contextmanager
def waking_main_thread() -> Iterator[None]:
    """Wake the main thread from whatever it waits for when a signal arrives; only where it runs the block.

    Yields:
        Nothing.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "pthread_kill"):
        yield
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    # Its default is to be ignored, so that a late nudge does no harm.
    handler_before = signal.signal(signal.SIGURG, lambda *_: None)
    fd_before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(target=_nudge, args=(reader, threading.get_ident()), name="signals", daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(fd_before)
        signal.signal(signal.SIGURG, handler_before)
        os.close(writer)


def _nudge(reader: int, main: int) -> None:
    """Nudge the main thread after each signal, as Python writes their numbers to a pipe, until that is closed."""
    with open(reader, "rb", buffering=0) as numbers:
        while received := numbers.read(64):
            if set(received) == {signal.SIGURG}:  # our own
                continue
            for _ in range(_NUDGES):
                signal.pthread_kill(main, signal.SIGURG)
                time.sleep(_SECONDS_BETWEEN)
