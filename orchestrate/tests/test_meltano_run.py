"""Signals and the end of a run, with processes in the places of Meltano, tap and loader."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

import psutil
import pytest

from invoicing_orchestrate.meltano_run import MeltanoRun
from invoicing_orchestrate.run_log import RunLog

if TYPE_CHECKING:
    from pathlib import Path

MELTANO = """
import json, signal, subprocess, sys, time
python = [sys.executable, "-S", "-c"]
tap = subprocess.Popen([*python, sys.argv[1]], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
loader = subprocess.Popen([*python, sys.argv[2]], stdin=tap.stdout, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
tap.stdout.close()
tap.stderr.readline()
print(json.dumps({"event": str(loader.pid)}), flush=True)
print(json.dumps({"event": "reading", "producer": True, "string_id": "tap", "pid": tap.pid}), flush=True)
loaded = loader.stdout.read().decode()
code = tap.wait() or loader.wait()
print(json.dumps({"event": f"state kept: {loaded}"}), flush=True)
sys.exit(1 if code else 0)
"""
TAP = """
import signal, sys
def end(signum, frame):
    print("state", flush=True)
    sys.exit(128 + signum)
for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(signum, end)
print("row", flush=True)
print("ready", file=sys.stderr, flush=True)
signal.pause()
"""
LOADER = "import sys; print(sys.stdin.read().split())"
STUBBORN = """
import signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", file=sys.stderr, flush=True)
signal.pause()
"""


def runs(pid: int) -> bool:
    """Return whether a process runs; one that has ended may be kept by a parent that does not ask for its code."""
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def run(folder: Path, tap: str, loader: str, *signals: int, grace: float = 30) -> tuple[int, list[str], list[int]]:
    """Run three processes and send signals once the tap has begun; return exit code, log, and processes."""
    log = RunLog()
    texts: list[str] = []
    received: list[int] = []
    meltano = [sys.executable, "-S", "-c", MELTANO, tap, loader]
    pids = []
    with MeltanoRun(meltano, folder, os.environ, lambda: log.tap_pid, received.append, grace, 0.2) as child:
        for line in child.lines():
            log.observe(line)
            texts.append(line.text)
            if line.text == "reading":
                pids = [int(texts[0]), log.tap_pid or 0]
                for signum in signals:
                    os.kill(os.getpid(), signum)
        code = child.wait()
    assert received == list(signals)
    return code, texts, pids


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_tap_and_what_it_wrote_is_kept(tmp_path: Path, signum: int) -> None:
    code, log, pids = run(tmp_path, TAP, LOADER, signum)
    assert code == 128 + signum
    assert log[-1].startswith("state kept: ['row', 'state']")
    assert not any(map(runs, pids))


def test_a_second_signal_ends_all(tmp_path: Path) -> None:
    # The tap takes no notice of the first.
    code, log, pids = run(tmp_path, STUBBORN, LOADER, signal.SIGTERM, signal.SIGINT)
    assert code == 128 + signal.SIGINT
    assert not any(text.startswith("state kept: [") for text in log)
    assert not any(map(runs, pids))


def test_what_does_not_end_in_time_is_killed(tmp_path: Path) -> None:
    code, _, pids = run(tmp_path, STUBBORN, STUBBORN, signal.SIGTERM, grace=0.2)
    assert code == 128 + signal.SIGTERM
    assert not any(map(runs, pids))


def test_a_run_without_a_signal_ends_with_its_own_code(tmp_path: Path) -> None:
    assert run(tmp_path, "print('row')", LOADER)[0] == 0
    assert run(tmp_path, "raise SystemExit(3)", LOADER)[0] == 1


def test_no_process_is_left_where_meltano_is_killed(tmp_path: Path) -> None:
    log = RunLog()
    meltano = [sys.executable, "-S", "-c", MELTANO, STUBBORN, STUBBORN]
    with MeltanoRun(meltano, tmp_path, os.environ, lambda: log.tap_pid, lambda _: None, last_grace=0.2) as child:
        pids = []
        for line in child.lines():
            log.observe(line)
            pids.append(int(line.text) if line.text.isdigit() else log.tap_pid or 0)
            if len(pids) == 2:
                parent = psutil.Process(pids[0]).parent()
                assert parent is not None
                parent.kill()
                break
        code = child.wait()
    assert code == 128 + signal.SIGKILL
    assert not any(map(runs, pids))


def test_signals_are_taken_as_before_once_a_run_has_ended(tmp_path: Path) -> None:
    before = {signum: signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    threads = set(threading.enumerate())
    run(tmp_path, TAP, LOADER, signal.SIGTERM)
    assert {signum: signal.getsignal(signum) for signum in before} == before
    assert set(threading.enumerate()) <= threads
