"""A signal ends every tap within seconds, whatever it waits for: limits or a login."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conftest import CONCURRENCY, write

if TYPE_CHECKING:
    from conftest import SandboxSettings
    from sandbox.server import RunningSandbox

_AT_ONCE = 3.0
"""Seconds, with the end of a Python process on a busy machine; every wait of these tests is longer than ten."""


def _end_while_waiting(
    sandbox: RunningSandbox, tap: str, path: str, settings: dict[str, Any], tmp_path: Path
) -> tuple[float, list[dict[str, Any]], str]:
    """Run a tap, signal it once a path was requested; return how long it went on, its messages and its log."""
    command = [str(Path(sys.executable).with_name(tap)), "--config", write(tmp_path / "config.json", settings)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        until = time.monotonic() + 30
        while not any(path in request["path"] for request in sandbox.admin.requests()):
            if time.monotonic() > until:
                child.kill()
                pytest.fail("what it should wait for was never requested")
            time.sleep(0.1)
        time.sleep(0.5)
        assert child.poll() is None
        before = time.monotonic()
        child.send_signal(signal.SIGTERM)
        out, log = child.communicate(timeout=100)
        took = time.monotonic() - before
    assert child.returncode == 143
    return took, [json.loads(line) for line in out.splitlines()], log.decode()


@CONCURRENCY
def test_a_login_that_has_to_wait_ends_at_once(
    sandbox: RunningSandbox, sandbox_settings: SandboxSettings, tmp_path: Path, concurrency: int
) -> None:
    sandbox.admin.add_fault("*/token", status=429, headers={"Retry-After": "60"}, times=50)
    settings = sandbox_settings("tap-covage") | {"concurrency": concurrency}
    took, _, log = _end_while_waiting(sandbox, "tap-covage", "/token", settings, tmp_path)
    assert took < _AT_ONCE
    assert "Stopped by SIGTERM" in log


@CONCURRENCY
def test_a_wait_for_the_limits_ends_at_once(
    sandbox: RunningSandbox, sandbox_settings: SandboxSettings, tmp_path: Path, concurrency: int
) -> None:
    settings = sandbox_settings("tap-invobi") | {"concurrency": concurrency, "quota_share": 0.02}
    took, messages, log = _end_while_waiting(sandbox, "tap-invobi", "/invobi/", settings, tmp_path)
    assert took < _AT_ONCE
    assert {message["type"] for message in messages} >= {"SCHEMA", "RECORD"}
    assert "Stopped by SIGTERM" in log
