"""Loads several accounts at the same time, each in a process of its own, within their quota groups."""

from __future__ import annotations

import signal
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from invoicing_orchestrate.exit_codes import BUSY
from invoicing_orchestrate.guard import Guard
from invoicing_orchestrate.schedule import Signals

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from invoicing_orchestrate.accounts import Account

_LONGEST_WAIT = 30.0
"""Seconds; the end of a child ends the wait."""
_BUSY_AGAIN = 5.0
"""Seconds until an account is tried again that another process loads, or whose group others have used up."""
_SIGNAL_EXIT = 128


@dataclass
class _Running:
    account: Account
    child: subprocess.Popen[bytes]
    guard: Guard


@dataclass
class SideBySide:
    """Commands for several accounts; must be used in the main thread.

    Args:
        at_once: How many at the same time.
        command: Returns the program and its arguments for an account.
        environment: The environment variables of these programs.
    """

    at_once: int
    command: Callable[[Account], Sequence[str]]
    environment: Mapping[str, str]
    _running: list[_Running] = field(default_factory=list)

    def run(self, accounts: Sequence[Account]) -> int:
        """Run the command for all accounts, those with the highest priority first.

        A signal goes to those that run, and no other one begins.

        Args:
            accounts: The accounts.

        Returns:
            0 if all succeeded, 1 if one has failed, 128 plus the signal's number after a signal.
        """
        waiting = sorted(accounts, key=lambda account: -account.priority)
        codes: list[int] = []
        with Signals() as signals:
            while waiting or self._running:
                self._start(waiting)
                received = signals.wait(_BUSY_AGAIN if len(self._running) < self.at_once else _LONGEST_WAIT)
                if received is not None:
                    return _SIGNAL_EXIT + self._stop(received, signals)
                for ended in [each for each in self._running if each.child.poll() is not None]:
                    self._running.remove(ended)
                    ended.guard.__exit__()
                    if ended.child.returncode == BUSY:
                        waiting.append(ended.account)
                    else:
                        codes.append(ended.child.returncode)
        return 1 if any(codes) else 0

    def _start(self, waiting: list[Account]) -> None:
        """Start those of the waiting accounts that can begin."""
        for account in list(waiting):
            of_group = [each for each in self._running if each.account.quota_group == account.quota_group]
            if account.quota_group is not None and len(of_group) >= account.at_once:
                continue
            if len(self._running) >= self.at_once:
                return
            waiting.remove(account)
            # In a session of its own, as from a terminal it would get a signal twice.
            child = subprocess.Popen(  # noqa: S603 - a command of this program
                self.command(account), env=dict(self.environment), stdin=subprocess.DEVNULL, start_new_session=True
            )
            self._running.append(_Running(account, child, Guard(child.pid, signal.SIGTERM)))

    def _stop(self, signum: int, signals: Signals) -> int:
        """Pass a signal on, and those that follow, until all have ended; return the first."""
        received: int | None = signum
        while self._running:
            if received is not None:
                for each in self._running:
                    each.child.send_signal(received)
            received = signals.wait(_LONGEST_WAIT)
            for ended in [each for each in self._running if each.child.poll() is not None]:
                self._running.remove(ended)
                ended.guard.__exit__()
        return signum
