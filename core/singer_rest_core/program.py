"""The program of a tap, as its console script starts it."""

from __future__ import annotations

import gc
import os
import signal
import sys
from importlib import import_module
from typing import NoReturn

_SIGNAL_EXIT = 128


def run_tap(distribution: str, tap: str) -> None:
    """Start the command line of a tap; `--version` is answered before singer-sdk is imported, which takes a second.

    Args:
        distribution: The distribution's name, which is also the tap's.
        tap: Where its class is, as `package.module:Class`.
    """
    try:
        _run(distribution, tap)
    except KeyboardInterrupt:
        _end("Stopped by SIGINT before anything was read", _SIGNAL_EXIT + signal.SIGINT)


def _run(distribution: str, tap: str) -> None:
    if sys.argv[1:] == ["--version"]:
        # Takes longer than all else here, and Ctrl-C ends with a traceback until `run_tap` is called.
        from importlib.metadata import version  # noqa: PLC0415

        _print(f"{distribution} v{version(distribution)}, Meltano SDK v{version('singer-sdk')}")
        return
    module, _, name = tap.partition(":")
    # What is imported stays until the end: looking through it for garbage, at first over and over and at last once more
    # when Python clears it away, takes a quarter of the time of a run with nothing new.
    gc.disable()
    tap_class = getattr(import_module(module), name)
    gc.freeze()
    gc.enable()
    try:
        tap_class.cli()
    finally:
        gc.freeze()


def _print(answer: str) -> None:
    if sys.stdout is None:
        _end("Standard output is closed: there is nowhere to write to", 1)
    try:
        print(answer, flush=True)  # noqa: T201 - the answer
    except OSError as error:
        # Python would try once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _end(f"The output cannot be written: {error.strerror}", 1)


def _end(line: str, code: int) -> NoReturn:
    if sys.stderr is not None:
        print(line, file=sys.stderr)  # noqa: T201 - there is no log yet
    sys.exit(code)
