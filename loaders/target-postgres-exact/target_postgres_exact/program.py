"""The program of the loader, as its console script starts it."""

from __future__ import annotations

import gc
from importlib import import_module


def main() -> None:
    """Run the loader with the arguments of the command line."""
    # What is imported (singer-sdk, SQLAlchemy) stays until the end: looking through it for garbage, at first over and
    # over and at last once more when Python clears it away, takes a third of the time of a run with nothing to load.
    gc.disable()
    loader = import_module("target_postgres_exact.target").TargetPostgresExact
    gc.freeze()
    gc.enable()
    try:
        loader.cli()
    finally:
        gc.freeze()
