"""A server between a tap and the sandbox that changes answers, and keeps what was sent."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_NOT_PASSED_ON = frozenset({"connection", "content-encoding", "content-length", "host", "transfer-encoding"})


@dataclass
class Answer:
    """What is sent back.

    Args:
        path: The path that was requested, with its query.
        status: The status.
        headers: The headers.
        content: The body.
    """

    path: str
    status: int
    headers: dict[str, str]
    content: bytes


@dataclass
class Middleman:
    """What a test knows of the server.

    Args:
        url: Its root, to be used in place of the sandbox's.
        change: Changes an answer before it is sent; may be replaced.
        sent: The requests, as text: path, headers and body.
    """

    url: str
    change: Callable[[Answer], None] = lambda _answer: None
    sent: list[str] = field(default_factory=list)


@contextmanager
def middleman(sandbox_url: str, translate: Callable[[str], str] = lambda text: text) -> Iterator[Middleman]:
    """Run the server.

    Args:
        sandbox_url: The root of the sandbox; empty for a server that answers 200 and `{}` to everything.
        translate: Changes the values of headers, and bodies, before they are passed on.

    Yields:
        The server.
    """
    session = requests.Session()
    session.trust_env = False
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._pass_on()

        def do_POST(self) -> None:
            self._pass_on()

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            own.sent.append(f"{self.command} {self.path}\n{self.headers}\n{body.decode('latin-1')}")
            answer = self._answer(body)
            own.change(answer)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def _answer(self, body: bytes) -> Answer:
            passed_on = {name: value for name, value in self.headers.items() if name.lower() not in _NOT_PASSED_ON}
            headers = {name: translate(value) for name, value in passed_on.items()}
            if not sandbox_url:
                return Answer(self.path, 200, {"content-type": "application/json"}, b"{}")
            with lock:
                there = session.request(
                    self.command,
                    f"{sandbox_url}{self.path}",
                    data=translate(body.decode()).encode(),
                    headers=headers,
                    timeout=30,
                    allow_redirects=False,
                )
            kept = {name: value for name, value in there.headers.items() if name.lower() not in _NOT_PASSED_ON}
            content = there.content.replace(sandbox_url.encode(), own.url.encode())
            return Answer(self.path, there.status_code, kept, content)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    own = Middleman(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield own
    finally:
        server.shutdown()
        server.server_close()
        session.close()
        thread.join()
