"""Loads at the times of a cron expression, one after the other: what a container does that always runs."""

from __future__ import annotations

import select
import signal
import socket
import subprocess
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Self

from cronsim import CronSim

from invoicing_orchestrate.cron import cron_fault
from invoicing_orchestrate.errors import ProjectError
from invoicing_orchestrate.meltano_run import PASSED_ON

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from types import FrameType, TracebackType

_LONGEST_WAIT = 60.0
"""Seconds; after each, the time is looked at again, as the machine may have slept."""
_SIGNAL_EXIT = 128


class Signals:
    """Signals that end the schedule, and that of a child that has ended, for the length of a block.

    Must be used in the main thread.
    """

    def __enter__(self) -> Self:
        """Take the signals."""
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)  # noqa: FBT003 - its only argument
        self._previous_fd = signal.set_wakeup_fd(self._writer.fileno())
        self._handlers: dict[int, Callable[[int, FrameType | None], object] | int | None] = {
            # Without a handler a signal is not noticed, and the first process of a container does not get it.
            signum: signal.signal(signum, lambda *_: None)
            for signum in (*PASSED_ON, signal.SIGCHLD)
        }
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Give them back to who had them."""
        for signum, handler in self._handlers.items():
            signal.signal(signum, handler)
        signal.set_wakeup_fd(self._previous_fd)
        self._reader.close()
        self._writer.close()

    def wait(self, seconds: float) -> int | None:
        """Wait for a signal.

        Args:
            seconds: The longest wait.

        Returns:
            The number of the first signal that ends the schedule; None if the time is over or a child has ended.
        """
        if not select.select([self._reader], [], [], seconds)[0]:
            return None
        received = self._reader.recv(4096)
        return next((number for number in received if number in PASSED_ON), None)


@dataclass(frozen=True)
class Schedule:
    """Loads and the times at which they run.

    Args:
        times: A cron expression of five fields; its times are UTC.
        loads: They run one after the other, whether the one before has failed or not. Each returns the number of a
            signal that came meanwhile, or None.
        say: Prints a line.
        now: Returns the present instant.
        wait: Waits for some seconds, as `Signals.wait` does.

    Raises:
        ProjectError: If the cron expression cannot be read.
    """

    times: str
    loads: Sequence[Callable[[], int | None]]
    say: Callable[[str], None]
    now: Callable[[], datetime]
    wait: Callable[[float], int | None]

    def __post_init__(self) -> None:
        """Check the cron expression."""
        self.next_time()

    def next_time(self) -> datetime:
        """Return the next time after the present instant.

        Raises:
            ProjectError: If there is none.
        """
        fault = cron_fault(self.times)
        due = None if fault else next(CronSim(self.times, self.now().astimezone(UTC)), None)
        if due is None:
            raise ProjectError(f"{self.times!r} {fault or 'names no time within the next fifty years'}")
        return due

    def run(self, *, at_once: bool) -> int:
        """Run the loads at each of the times, until a signal comes.

        Args:
            at_once: Run them now too.

        Returns:
            The exit code: 128 plus the signal's number.
        """
        signum = self._round() if at_once else None
        while signum is None:
            signum = self._pause() or self._round()
        return _SIGNAL_EXIT + signum

    def _pause(self) -> int | None:
        due = self.next_time()
        self.say(f"The next run is due at {due:%Y-%m-%d %H:%M} UTC")
        while (left := (due - self.now()).total_seconds()) > 0:
            signum = self.wait(min(left, _LONGEST_WAIT))
            if signum is not None:
                return signum
        return None

    def _round(self) -> int | None:
        """Run each load; after a signal no other one."""
        for load in self.loads:
            signum = load()
            if signum is not None:
                return signum
        return None


def run_command(command: Sequence[str], wait: Callable[[float], int | None]) -> int | None:
    """Run a program, which gets the signals that come meanwhile.

    Args:
        command: The program and its arguments.
        wait: Waits for some seconds, or until the program has ended, as `Signals.wait` does.

    Returns:
        The number of the first signal; None if there was none.
    """
    first = None
    # In a session of its own, as from a terminal it would get a signal twice.
    with subprocess.Popen(command, start_new_session=True) as child:  # noqa: S603 - loads of this program
        while child.poll() is None:
            signum = wait(_LONGEST_WAIT)
            if signum is not None:
                first = first or signum
                child.send_signal(signum)
    return first
