"""Run the sandbox in the foreground until SIGINT or SIGTERM: `python -m sandbox`."""

from __future__ import annotations

import argparse
import gc
import signal
import sys
from typing import TYPE_CHECKING

from sandbox.app import create_app
from sandbox.server import Server, listen, url_of
from sandbox.systems import Size

if TYPE_CHECKING:
    from types import FrameType


def leave(_signal: int, _frame: FrameType | None) -> None:
    """Exit without a traceback, whether the server has started or not."""
    sys.exit(0)


def scale_of(text: str) -> tuple[str, float]:
    """Parse `system=scale`.

    Raises:
        ValueError: The scale is not a number.
    """
    system, _, scale = text.partition("=")
    return system, float(scale)


def main() -> None:
    """Start the server, and print its URL once it accepts connections."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="The invoicing APIs as one local server.")
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes any free port")
    parser.add_argument("--seed", type=int, default=1, help="seed of the generated worlds (default 1)")
    parser.add_argument("--scale", type=float, default=1.0, help="factor for the number of rows (default 1.0)")
    one = "scale of one system, e.g. invobi=0.1; may be repeated"
    parser.add_argument("--scale-of", type=scale_of, action="append", default=[], metavar="SYSTEM=SCALE", help=one)
    parser.add_argument("--latency-ms", type=int, default=0, help="delay of each answer in milliseconds (default 0)")
    further = "a further account, with rows and credentials of its own, e.g. sandbox-token.NAME; may be repeated"
    parser.add_argument("--account", action="append", default=[], metavar="NAME", help=further)
    arguments = parser.parse_args()
    # uvicorn raises the signal that stopped it once more: these handlers then exit.
    signal.signal(signal.SIGINT, leave)
    signal.signal(signal.SIGTERM, leave)
    size = Size(arguments.scale, dict(arguments.scale_of))
    try:
        app = create_app(
            seed=arguments.seed, size=size, latency_ms=arguments.latency_ms, account_names=arguments.account
        )
    except ValueError as error:
        parser.error(str(error))
    # The rows are many and stay: to look through them for garbage would hold up an answer for a second now and then.
    gc.collect()
    gc.freeze()
    with listen(arguments.port) as listener:
        url = url_of(listener)
        Server(app, lambda: print(url, flush=True)).run(sockets=[listener])  # noqa: T201 - the URL is the output


if __name__ == "__main__":
    main()
