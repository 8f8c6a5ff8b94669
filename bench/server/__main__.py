"""`python -m bench.server`: serve Productive's API on loopback, in one process."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING

from bench.server.connection import Connection
from bench.server.invoice_rows import LARGEST_PAGE
from bench.server.service import Service
from sandbox.server import listen, url_of

if TYPE_CHECKING:
    import socket


async def serve(listener: socket.socket, service: Service) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        listener: A bound socket.
        service: Answers the requests.
    """
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, done.set)
    server = await loop.create_server(lambda: Connection(service, loop.call_later), sock=listener, backlog=256)
    print(url_of(listener), flush=True)
    await done.wait()
    server.close()


def main() -> None:
    """Serve on a free port of loopback, and print the URL once connections are accepted."""
    parser = argparse.ArgumentParser(prog="python -m bench.server", description="Productive from rows rendered once.")
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument("--invoices", type=int, default=100_000, help="length of the list (default 100000)")
    parser.add_argument("--list-rows", default=str(LARGEST_PAGE), help="most rows of every other list (default 200)")
    parser.add_argument("--latency-ms", default="0", help="milliseconds that a request takes (default 0)")
    parser.add_argument("--limit", default="0", help="requests per seconds, e.g. 100/10; 0, the default, is no limit")
    arguments = parser.parse_args()
    service = Service(arguments.invoices)
    service.reset(
        {"list_rows": arguments.list_rows, "latency_ms": arguments.latency_ms, "limit": arguments.limit},
    )
    with listen(arguments.port) as listener, contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(listener, service))


if __name__ == "__main__":
    main()
