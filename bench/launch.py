"""`python -I -S launch.py REPORT SECONDS PROGRAM…`: run a program and write down what it cost, as /usr/bin/time does.

A process of its own, because Linux counts the memory of the starting process into a child's peak: this one is small.
After SECONDS the program is asked to end, and 5 s later it is ended; its own exit code is in the report.
"""

import json
import os
import resource
import signal
import sys
import time

_PATIENCE = 5


def main() -> None:
    """Run the program; leave with 0 if it ran, whatever came of it."""
    report, seconds, *command = sys.argv[1:]
    deadline = time.monotonic() + float(seconds)
    begun = time.monotonic()
    child = os.posix_spawnp(command[0], command, os.environ)
    stopped = 0
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        if time.monotonic() > deadline + stopped * _PATIENCE:
            os.kill(child, signal.SIGKILL if stopped else signal.SIGTERM)
            stopped += 1
        time.sleep(0.002)
    wall = time.monotonic() - begun
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(report, "w") as file:  # noqa: PTH123 - pathlib is larger than all of this
        json.dump(
            {
                "wall": wall,
                "user": used.ru_utime,
                "system": used.ru_stime,
                "peak_mb": used.ru_maxrss * 1024 / 1e6,
                "code": os.waitstatus_to_exitcode(status),
                "stopped": bool(stopped),
            },
            file,
        )


if __name__ == "__main__":
    main()
