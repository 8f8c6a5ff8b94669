"""The sandbox on a port: in the foreground for `python -m sandbox`, in a thread for tests."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import uvicorn
from typing_extensions import override

from sandbox.admin_client import AdminClient
from sandbox.app import create_app
from sandbox.connection import AbortableProtocol
from sandbox.systems import Size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from starlette.types import ASGIApp

LOOPBACK = "127.0.0.1"
START_SECONDS = 10
STOP_SECONDS = 5


@dataclass(frozen=True)
class RunningSandbox:
    """A running sandbox.

    Attributes:
        url: Its root URL, without a trailing slash; systems are mounted below, e.g. `<url>/productive/api/v2`.
        admin: Its admin.
    """

    url: str
    admin: AdminClient


class Server(uvicorn.Server):
    """A server that calls back once it accepts connections."""

    def __init__(self, app: ASGIApp, ready: Callable[[], None]) -> None:
        """Serve `app`; call `ready` once connections are accepted."""
        config = uvicorn.Config(
            app,
            http=AbortableProtocol,
            ws="none",
            lifespan="off",
            access_log=False,
            # The gateway adds it, by the sandbox's clock.
            date_header=False,
            # Aborted connections are expected here; the gateway prints defects.
            log_level="critical",
            timeout_graceful_shutdown=1,
            # Keep a connection that a slow test leaves idle open for its next request.
            timeout_keep_alive=60,
        )
        super().__init__(config)
        self._ready = ready

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


def listen(port: int) -> socket.socket:
    """Return a socket bound to loopback; port 0 takes any free one."""
    # asyncio disables Nagle's algorithm, which costs 40 ms per answer, only if the protocol is given.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((LOOPBACK, port))
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the root URL of a listening socket."""
    return f"http://{LOOPBACK}:{listener.getsockname()[1]}"


@contextmanager
def running_sandbox(
    *,
    seed: int = 1,
    scale: float = 1.0,
    scales: Mapping[str, float] | None = None,
    latency_ms: int = 0,
    accounts: Sequence[str] = (),
) -> Iterator[RunningSandbox]:
    """Run a sandbox in a thread of this process, on a free port, for the duration of the block.

    Args:
        seed: The seed of the generated worlds.
        scale: Factor for the number of rows.
        scales: Factors of single systems, by name.
        latency_ms: Delay of each answer of an API, in milliseconds.
        accounts: Further accounts.

    Raises:
        RuntimeError: The server did not start in time.
    """
    ready = threading.Event()
    app = create_app(seed=seed, size=Size(scale, scales or {}), latency_ms=latency_ms, account_names=accounts)
    server = Server(app, ready.set)
    with listen(0) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="sandbox", daemon=True)
        thread.start()
        if not ready.wait(START_SECONDS):
            raise RuntimeError("the sandbox did not start in time")
        url = url_of(listener)
        try:
            with AdminClient(url) as admin:
                yield RunningSandbox(url, admin)
        finally:
            server.should_exit = True
            thread.join(STOP_SECONDS)
