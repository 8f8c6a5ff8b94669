"""The server as a separate process: starting it, changing what it serves, and reading its log."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.processes import child, clean_environment

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class LoggedRequest:
    """A request as the server saw it.

    Args:
        at: Seconds on the server's clock when it was counted.
        path: The requested path.
        status: The status of the response.
    """

    at: float
    path: str
    status: int


@dataclass(frozen=True)
class RunningServer:
    """A running server.

    Args:
        url: Its root URL.
    """

    url: str

    def reset(self, **settings: int | str) -> None:
        """Clear the log, and change what is served.

        Args:
            settings: invoices, list_rows, latency_ms, limit; see `bench.server.service`.
        """
        self._get("reset?" + "&".join(f"{name}={value}" for name, value in settings.items()))

    def log(self) -> list[LoggedRequest]:
        """Return the requests since the last reset."""
        return [LoggedRequest(*entry) for entry in self._get("log")]

    def _get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        with urllib.request.urlopen(f"{self.url}/bench/{path}", timeout=60) as response:  # noqa: S310 - our own server
            return json.loads(response.read())


@contextmanager
def running_server() -> Iterator[RunningServer]:
    """Run the server as a separate process until the block is left.

    Yields:
        The server.

    Raises:
        RuntimeError: If it does not start; its message was printed.
    """
    command = [sys.executable, "-m", "bench.server"]
    with child(command, env=clean_environment({}), stdout=subprocess.PIPE) as process:
        url = process.stdout.readline().decode().strip() if process.stdout else ""
        if not url:
            raise RuntimeError("The server did not start")
        yield RunningServer(url)
