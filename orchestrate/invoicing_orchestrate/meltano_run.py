"""One run of Meltano as a child process: its log, line by line, and signals, which it and its children get too."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Self

from invoicing_orchestrate.guard import Guard
from invoicing_orchestrate.log_lines import bounded_lines, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import FrameType, TracebackType

    from invoicing_orchestrate.log_lines import LogLine

PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE = 60.0
"""Seconds for the loader to write what it has once the tap was ended; then Meltano and the loader get the signal."""
_LONGEST_DEATH = 10.0
"""Seconds for killed processes to be gone: on a busy machine, or in the middle of a write, that takes a while."""
_POLL = 0.05
_SIGNAL_EXIT = 128


@dataclass
class MeltanoRun:
    """Runs Meltano in a process group of its own, for the length of a block; must be used in the main thread.

    A signal goes to the tap first: it writes its state and ends, the loader writes what it has, and Meltano keeps the
    state. Before the tap has begun, at a second signal, or once the time of grace is over, the whole group gets it.
    When the block ends, no process of the group is left.

    Args:
        command: Meltano with its arguments.
        folder: The project.
        environment: The environment variables.
        tap_pid: Returns the process of the tap; None before it has begun.
        on_signal: Called with the number of a signal that was received.
        grace: Seconds.
        last_grace: Seconds for what Meltano has left behind to end after SIGTERM.
        time_limit: Seconds after which the run is ended as by a signal; None for no limit.
        is_timed_out: Whether it was ended so.
    """

    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str]
    tap_pid: Callable[[], int | None]
    on_signal: Callable[[int], None]
    grace: float = GRACE
    last_grace: float = 5.0
    time_limit: float | None = None
    is_timed_out: bool = False
    signal_received: int | None = None
    _child: subprocess.Popen[bytes] | None = None
    _handlers: dict[int, Callable[[int, FrameType | None], object] | int | None] = field(default_factory=dict)
    _timers: list[threading.Timer] = field(default_factory=list)
    _guard: Guard | None = None

    def __enter__(self) -> Self:
        """Start Meltano. A signal that comes meanwhile is passed on once it has started."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)
        try:
            self._handlers = {signum: signal.signal(signum, self._pass_on) for signum in PASSED_ON}
            self._child = subprocess.Popen(  # noqa: S603 - Meltano, with arguments of the user
                self.command,
                cwd=self.folder,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # No threads yet, but for the timers of an earlier run, which hold no lock that a child needs.
                preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, before),  # noqa: PLW1509
            )
            self._guard = Guard(-self._child.pid, signal.SIGKILL)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if self.time_limit is not None:
            self._later(self.time_limit, self._time_out)
        return self

    def lines(self) -> Iterator[LogLine]:
        """Yield the lines that Meltano and its plugins log, until all have ended."""
        for raw in bounded_lines(self._output):
            yield parse(raw)

    def wait(self) -> int:
        """Wait for the end of Meltano, once its lines were read.

        Returns:
            The exit code of the run: Meltano's, or 128 plus the number of the signal that ended it.
        """
        code = self._started.wait()
        if code != 0 and self.signal_received is not None:
            return _SIGNAL_EXIT + self.signal_received
        return code if code >= 0 else _SIGNAL_EXIT - code

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End whatever is left of the run, and take signals as before."""
        for timer in self._timers:
            timer.cancel()
            timer.join()
        try:
            self._end_group()
        finally:
            for signum, handler in self._handlers.items():
                signal.signal(signum, handler)
            self._output.close()
            if self._guard is not None:
                self._guard.__exit__()

    @property
    def _started(self) -> subprocess.Popen[bytes]:
        if self._child is None:
            raise RuntimeError("Meltano has not been started")
        return self._child

    @property
    def _output(self) -> IO[bytes]:
        output = self._started.stdout
        if output is None:
            raise RuntimeError("Meltano has no output")
        return output

    def _pass_on(self, signum: int, _frame: FrameType | None) -> None:
        is_first = self.signal_received is None and not self.is_timed_out
        self.signal_received = signum
        self.on_signal(signum)
        self._end_with(signum, is_first=is_first)

    def _time_out(self) -> None:
        if self.signal_received is None:
            self.is_timed_out = True
            self._end_with(signal.SIGTERM, is_first=True)

    def _end_with(self, signum: int, *, is_first: bool) -> None:
        tap = self.tap_pid()
        if is_first and tap is not None:
            # If it has ended, the loader is about to.
            if _group_of(tap) == self._started.pid:
                _sent(os.kill, tap, signum)
            self._signal_group_after(self.grace, signum)
        else:
            self._signal_group(signum)
        self._signal_group_after(self.grace * 2, signal.SIGKILL)

    def _signal_group_after(self, seconds: float, signum: int) -> None:
        self._later(seconds, self._signal_group, signum)

    def _later(self, seconds: float, action: Callable[..., None], *arguments: int) -> None:
        timer = threading.Timer(seconds, action, arguments)
        timer.daemon = True
        timer.start()
        self._timers.append(timer)

    def _signal_group(self, signum: int) -> None:
        _sent(os.killpg, self._started.pid, signum)

    def _end_group(self) -> None:
        """End what is left of Meltano's process group: gently, then not."""
        child = self._started
        for signum, seconds in ((signal.SIGTERM, self.last_grace), (signal.SIGKILL, _LONGEST_DEATH)):
            if not _sent(os.killpg, child.pid, signum):
                break
            until = time.monotonic() + seconds
            while time.monotonic() < until and _sent(os.killpg, child.pid, 0):
                if child.poll() is not None:
                    _take_exit_codes(child.pid)
                time.sleep(_POLL)
        child.wait()


def _take_exit_codes(group: int) -> None:
    """Take the exit codes of processes that have lost their parent: the first process of a container gets them.

    Until then they stay in the process table, and their group with them.
    """
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-group, os.WNOHANG)[0]:
            pass


def _group_of(process: int) -> int | None:
    """Return the process group of a process; None if it has ended."""
    with contextlib.suppress(ProcessLookupError):
        return os.getpgid(process)
    return None


def _sent(send: Callable[[int, int], None], to: int, signum: int) -> bool:
    """Send a signal; return whether there was anyone to get it."""
    with contextlib.suppress(ProcessLookupError):
        send(to, signum)
        return True
    return False
