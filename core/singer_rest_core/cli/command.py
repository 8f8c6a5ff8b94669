"""The command line: what goes wrong is said in one line, without a traceback, and ends with a code other than 0."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import click
from simplejson import JSONDecodeError
from singer_sdk.exceptions import ConfigValidationError, SingerSDKError
from singer_sdk.plugin_base import SingerCommand

from singer_rest_core.cli.process_tuning import tune
from singer_rest_core.errors import RunInterrupted

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIGNAL_EXIT = 128


class TapCommand(SingerCommand):
    """The SDK's command with its errors in one line each.

    A fault of our own code still shows its traceback: it shall be reported.
    """

    @classmethod
    def of(cls, command: click.Command, logger: logging.Logger) -> TapCommand:
        """Take over a command of the SDK.

        Args:
            command: What `Tap.get_singer_command` made.
            logger: Where the lines go.

        Returns:
            The same command.
        """
        return cls(
            name=command.name,
            callback=command.callback,
            context_settings=command.context_settings,
            params=command.params,
            help=command.help,
            logger=logger,
        )

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:  # noqa: ANN401 - click's signature
        """Read the command line; `--discover` and `--test` do their work here.

        Args:
            args: As click takes them.
            kwargs: As click takes them.

        Returns:
            The click context.
        """
        with one_line_errors(self.logger):
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's signature
        """Run the tap; warnings go to the log.

        Not around `main`: click ends quietly when a pipe breaks, and nobody would know why the run ended.

        Args:
            ctx: The click context.

        Returns:
            What the callback returns.
        """
        logging.captureWarnings(capture=True)
        tune()
        with one_line_errors(self.logger):
            return click.Command.invoke(self, ctx)


@contextlib.contextmanager
def one_line_errors(logger: logging.Logger) -> Iterator[None]:
    """Turn expected errors into a line and an exit code.

    Args:
        logger: Where the line goes.

    Yields:
        Nothing.

    Raises:
        SystemExit: 1 after an error, 128 and the signal's number after a signal.
    """
    try:
        yield
    except RunInterrupted as interrupt:
        name = signal.Signals(interrupt.signum).name
        logger.warning("Stopped by %s: what was written is kept in the state, the next run goes on from there", name)
        code = _SIGNAL_EXIT + interrupt.signum
    except ConfigValidationError as error:
        for line in error.errors:
            logger.error("%s", line)  # noqa: TRY400 - one line
        code = 1
    except BrokenPipeError:
        logger.error("The loader has ended and reads no more: its own log says why")  # noqa: TRY400 - one line
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except SingerSDKError as error:
        logger.error("%s", error)  # noqa: TRY400 - one line
        logger.debug("Where it ended", exc_info=True)
        code = 1
    except JSONDecodeError as error:
        logger.error("The file given to --config, --state or --catalog is no JSON: %s", error)  # noqa: TRY400 - one line
        code = 1
    except (OSError, UnicodeDecodeError) as error:
        logger.error("A file named on the command line cannot be read: %s", error)  # noqa: TRY400 - one line
        code = 1
    else:
        return
    sys.exit(code)
