"""Log lines: each names its stream, none holds a secret, and no thread writes one while the interpreter shuts down."""

from __future__ import annotations

import atexit
import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from singer_sdk.metrics import METRICS_LOGGER_NAME
from typing_extensions import override

from singer_rest_core.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_METRICS_ARE_ASKED_FOR = "LOG_METRICS"
"""A variable that is not empty asks for measurements; our loader reads it, too."""


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


class RedactingFormatter(logging.Formatter):
    """Formats as another formatter does, tracebacks included, and redacts secrets in the result.

    Args:
        formatter: The other formatter.
        secrets: Returns the values that must not reach a log; called for each line, as tokens change.
    """

    def __init__(self, formatter: logging.Formatter, secrets: Callable[[], Iterable[str]]) -> None:
        """Keep both."""
        super().__init__()
        self.formatter = formatter
        self.secrets = secrets

    @override
    def format(self, record: logging.LogRecord) -> str:
        return redact(self.formatter.format(record), self.secrets())


def redact_log(secrets: Callable[[], Iterable[str]]) -> None:
    """Redact secrets in everything that any logger writes from now on, also those of libraries.

    Args:
        secrets: Returns the values that must not reach a log; replaces what an earlier call said.
    """
    for handler in handlers():
        formatter = handler.formatter or logging.Formatter()
        if isinstance(formatter, RedactingFormatter):
            formatter = formatter.formatter
        handler.setFormatter(RedactingFormatter(formatter, secrets))


def hide_metrics() -> None:
    """Hide the SDK's measurements from all who do not ask for them: one or more lines for each request and stream."""
    if not os.environ.get(_METRICS_ARE_ASKED_FOR) and not logging.getLogger().isEnabledFor(logging.DEBUG):
        logging.getLogger(METRICS_LOGGER_NAME).setLevel(logging.WARNING)


def silence_threads_at_exit() -> None:
    """Stop daemon threads from logging once the interpreter begins to shut down.

    A request that is under way when the run ends may still fail and be logged. A daemon thread that is killed in the
    middle of a line keeps the lock of stderr, in which Python then aborts.
    """
    atexit.unregister(_acquire_handlers)
    atexit.register(_acquire_handlers)


def _acquire_handlers() -> None:
    """Take the locks of all log handlers and never release them: only this thread can log from now on."""
    for handler in handlers():
        handler.acquire()


def handlers() -> Iterator[logging.Handler]:
    """Yield the handlers of all loggers."""
    names = [name for name, logger in logging.root.manager.loggerDict.items() if isinstance(logger, logging.Logger)]
    for logger in [logging.getLogger(), *map(logging.getLogger, names)]:
        yield from logger.handlers
