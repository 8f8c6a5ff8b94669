"""Children end with their parent, also where it is killed; a run ends at its time limit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from invoicing_orchestrate.meltano_run import MeltanoRun

if TYPE_CHECKING:
    from pathlib import Path

_CHILD = "import signal, sys; print('ready', flush=True); signal.pause()"
_PARENT = """
import os, subprocess, sys, signal
from pathlib import Path
from invoicing_orchestrate.meltano_run import MeltanoRun
script = "import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', sys.argv[1]])"
run = MeltanoRun([sys.executable, "-S", "-c", script, sys.argv[1]], Path("."), os.environ, lambda: None, print)
with run as child:
    for line in child.lines():
        print(line.text, child._child.pid, flush=True)
"""

_FIRST_OF_A_CONTAINER = """
import ctypes, os, sys
from pathlib import Path
import psutil
from invoicing_orchestrate.meltano_run import MeltanoRun
PR_SET_CHILD_SUBREAPER = 36
assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1) == 0
script = "import subprocess, sys; subprocess.Popen([sys.executable, '-S', '-c', sys.argv[1]]); sys.stdin.read()"
run = MeltanoRun([sys.executable, "-S", "-c", script, sys.argv[1]], Path("."), os.environ, lambda: None, print)
with run as child:
    assert next(child.lines()).text == "ready"
    print(child.wait(), [each.cmdline()[-1] for each in psutil.Process().children()].count(sys.argv[1]))
print(*psutil.Process().children())
"""


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
def test_all_of_a_run_ends_with_the_process_that_started_it(signum: signal.Signals) -> None:
    parent = subprocess.Popen([sys.executable, "-c", _PARENT, _CHILD], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    ready, meltano = parent.stdout.readline().split()
    assert ready == "ready"
    group = [psutil.Process(int(meltano)), *psutil.Process(int(meltano)).children(recursive=True)]
    assert len(group) == 2
    parent.send_signal(signum)
    parent.communicate()
    _, alive = psutil.wait_procs(group, timeout=60)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def test_the_first_process_of_a_container_keeps_no_dead_process_that_lost_its_parent() -> None:
    command = [sys.executable, "-c", _FIRST_OF_A_CONTAINER, _CHILD]
    lines = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    assert lines == ["0 1", ""]


def test_a_run_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    received: list[int] = []
    command = [sys.executable, "-S", "-c", _CHILD]
    with MeltanoRun(command, tmp_path, os.environ, lambda: None, received.append, time_limit=0.2) as run:
        lines = [line.text for line in run.lines()]
        code = run.wait()
    assert (run.is_timed_out, run.signal_received, received) == (True, None, [])
    assert code == 128 + signal.SIGTERM
    assert lines in ([], ["ready"])


def test_a_run_within_its_limit_is_not_timed_out(tmp_path: Path) -> None:
    command = [sys.executable, "-S", "-c", "print('done')"]
    with MeltanoRun(command, tmp_path, os.environ, lambda: None, print, time_limit=600) as run:
        assert [line.text for line in run.lines()] == ["done"]
        assert run.wait() == 0
    assert not run.is_timed_out
