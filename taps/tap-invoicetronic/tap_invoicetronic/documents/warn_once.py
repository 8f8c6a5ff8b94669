"""Warnings that several streams of a run would repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging


class WarnOnce:
    """Logs each warning once, no matter how many streams run into it.

    Args:
        logger: Where warnings are logged.
    """

    def __init__(self, logger: logging.Logger) -> None:
        """Start with nothing logged."""
        self._logger = logger
        self._logged: set[str] = set()

    def __call__(self, line: str) -> None:
        """Log a warning, unless the same line was logged before.

        Args:
            line: The warning.
        """
        if line not in self._logged:
            self._logged.add(line)
            self._logger.warning("%s", line)
