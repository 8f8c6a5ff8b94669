"""What it costs to start a tap: `python -m bench.start_up [ROUNDS]`.

CPU is the least of some rounds: what the commands need, whatever else the machine does. On an idle core wall time is
the same, as nothing is waited for.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

_ROUNDS = 5
_COMMANDS = (
    ("python -c pass",),
    ("python -c", "import singer_sdk"),
    ("tap-productive --version",),
    ("tap-productive --discover",),
    ("tap-productive --about",),
    ("tap-invobi --discover",),
    ("orchestrate --version",),
)


def cost(command: list[str]) -> tuple[float, float]:
    """Run a program of this environment.

    Args:
        command: Its name and its arguments.

    Returns:
        Seconds of CPU, and of wall time.

    Raises:
        subprocess.CalledProcessError: If it fails.
    """
    program = str(Path(sys.executable).with_name(command[0]))
    before, started = os.times(), time.monotonic()
    subprocess.run([program, *command[1:]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)  # noqa: S603 - ours
    after = os.times()
    cpu = after.children_user - before.children_user + after.children_system - before.children_system
    return cpu, time.monotonic() - started


def main() -> int:
    """Print a table.

    Returns:
        The exit code.
    """
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else _ROUNDS
    print(f"{'command':<32}  CPU s  wall s")
    for words, *source in _COMMANDS:
        costs = [cost([*words.split(), *source]) for _ in range(rounds)]
        cpu, wall = (min(each) for each in zip(*costs, strict=True))
        print(f"{' '.join([words, *source]):<32}  {cpu:5.2f}  {wall:6.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
