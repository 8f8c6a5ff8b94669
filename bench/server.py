"""`python -m bench.server`: Productive from precomputed rows, faster than any of its readers.

Raw asyncio, one process, no compression. Half of the latency passes before a request is counted against the quota and
half before its answer, as on a line. Besides the API there are two addresses for the bench:

    GET /bench/log      the requests since the last reset: [seconds, path, status]
    GET /bench/reset    forget them, and serve as the query says: invoices, list_rows, latency_ms, limit (100/10)
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import socket
import time
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from bench.pages import LARGEST_PAGE, Answers
from sandbox.clock import Clock
from sandbox.gateway import ApiError
from sandbox.limits import RequestWindows, Window
from sandbox.productive import errors
from sandbox.productive.api import CONTENT_TYPE, TOKEN, WORLD
from sandbox.server import listen, url_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MOUNT = "/productive/api/v2/"
_SEND_BUFFER = 4 << 20
"""Bytes: a whole page goes to the kernel in one call."""


class Service:
    """What the server serves, and whom it has served.

    Args:
        invoices: Length of the list of invoices.
    """

    def __init__(self, invoices: int) -> None:
        """Serve without latency and quota until the first reset."""
        self._answers = Answers(invoices=invoices)
        self._windows = RequestWindows(Clock(), ())
        self._log: list[tuple[float, str, int]] = []
        self.latency = 0.0

    def answer(self, target: str, headers: Mapping[str, str], host: str) -> tuple[int, bytes, dict[str, str]]:
        """Answer one request.

        Args:
            target: Path and query.
            headers: By lower-case name.
            host: Where it was sent to.

        Returns:
            Status, body and headers.
        """
        path, _, text = target.partition("?")
        query = parse_qsl(text, keep_blank_values=True)
        if path == "/bench/log":
            return 200, json.dumps(self._log).encode(), {}
        if path == "/bench/reset":
            self.reset(dict(query))
            return 200, b"{}", {}
        arrived = time.monotonic()
        extra: dict[str, str] = {}
        try:
            status, body = 200, self._admitted(path, headers, host, query)
        except ApiError as error:
            status, body, extra = error.status, json.dumps(error.body).encode(), dict(error.headers)
        self._log.append((arrived, path, status))
        return status, body, extra

    def _admitted(self, path: str, headers: Mapping[str, str], host: str, query: list[tuple[str, str]]) -> bytes:
        if headers.get("content-type", "").partition(";")[0] != CONTENT_TYPE:
            raise errors.unsupported_content_type()
        if headers.get("x-auth-token") != TOKEN:
            raise errors.unauthenticated()
        exceeded = self._windows.take({"token": TOKEN, "organization": WORLD})
        if exceeded:
            raise errors.too_many_requests(exceeded)
        if not path.startswith(MOUNT):
            raise errors.route_not_found()
        return self._answers.answer(path.removeprefix(MOUNT), f"http://{host}{path}", query)

    def reset(self, wishes: Mapping[str, str]) -> None:
        """Forget the log and serve as `wishes` say; what they do not name is as by default."""
        self._log.clear()
        self._answers.invoices = int(wishes.get("invoices", self._answers.invoices))
        self._answers.list_rows = int(wishes.get("list_rows", LARGEST_PAGE))
        self.latency = float(wishes.get("latency_ms", 0)) / 1000
        limit = wishes.get("limit", "0")
        self._windows.replace([] if limit == "0" else [Window("token", *map(int, limit.split("/")))])


class Connection(asyncio.Protocol):
    """One client: requests one after the other, the connection kept."""

    def __init__(self, service: Service) -> None:
        """Answer from `service`."""
        self._service = service
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(type(transport))
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Forget it; answers still under way go nowhere."""
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Read requests; they have no bodies."""
        self._received += data
        while True:
            head, end, rest = self._received.partition(b"\r\n\r\n")
            if not end:
                return
            self._received = rest
            self._later(self._count, head.decode("latin-1"))

    def _later(self, step: Callable[..., None], *details: object) -> None:
        if self._service.latency:
            asyncio.get_running_loop().call_later(self._service.latency / 2, step, *details)
        else:
            step(*details)

    def _count(self, head: str) -> None:
        first, *lines = head.split("\r\n")
        _, target, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status, body, extra = self._service.answer(target, headers, headers.get("host", ""))
        fields = {"Content-Type": f"{CONTENT_TYPE}; charset=utf-8", "Content-Length": str(len(body)), **extra}
        told = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        start = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{told}\r\n"
        self._later(self._send, start.encode("latin-1") + body)

    def _send(self, answer: bytes) -> None:
        if self._transport is not None:
            self._transport.write(answer)


async def serve(listener: socket.socket, service: Service) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        listener: A bound socket.
        service: What to serve.
    """
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, done.set)
    server = await loop.create_server(lambda: Connection(service), sock=listener, backlog=256)
    print(url_of(listener), flush=True)
    await done.wait()
    server.close()


def main() -> None:
    """Serve on a free port of loopback, and print the URL once connections are accepted."""
    parser = argparse.ArgumentParser(prog="python -m bench.server", description="Productive from precomputed rows.")
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument("--invoices", type=int, default=100_000, help="length of the list (default 100000)")
    parser.add_argument("--list-rows", default=str(LARGEST_PAGE), help="most rows of every other list (default 200)")
    parser.add_argument("--latency-ms", default="0", help="milliseconds a request takes (default 0)")
    parser.add_argument("--limit", default="0", help="requests per seconds, e.g. 100/10; 0, the default, is none")
    arguments = parser.parse_args()
    service = Service(arguments.invoices)
    wishes = {"list_rows": arguments.list_rows, "latency_ms": arguments.latency_ms, "limit": arguments.limit}
    service.reset(wishes)
    with listen(arguments.port) as listener, contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(listener, service))


if __name__ == "__main__":
    main()
