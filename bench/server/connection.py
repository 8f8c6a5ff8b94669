"""One client's HTTP connection, on raw asyncio: no framework, no compression."""

from __future__ import annotations

import asyncio
import socket
from http import HTTPStatus
from typing import TYPE_CHECKING

from typing_extensions import override

from sandbox.productive.api import CONTENT_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.server.service import Service

_SEND_BUFFER = 4 << 20
"""Bytes: an entire page is handed to the kernel in one call."""


class Connection(asyncio.Protocol):
    """A connection that is kept open for one request after the other.

    Half of the latency passes before a request is counted against the rate limit and half before its response is sent,
    as on a network.

    Args:
        service: Answers the requests.
        call_later: Calls a function with arguments after some seconds, as an event loop does.
    """

    def __init__(self, service: Service, call_later: Callable[..., object]) -> None:
        """Wait for a client."""
        self._service = service
        self._call_later = call_later
        self._received = b""
        self._transport: asyncio.Transport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(type(transport))
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Discard responses that are still to be sent."""
        self._transport = None

    @override
    def data_received(self, data: bytes) -> None:
        """Answer each complete request; they have no bodies."""
        self._received += data
        while True:
            head, end, rest = self._received.partition(b"\r\n\r\n")
            if not end:
                return
            self._received = rest
            self._after_half_the_latency(self._answer, head.decode("latin-1"))

    def _after_half_the_latency(self, step: Callable[..., None], *arguments: object) -> None:
        if self._service.latency:
            self._call_later(self._service.latency / 2, step, *arguments)
        else:
            step(*arguments)

    def _answer(self, head: str) -> None:
        first, *lines = head.split("\r\n")
        _, target, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status, body, extra = self._service.answer(target, headers, headers.get("host", ""))
        fields = {"Content-Type": f"{CONTENT_TYPE}; charset=utf-8", "Content-Length": str(len(body)), **extra}
        header_lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        start = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{header_lines}\r\n"
        self._after_half_the_latency(self._send, start.encode("latin-1") + body)

    def _send(self, response: bytes) -> None:
        if self._transport is not None:
            self._transport.write(response)
