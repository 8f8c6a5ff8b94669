"""`python -m sandbox` as a process."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox.admin_client import AdminClient
from sandbox.app import create_app
from sandbox.server import running_sandbox
from sandbox.tests.productive_client import ProductiveClient

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


@contextmanager
def process(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "sandbox", "--scale", "0.02", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout
        try:
            yield running, running.stdout.readline().strip()
        finally:
            running.kill()


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_its_url_once_it_answers_and_exits_quietly(sign: signal.Signals) -> None:
    with process("--seed", "8") as (running, url):
        assert url.startswith("http://127.0.0.1:")
        api = ProductiveClient(url)
        with running_sandbox(seed=8, scale=0.02) as same:
            assert api.data("companies") == ProductiveClient(same.url).data("companies")
        # The client keeps its connection open all the while.
        running.send_signal(sign)
        out, err = running.communicate(timeout=5)
        assert (running.returncode, out, err) == (0, "", "")


def test_one_system_can_be_smaller_than_the_others() -> None:
    with process("--scale-of", "invobi=0.1") as (_, url), AdminClient(url) as admin:
        assert len(admin.system("invobi").records("invoices")) == 25
        assert len(admin.records("invoices")) == 6


@pytest.mark.parametrize("scale", ["nix=1", "invobi", "invobi=much"])
def test_an_invalid_scale_is_refused(scale: str) -> None:
    with process("--scale-of", scale) as (running, _):
        _, err = running.communicate(timeout=10)
        assert running.returncode == 2
        assert err.splitlines()[-1].startswith("python -m sandbox: error: ")


def test_the_requested_port_is_used_or_the_start_fails() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        with process("--port", str(holder.getsockname()[1])) as (running, url):
            _, err = running.communicate(timeout=10)
            assert running.returncode != 0
            assert (url, "Address already in use" in err) == ("", True)
        port = holder.getsockname()[1]
    with process("--port", str(port)) as (_, url):
        assert url == f"http://127.0.0.1:{port}"


def test_starting_all_systems_is_fast() -> None:
    started = time.process_time()
    create_app()
    assert time.process_time() - started < 2
