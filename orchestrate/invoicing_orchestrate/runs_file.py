"""The file to which the record of each run is added."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

from invoicing_orchestrate.record import json_line

if TYPE_CHECKING:
    from pathlib import Path

    from invoicing_orchestrate.record import RunRecord


def append(path: Path, record: RunRecord) -> None:
    """Add a record to the file, as one line of JSON. Several runs may do so at once.

    Args:
        path: The file; it and its folder are made if needed. Only its owner can read it.
        record: The record.

    Raises:
        OSError: If it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(file, "r+b", buffering=0) as output:
        fcntl.flock(output, fcntl.LOCK_EX)
        size = os.fstat(file).st_size
        # A line that a full disk or a crash cut off must not spoil the next one.
        cut_off = size > 0 and os.pread(file, 1, size - 1) != b"\n"
        output.write((b"\n" if cut_off else b"") + json_line(record).encode())
        os.fsync(file)
