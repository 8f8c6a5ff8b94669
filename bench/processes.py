"""Starting what is measured and what serves it, and ending both with us."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from bench.environments import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")
_LAST_LINES = 20
_PATIENCE = 10.0
_MEGABYTE = 1 << 20
_RECORD = b'"RECORD"'


@dataclass(frozen=True)
class Cost:
    """What a run of a program cost.

    Args:
        wall: Seconds from start to end.
        user: Seconds of CPU in the program and its children.
        system: Seconds of CPU in the kernel for them.
        peak_mb: The largest resident size of any one of these processes.
        stopped: Whether it was ended because its time was over.
    """

    wall: float
    user: float
    system: float
    peak_mb: float
    stopped: bool = False

    @property
    def cpu(self) -> float:
        """Seconds of CPU, program and kernel."""
        return self.user + self.system


class ReaderFailed(Exception):
    """A reader ended with an error, or wrote something else than the others."""


def environment(own: Mapping[str, str]) -> dict[str, str]:
    """Build the environment of a program: nothing that changes how Python runs (PYTHONUNBUFFERED, a proxy, …).

    Args:
        own: What it needs beside the machine's own.

    Returns:
        All of it.
    """
    return {name: os.environ[name] for name in _KEPT if name in os.environ} | {"NO_PROXY": "127.0.0.1"} | dict(own)


@contextmanager
def child(
    command: Sequence[str | Path], *, env: Mapping[str, str], stdout: int | IO[bytes], stderr: IO[bytes] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program with all its children as one group, so that none of them outlives the block.

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
                process.wait(_PATIENCE)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        process.wait(_PATIENCE)
        if process.stdout:
            process.stdout.close()


def run(  # noqa: PLR0913 - what a program needs
    command: Sequence[str | Path],
    *,
    folder: Path,
    own_environment: Mapping[str, str],
    seconds: float,
    to_file: bool = True,
    may_stop: bool = False,
) -> tuple[Cost, int]:
    """Run a program to its end and measure it.

    Args:
        command: Program and arguments.
        folder: For its output (`out`), its messages (`err`) and the report.
        own_environment: What it needs in its environment.
        seconds: When to stop it.
        to_file: Keep its output; else it goes through a pipe and only RECORD messages are counted.
        may_stop: Whether running out of time is part of the plan.

    Returns:
        What it cost, and how many RECORD messages went through the pipe (0 if they are in the file).

    Raises:
        ReaderFailed: If it ends with an error.
    """
    report = folder / "cost.json"
    report.unlink(missing_ok=True)
    launcher = [sys.executable, "-I", "-S", ROOT / "bench" / "launch.py", report, str(seconds), *command]
    counted = 0
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        sink: int | IO[bytes] = out if to_file else subprocess.PIPE
        with child(launcher, env=environment(own_environment), stdout=sink, stderr=err) as process:
            if process.stdout is not None:
                counted = count_in(process.stdout, _RECORD)
            process.wait()
    told: dict[str, Any] = json.loads(report.read_bytes()) if report.exists() else {"code": -1, "stopped": False}
    if told["stopped"] and not may_stop:
        raise ReaderFailed(f"not done after {seconds:.0f} s: {_what(command)}")
    if told["code"] and not told["stopped"]:
        lines = (folder / "err").read_text(errors="replace").splitlines()[-_LAST_LINES:]
        raise ReaderFailed("\n".join([f"exit code {told['code']}: {_what(command)}", *(line[:300] for line in lines)]))
    del told["code"]
    return Cost(**told), counted


def count_in(stream: IO[bytes], word: bytes) -> int:
    """Count a word in a stream, also where it lies across two reads.

    Args:
        stream: Read to its end.
        word: What to count; it must not overlap with itself.

    Returns:
        How often it occurs.
    """
    count, carried = 0, b""
    while block := stream.read(_MEGABYTE):
        text = carried + block
        count += text.count(word)
        carried = text[len(text) - len(word) + 1 :]
    return count


def _what(command: Sequence[str | Path]) -> str:
    return " ".join(str(word) for word in command[:3])


@dataclass(frozen=True)
class Request:
    """A request as the server saw it.

    Args:
        at: Seconds on the server's clock when it was counted.
        path: What was asked.
        status: What was answered.
    """

    at: float
    path: str
    status: int


@dataclass(frozen=True)
class ServerAtWork:
    """A server of precomputed pages.

    Args:
        url: Its root.
    """

    url: str

    def reset(self, **wishes: int | str) -> None:
        """Forget the requests so far, and serve as from now.

        Args:
            wishes: invoices, list_rows, latency_ms, limit.
        """
        self._get("reset?" + "&".join(f"{name}={value}" for name, value in wishes.items()))

    def log(self) -> list[Request]:
        """The requests since the last reset."""
        return [Request(*entry) for entry in self._get("log")]

    def _get(self, what: str) -> Any:  # noqa: ANN401 - JSON
        with urllib.request.urlopen(f"{self.url}/bench/{what}", timeout=60) as answer:  # noqa: S310 - our own server
            return json.loads(answer.read())


@contextmanager
def server() -> Iterator[ServerAtWork]:
    """Run the server in a process of its own.

    Yields:
        Where it is.

    Raises:
        RuntimeError: If it does not start; its message was printed.
    """
    command = [sys.executable, "-m", "bench.server"]
    with child(command, env=environment({}), stdout=subprocess.PIPE) as process:
        url = process.stdout.readline().decode().strip() if process.stdout else ""
        if not url:
            raise RuntimeError("The server did not start")
        yield ServerAtWork(url)
