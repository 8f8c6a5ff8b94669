"""Log lines: each names its stream, and no thread writes one while the interpreter shuts down."""

from __future__ import annotations

import atexit
import logging
from dataclasses import dataclass


@dataclass(frozen=True)
class StreamNameFilter:
    """Prefixes the messages of a logger with the name of its stream.

    Meltano shows the message alone, without the logger's name. A logger keeps equal filters only once, so a second
    stream of the same name changes nothing.

    Args:
        stream: The stream's name.
    """

    stream: str

    def filter(self, record: logging.LogRecord) -> bool:
        """Prefix the message of a log record.

        Args:
            record: The record.

        Returns:
            True: no record is dropped.
        """
        record.msg = f"{self.stream}: {record.msg}"
        return True


def silence_threads_at_exit() -> None:
    """Stop daemon threads from logging once the interpreter begins to shut down.

    A request that is under way when the run ends may still fail and be logged. A daemon thread that is killed in the
    middle of a line keeps the lock of stderr, in which Python then aborts.
    """
    atexit.unregister(_acquire_handlers)
    atexit.register(_acquire_handlers)


def _acquire_handlers() -> None:
    """Take the locks of all log handlers and never release them: only this thread can log from now on."""
    names = [name for name, logger in logging.root.manager.loggerDict.items() if isinstance(logger, logging.Logger)]
    for logger in [logging.getLogger(), *map(logging.getLogger, names)]:
        for handler in logger.handlers:
            handler.acquire()
