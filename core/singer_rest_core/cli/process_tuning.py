"""Settings of the whole process that keep memory small and save time while many pages pass through."""

from __future__ import annotations

import ctypes
import gc
import platform

_GC_THRESHOLDS = (20_000, 20, 20)
_M_MMAP_THRESHOLD = -3
_LARGE_BUFFER = 256 * 1024
"""Bytes."""


def tune() -> None:
    """Set when garbage is collected, and where large buffers are allocated.

    Pages are many short-lived objects without cycles: collecting cycles less often saves a tenth of the time. With
    glibc, a buffer as large as a page is returned to the system when it is freed; otherwise glibc adapts to the first
    one and keeps all of them, per thread, so that a long run grows.
    """
    gc.set_threshold(*_GC_THRESHOLDS)
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BUFFER)
