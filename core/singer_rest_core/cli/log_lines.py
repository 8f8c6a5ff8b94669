"""Log lines that say which stream they are about: Meltano shows the message alone, without the logger's name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging


@dataclass(frozen=True)
class StreamNameFilter:
    """Puts the stream's name before the messages of its logger.

    A logger takes equal filters only once, so that a second stream of the same name changes nothing.

    Args:
        stream: The stream's name.
    """

    stream: str

    def filter(self, record: logging.LogRecord) -> bool:
        """Change a record on its way through the logger.

        Args:
            record: What is logged.

        Returns:
            True: nothing is left out.
        """
        record.msg = f"{self.stream}: {record.msg}"
        return True
