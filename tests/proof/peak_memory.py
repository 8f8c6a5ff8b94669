"""Run a program, and write how much memory it had at most: `python -m tests.proof.peak_memory FILE PROGRAM [OPTION …]`.

The file gets a number of bytes, of the program alone.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> int:
    """Run the program with our standard input and outputs; return its exit code."""
    place, *command = sys.argv[1:]
    child = os.posix_spawn(command[0], command, dict(os.environ))
    _, status, used = os.wait4(child, 0)
    Path(place).write_text(str(used.ru_maxrss << 10), encoding="utf-8")
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main())
