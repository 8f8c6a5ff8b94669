"""A signal ends the tap within seconds, whatever it waits for, with its state as the last line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pytest_httpserver import HTTPServer
    from werkzeug import Request

_TAP = Path(__file__).with_name("test_command.py")
"""Run as a script, it is a tap."""

_AT_ONCE = 8.0
"""Seconds, with the end of a Python process on a busy machine; every wait of these tests is longer than ten."""

_ROW = "x" * 900


class _World:
    """An API of many pages, and a tap that reads it."""

    def __init__(self, server: HTTPServer, tmp_path: Path) -> None:
        self.reached = threading.Event()
        """Set when the answer that the tap waits for was asked for."""
        self.over = threading.Event()
        self.hold: Callable[[], Response | None] = lambda: None
        """What the API does when page `held_page` is requested."""
        self.held_page = 3
        self.last_request = (0, 0.0)
        """Its page, and when it came."""
        self._server = server
        self._settings = tmp_path / "config.json"
        server.expect_request("/things").respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        page = int(request.args.get("after", "0"))
        self.last_request = (page, time.monotonic())
        if page == self.held_page:
            self.reached.set()
            held = self.hold()
            if held is not None:
                return held
        rows = [
            {"id": f"{page}-{number}", "updated_at": f"2026-01-01T00:{page:02}:00Z", "text": _ROW}
            for number in range(9)
        ]
        return Response(json.dumps({"data": rows, "next": f"?after={page + 1}"}), content_type="application/json")

    def wait_until_nothing_is_requested(self) -> None:
        """Wait until the tap is blocked: more than a pipe holds was requested, and nothing for a while."""
        until = time.monotonic() + 60
        page, moment = self.last_request
        while page < 5 or time.monotonic() - moment < 1.5:
            assert time.monotonic() < until
            time.sleep(0.1)
            page, moment = self.last_request

    def start(self, **config: object) -> subprocess.Popen[bytes]:
        settings = {"api_url": self._server.url_for("/"), "auth_token": "tok-5ecret-0123456789", **config}
        self._settings.write_text(json.dumps(settings))
        return subprocess.Popen(
            [sys.executable, str(_TAP), "--config", str(self._settings)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "NO_PROXY": "*"},
        )


@pytest.fixture
def world(httpserver: HTTPServer, tmp_path: Path) -> Iterator[_World]:
    made = _World(httpserver, tmp_path)
    yield made
    made.over.set()


def _messages(out: bytes) -> list[dict[str, Any]]:
    assert out.endswith(b"\n")
    return [json.loads(line) for line in out.splitlines()]


def _until(lines: Iterable[bytes], part: bytes) -> Iterator[bytes]:
    """Take lines up to the first that holds something."""
    for line in lines:
        yield line
        if part in line:
            return


def _refused(status: int, wait: str) -> Response:
    return Response("{}", status=status, headers={"Retry-After": wait}, content_type="application/json")


@pytest.mark.parametrize(
    ("wait", "concurrency", "signum", "code"),
    [
        ("429", 1, signal.SIGTERM, 143),
        ("429", 8, signal.SIGINT, 130),
        ("503", 2, signal.SIGTERM, 143),
        ("silence", 1, signal.SIGINT, 130),
        ("silence", 16, signal.SIGTERM, 143),
        ("lost", 1, signal.SIGTERM, 143),
    ],
)
def test_a_signal_ends_any_wait_for_the_api(
    world: _World, wait: str, concurrency: int, signum: signal.Signals, code: int
) -> None:
    def silence() -> None:
        world.over.wait(60)

    world.hold = {
        "429": lambda: _refused(429, "60"),
        "503": lambda: _refused(503, "60"),
        "silence": silence,
        "lost": lambda: Response(iter([b"{"]), headers={"Content-Length": "90", "Connection": "close"}),
    }[wait]
    process = world.start(concurrency=concurrency)
    assert process.stdout is not None
    # The page that is waited for was asked for while the one before it was written: only its STATE says that it was.
    written = list(_until(process.stdout, b'"replication_key_value":"2026-01-01T00:02:00Z"'))
    assert world.reached.wait(30)
    before = time.monotonic()
    process.send_signal(signum)
    rest, log = process.communicate(timeout=60)
    out = b"".join(written) + rest
    assert time.monotonic() - before < _AT_ONCE
    assert process.returncode == code
    last = _messages(out)[-1]
    assert last["type"] == "STATE"
    assert last["value"]["bookmarks"]["things"]["replication_key_value"] == "2026-01-01T00:02:00Z"
    assert f"Stopped by {signum.name}".encode() in log
    assert b"Traceback" not in log


def test_a_loader_that_does_not_read_does_not_keep_the_tap_alive(world: _World) -> None:
    world.held_page = 1_000
    process = world.start()
    world.wait_until_nothing_is_requested()
    assert process.poll() is None
    before = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 143
    assert 2 < time.monotonic() - before < 3 + _AT_ONCE
    out, log = process.communicate()
    assert b"Stopped by SIGTERM: the loader does not read; the next run continues from its last state" in log
    # Lines that a pipe takes at once are not cut even then.
    assert {message["type"] for message in _messages(out)} == {"SCHEMA", "RECORD", "STATE"}


@pytest.mark.parametrize("pause", [0.0, 1.5])
def test_a_loader_that_reads_slowly_gets_every_line_whole_and_the_state_last(world: _World, pause: float) -> None:
    world.held_page = 1_000
    process = world.start()
    assert process.stdout is not None
    world.wait_until_nothing_is_requested()
    process.send_signal(signal.SIGTERM)
    time.sleep(pause)
    received = b""
    while block := os.read(process.stdout.fileno(), 2_000):
        received += block
        time.sleep(0.01)
    assert process.wait(20) == 143
    messages = _messages(received)
    assert messages[-1]["type"] == "STATE"
    records = [message["record"]["updated_at"] for message in messages if message["type"] == "RECORD"]
    assert messages[-1]["value"]["bookmarks"]["things"]["replication_key_value"] in records
    process.communicate()


def test_a_second_signal_ends_the_tap_without_waiting_for_the_loader(world: _World) -> None:
    world.held_page = 1_000
    process = world.start()
    world.wait_until_nothing_is_requested()
    process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    # After waiting for the loader it would be 143.
    assert process.wait(60) == -signal.SIGTERM
    process.communicate()
