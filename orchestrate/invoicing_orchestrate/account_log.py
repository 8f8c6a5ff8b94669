"""The logs of an account's runs, one file for each, of which the last ones are kept."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from invoicing_orchestrate.errors import ProjectError

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

KEPT_RUNS = 20
MAX_BYTES = 20 * 1024 * 1024
"""Of the log of one run; what comes later is cut, but for the last line that says so."""


class AccountLog:
    """The log of one run. Only its owner can read it.

    Args:
        folder: The folder of all accounts.
        account: The name of the account.
        started: The start of the run.
    """

    def __init__(self, folder: Path, account: str, started: datetime) -> None:
        """Make the file, and remove the oldest ones."""
        logs = folder_of(folder, account)
        logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        for old in files(folder, account)[KEPT_RUNS - 1 :]:
            old.unlink(missing_ok=True)
        path = logs / f"{started:%Y%m%dT%H%M%S.%fZ}.log"
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w", encoding="utf-8")
        self._left = MAX_BYTES

    def write(self, line: str) -> None:
        """Write a line.

        Args:
            line: The line, without its end.
        """
        if self._left <= 0:
            return
        self._left -= len(line.encode(errors="replace")) + 1
        self._file.write(f"{line}\n" if self._left > 0 else f"… the log ends here, at {MAX_BYTES:,} bytes\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def folder_of(folder: Path, account: str) -> Path:
    """Return the folder of an account's logs.

    Args:
        folder: The folder of all accounts.
        account: The name of the account.
    """
    return folder / account / "run_logs"


def files(folder: Path, account: str) -> list[Path]:
    """Return the logs of an account, the last one first.

    Args:
        folder: The folder of all accounts.
        account: The name of the account.
    """
    return sorted(folder_of(folder, account).glob("*.log"), reverse=True)


def last_lines(path: Path, lines: int) -> list[str]:
    """Return the end of a log.

    Args:
        path: The file.
        lines: How many lines.

    Raises:
        ProjectError: If it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
    except OSError as error:
        raise ProjectError(f"{path} cannot be read: {error.strerror}") from None
