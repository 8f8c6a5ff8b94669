"""One line at the bottom of a terminal that renews itself; what is logged meanwhile goes above it."""

from __future__ import annotations

import logging
import os
import sys
from typing import IO, TYPE_CHECKING, Any

from singer_rest_core.cli.log_lines import handlers

if TYPE_CHECKING:
    from rich.live import Live

_RENEWALS_A_SECOND = 4
_LOGS_AS_JSON = "SINGER_SDK_LOG_CONFIG"


def for_person_at_terminal() -> TerminalLine | None:
    """Return a line for the person who watches; None where log lines are read by a program or kept in a file.

    Messages that go to the same terminal would push the line away: then there is none, either.
    """
    if sys.stderr is None:
        return None
    is_watched = sys.stderr.isatty() and not sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    return TerminalLine(sys.stderr) if is_watched and _LOGS_AS_JSON not in os.environ else None


class TerminalLine:
    """The line.

    Args:
        terminal: Where it is.
    """

    def __init__(self, terminal: IO[str]) -> None:
        """Show nothing yet."""
        # Only a terminal needs it.
        from rich.console import Console  # noqa: PLC0415

        self._terminal = terminal
        self._console = Console(file=terminal, force_terminal=True)
        self._live: Live | None = None
        self._moved: list[logging.StreamHandler[Any]] = []

    def begin(self) -> None:
        """Take the last line of the terminal."""
        from rich.live import Live  # noqa: PLC0415

        self._live = Live(
            console=self._console,
            transient=True,
            refresh_per_second=_RENEWALS_A_SECOND,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        for handler in handlers():
            if isinstance(handler, logging.StreamHandler) and handler.stream is self._terminal:
                handler.setStream(_AboveLine(self._console))
                self._moved.append(handler)
        self._live.start()

    def show(self, text: str) -> None:
        """Replace the line.

        Args:
            text: What it says; cut where the terminal ends.
        """
        from rich.text import Text  # noqa: PLC0415

        if self._live is not None:
            self._live.update(Text(text, no_wrap=True, overflow="ellipsis"))

    def end(self) -> None:
        """Remove the line; logging goes on as before."""
        if self._live is not None:
            self._live.stop()
            self._live = None
        for handler in self._moved:
            handler.setStream(self._terminal)
        self._moved.clear()


class _AboveLine:
    """A stream for log handlers that writes above the line."""

    def __init__(self, console: Any) -> None:  # noqa: ANN401 - rich is imported where it is needed
        self._console = console

    def write(self, text: str) -> None:
        if text.strip("\n"):
            self._console.print(text.rstrip("\n"), markup=False, highlight=False, soft_wrap=True)

    def flush(self) -> None:
        """Do nothing: a line is written at once."""
