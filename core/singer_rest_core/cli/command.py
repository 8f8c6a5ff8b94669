"""The command of a tap: expected errors end it with one line, without a traceback, and a non-zero exit code."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
from typing import TYPE_CHECKING, Any

import click
from singer_sdk.exceptions import ConfigValidationError, SingerSDKError
from singer_sdk.plugin_base import SingerCommand
from typing_extensions import override

from singer_rest_core.cli.log_lines import silence_threads_at_exit
from singer_rest_core.cli.output_pipe import flushed_output, give_output_up, interruptible_output, require_output
from singer_rest_core.cli.process_tuning import tune
from singer_rest_core.cli.signal_wakeup import waking_main_thread
from singer_rest_core.errors import RunInterrupted

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIGNAL_EXIT = 128


class TapCommand(SingerCommand):
    """The SDK's command, with one line for each expected error.

    A bug in the tap still shows its traceback, so that it can be reported.
    """

    @classmethod
    def of(cls, command: click.Command, logger: logging.Logger) -> TapCommand:
        """Convert a command of the SDK.

        Args:
            command: The result of `Tap.get_singer_command`.
            logger: The logger for errors.

        Returns:
            The same command, of this class.
        """
        return cls(
            name=command.name,
            callback=command.callback,
            context_settings=command.context_settings,
            params=command.params,
            help=command.help,
            logger=logger,
        )

    @override
    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Parse the command line; `--discover` and `--test` do their work here."""
        silence_threads_at_exit()
        with one_line_errors(self.logger), waking_main_thread():
            require_output()
            with flushed_output():
                return super().make_context(*args, **kwargs)

    @override
    def invoke(self, ctx: click.Context) -> Any:
        """Run the tap; warnings go to the log.

        Errors are handled here and not in `main`, where click exits silently when a pipe breaks.
        """
        logging.captureWarnings(capture=True)
        tune()
        with one_line_errors(self.logger), interruptible_output(), waking_main_thread():
            return click.Command.invoke(self, ctx)


@contextlib.contextmanager
def one_line_errors(logger: logging.Logger) -> Iterator[None]:
    """Turn expected errors into one line and an exit code.

    Args:
        logger: The logger for the line.

    Yields:
        Nothing.

    Raises:
        SystemExit: With 1 after an error, 128 plus the signal's number after a signal.
    """
    try:
        yield
    except RunInterrupted as interrupt:
        name = signal.Signals(interrupt.signum).name
        if interrupt.state_was_lost:
            logger.warning("Stopped by %s: the loader does not read; the next run continues from its last state", name)
        else:
            logger.warning("Stopped by %s: the state covers what was written; the next run continues from there", name)
        code = _SIGNAL_EXIT + interrupt.signum
    except BrokenPipeError:
        logger.error("The loader has exited and no longer reads: see its own log for the reason")  # noqa: TRY400 - one line
        give_output_up()
        code = 1
    except KeyboardInterrupt:
        logger.warning("Stopped by SIGINT before anything was read")
        code = _SIGNAL_EXIT + signal.SIGINT
    except (click.ClickException, click.exceptions.Exit, click.Abort):
        raise
    except Exception as error:  # noqa: BLE001 - logged, a bug with its traceback
        _log_error(logger, error)
        code = 1
    else:
        return
    sys.exit(code)


def _log_error(logger: logging.Logger, error: Exception) -> None:
    """Log an expected error as one line, any other with its traceback."""
    # For programs that follow the log: whether another attempt can go better.
    kind = {"error_type": type(error).__name__}
    if isinstance(error, ConfigValidationError):
        for line in error.errors:
            logger.error("%s", line, extra=kind)
    elif isinstance(error, SingerSDKError):
        logger.error("%s", error, extra=kind)
        logger.debug("The traceback of this error:", exc_info=error)
    elif isinstance(error, OSError) and error.filename is None:
        # Of what a file's name leads to, an error has that name.
        give_output_up()
        logger.error("The output cannot be written: %s", error.strerror or error)
    elif isinstance(error, OSError):
        logger.error("%s cannot be opened: %s", error.filename, error.strerror)
    else:
        # Not left to Python, which prints the traceback past the log, and with it any secret in a message.
        logger.error("The tap has failed, and is at fault: please report this", exc_info=error)
