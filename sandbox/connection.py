"""uvicorn's HTTP/1.1 protocol, with the transport accessible to the application, so that it can be aborted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

    from starlette.types import Receive, Scope, Send

TRANSPORT = "sandbox.transport"
"""The key of the transport in a request's scope."""


class AbortableProtocol(H11Protocol):
    """Adds the transport to the scope of each request."""

    # uvicorn narrows the parameter's type in the same way.
    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        app = self.app

        async def with_transport(scope: Scope, receive: Receive, send: Send) -> None:
            scope[TRANSPORT] = transport
            await app(scope, receive, send)

        self.app = with_transport
