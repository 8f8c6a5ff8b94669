"""What the command line sets for its whole process, so that many pages pass through and leave nothing behind."""

from __future__ import annotations

import ctypes
import gc
import platform

_GARBAGE = (20_000, 20, 20)
_M_MMAP_THRESHOLD = -3
_LARGE = 256 * 1024


def tune() -> None:
    """Set how garbage is looked for and where large buffers come from.

    Pages are many short-lived objects without cycles: looking for cycles less often saves a tenth of the time. With
    glibc a buffer the size of a page is given back to the system when it is freed; otherwise glibc learns from the
    first one to keep them all, for every thread, and a long run grows.
    """
    gc.set_threshold(*_GARBAGE)
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE)
