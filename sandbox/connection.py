"""uvicorn's HTTP/1.1 protocol, with the connection in reach of the application, so that it can be cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

    from starlette.types import Receive, Scope, Send

TRANSPORT = "sandbox.transport"
"""Where a request's scope holds its connection."""


class AbortableProtocol(H11Protocol):
    """Puts the transport into the scope of each request."""

    # Narrower than asyncio's own, as uvicorn has it.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wrap the application for this connection."""
        super().connection_made(transport)
        app = self.app

        async def with_transport(scope: Scope, receive: Receive, send: Send) -> None:
            scope[TRANSPORT] = transport
            await app(scope, receive, send)

        self.app = with_transport
