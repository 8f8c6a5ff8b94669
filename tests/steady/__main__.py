"""Run the tests that depend on time many times, beside busy processes: `python -m tests.steady [--rounds N]`.

They are those that use clocks, threads or signals, themselves or by what their file defines, without the slow ones. A
test that fails in one round and passes in another flickers: its name is printed, with how often.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from tests.steady.time_dependent import ROOT, busy_processes, time_dependent

if TYPE_CHECKING:
    from collections.abc import Sequence

_PASSED, _FAILED = 0, 1
"""Exit codes of pytest; others mean that the tests did not run."""


def main() -> int:
    """Run what the command line asks for; 1 if a test failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.steady", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20, help="default %(default)s")
    parser.add_argument("--busy", type=int, default=4, help="busy processes beside them (default %(default)s)")
    parser.add_argument("--minutes", type=float, help="begin no round after so long")
    given = parser.parse_args()
    names_of_tests = time_dependent()
    failed: Counter[str] = Counter()
    done = tests = 0
    began = time.monotonic()
    with busy_processes(given.busy):
        while done < given.rounds and (given.minutes is None or time.monotonic() - began < given.minutes * 60):
            tests, names = _round(names_of_tests)
            failed.update(names)
            done += 1
            sys.stdout.write(f"round {done}: {len(names)} of {tests} failed\n")
            sys.stdout.flush()
    for name, count in failed.most_common():
        sys.stdout.write(f"{count} of {done} rounds: {name}\n")
    sys.stdout.write(f"{done} rounds of {tests} tests beside {given.busy} busy processes: {failed.total()} failed\n")
    return bool(failed)


def _round(names_of_tests: Sequence[str]) -> tuple[int, list[str]]:
    """Run the tests once; return how many there are, and which of them failed."""
    with tempfile.TemporaryDirectory(prefix="steady-") as folder:
        report = Path(folder) / "report.xml"
        options = ["-q", "-m", "not slow", "-p", "no:cacheprovider", f"--junit-xml={report}"]
        options += ["--numprocesses", "2", "--dist", "loadfile"]
        command = [sys.executable, "-m", "pytest", *options, *names_of_tests]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if ended.returncode not in {_PASSED, _FAILED}:
            raise SystemExit(f"The tests did not run:\n{ended.stdout[-3000:]}{ended.stderr[-3000:]}")
        # Written by pytest, just now.
        cases = list(ET.parse(report).iter("testcase"))  # noqa: S314
    names = [
        f"{case.get('classname')}::{case.get('name')}"
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    ]
    if names:
        sys.stdout.write(ended.stdout[-6000:])
    return len(cases), names


if __name__ == "__main__":
    sys.exit(main())
