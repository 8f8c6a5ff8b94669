"""`python -I -S time_command.py REPORT SECONDS PROGRAM…`: run a program and write what it cost, like /usr/bin/time.

A separate process, because Linux includes the memory of the starting process in a child's peak: this one is small.
After SECONDS the program gets SIGTERM, and 5 s later SIGKILL; its exit code is written to the report.
"""

import json
import os
import resource
import signal
import sys
import time

_SECONDS_TO_KILL = 5
_POLL_SECONDS = 0.002


def main() -> None:
    """Run the program; exit with 0 if it was started, whatever its own exit code."""
    report, seconds, *command = sys.argv[1:]
    started = time.monotonic()
    deadline = started + float(seconds)
    child = os.posix_spawnp(command[0], command, os.environ)
    signals_sent = 0
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        if time.monotonic() > deadline + signals_sent * _SECONDS_TO_KILL:
            os.kill(child, signal.SIGKILL if signals_sent else signal.SIGTERM)
            signals_sent += 1
        time.sleep(_POLL_SECONDS)
    wall = time.monotonic() - started
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(report, "w") as file:  # noqa: PTH123 - importing pathlib needs more memory than all of this
        json.dump(
            {
                "wall": wall,
                "user": usage.ru_utime,
                "system": usage.ru_stime,
                "peak_mb": usage.ru_maxrss * 1024 / 1e6,
                "code": os.waitstatus_to_exitcode(status),
                "stopped": bool(signals_sent),
            },
            file,
        )


if __name__ == "__main__":
    main()
