"""Ends a child when this process ends, for whatever reason: also by SIGKILL, when it can no longer do so itself."""

from __future__ import annotations

import contextlib
import subprocess
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import signal

_SCRIPT = 'read -r word; test "$word" = done || kill -s "$1" -- "$2"'
"""The pipe ends with the process that holds its other end, on every system; PR_SET_PDEATHSIG of Linux does not reach
grandchildren."""


class Guard:
    """A small process that waits until this one ends; for the length of a block.

    Args:
        target: The process that then gets a signal; if negative, the process group.
        signum: The signal.
    """

    def __init__(self, target: int, signum: signal.Signals) -> None:
        """Start it. In a session of its own, as signals of the terminal are not for it."""
        self._process = subprocess.Popen(  # noqa: S603 - the script above
            ["/bin/sh", "-c", _SCRIPT, "guard", signum.name.removeprefix("SIG"), str(target)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        """Return the guard."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let it go: the child has ended."""
        with contextlib.suppress(BrokenPipeError):
            self._process.communicate(b"done\n")
