"""The program of a tap, as its console script starts it."""

from __future__ import annotations

import gc
import sys
from importlib import import_module
from importlib.metadata import version


def run_tap(distribution: str, tap: str) -> None:
    """Start the command line of a tap; `--version` is answered before singer-sdk is imported, which takes a second.

    Args:
        distribution: The distribution's name, which is also the tap's.
        tap: Where its class is, as `package.module:Class`.
    """
    if sys.argv[1:] == ["--version"]:
        print(f"{distribution} v{version(distribution)}, Meltano SDK v{version('singer-sdk')}")  # noqa: T201 - the answer
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
