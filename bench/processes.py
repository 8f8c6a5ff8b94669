"""Runs a program in a clean environment, measures what it costs, and leaves no process behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from bench.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")
_LINES_OF_STDERR = 20
_SECONDS_TO_EXIT = 10.0
_MEGABYTE = 1 << 20
_RECORD = b'"RECORD"'


@dataclass(frozen=True)
class Cost:
    """What a run of a program cost.

    Args:
        wall: Seconds from start to end.
        user: Seconds of CPU in the program and its children.
        system: Seconds of CPU in the kernel for them.
        peak_mb: Megabytes: the largest resident size of any one of these processes.
        stopped: Whether it was ended because its time was up.
    """

    wall: float
    user: float
    system: float
    peak_mb: float
    stopped: bool = False

    @property
    def cpu(self) -> float:
        """Seconds of CPU, in the program and in the kernel."""
        return self.user + self.system


class ReaderFailed(Exception):
    """A reader exited with an error, or its output is wrong."""


def clean_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for a program, without what changes how Python runs (PYTHONUNBUFFERED, a proxy, …).

    Args:
        variables: Added to what is kept of the machine's own.
    """
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return kept | {"NO_PROXY": "127.0.0.1"} | dict(variables)


@contextmanager
def child(
    command: Sequence[str | Path], *, env: Mapping[str, str], stdout: int | IO[bytes], stderr: IO[bytes] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program and its children as one process group, and end the group when the block is left.

    Args:
        command: Program and arguments.
        env: Its environment.
        stdout: Where its output goes.
        stderr: Where its messages go; to ours if None.

    Yields:
        The process.
    """
    process = subprocess.Popen(  # noqa: S603 - our own programs
        list(map(str, command)), cwd=ROOT, env=dict(env), stdout=stdout, stderr=stderr, start_new_session=True
    )
    try:
        yield process
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, number)
                process.wait(_SECONDS_TO_EXIT)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        process.wait(_SECONDS_TO_EXIT)
        if process.stdout:
            process.stdout.close()


def run(  # noqa: PLR0913 - what a program needs
    command: Sequence[str | Path],
    *,
    folder: Path,
    variables: Mapping[str, str],
    seconds: float,
    to_file: bool = True,
    may_time_out: bool = False,
) -> tuple[Cost, int]:
    """Run a program to its end and measure it.

    Args:
        command: Program and arguments.
        folder: For its output (`out`), its messages (`err`) and its cost.
        variables: Environment variables that it needs.
        seconds: When to stop it.
        to_file: Whether to keep its output; if not, it goes through a pipe and only its RECORD messages are counted.
        may_time_out: Whether it is no error if it has to be stopped.

    Returns:
        What it cost, and how many RECORD messages went through the pipe (0 if the output is kept).

    Raises:
        ReaderFailed: If it exits with an error, or is stopped although it must not be.
    """
    report = folder / "cost.json"
    report.unlink(missing_ok=True)
    timed = [sys.executable, "-I", "-S", ROOT / "bench" / "time_command.py", report, str(seconds), *command]
    records = 0
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        sink: int | IO[bytes] = out if to_file else subprocess.PIPE
        with child(timed, env=clean_environment(variables), stdout=sink, stderr=err) as process:
            if process.stdout is not None:
                records = count_in(process.stdout, _RECORD)
            process.wait()
    cost: dict[str, Any] = json.loads(report.read_bytes()) if report.exists() else {"code": -1, "stopped": False}
    code = cost.pop("code")
    if cost["stopped"] and not may_time_out:
        raise ReaderFailed(f"not finished after {seconds:.0f} s: {_shortened(command)}")
    if code and not cost["stopped"]:
        lines = (folder / "err").read_text(errors="replace").splitlines()[-_LINES_OF_STDERR:]
        raise ReaderFailed("\n".join([f"exit code {code}: {_shortened(command)}", *(line[:300] for line in lines)]))
    return Cost(**cost), records


def count_in(stream: IO[bytes], word: bytes) -> int:
    """Return how often a word occurs in a stream, including where it spans two reads.

    Args:
        stream: Read to its end.
        word: What to count; it must not overlap with itself.
    """
    count, carried = 0, b""
    while block := stream.read(_MEGABYTE):
        text = carried + block
        count += text.count(word)
        carried = text[len(text) - len(word) + 1 :]
    return count


def _shortened(command: Sequence[str | Path]) -> str:
    return " ".join(str(word) for word in command[:3])
