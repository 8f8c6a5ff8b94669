"""tap-covage on the command line: the messages when something is wrong."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conftest import complaints, run_tap, write
from tap_covage.tap import TapCovage

if TYPE_CHECKING:
    from sandbox.server import RunningSandbox

TAP = str(Path(sys.executable).with_name("tap-covage"))
run = partial(run_tap, TAP)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"password": "wr0ng-pass"},
            (
                "POST /covage/auth/realms/covage/protocol/openid-connect/token answered 401: invalid_grant: "
                "Invalid user credentials. Check username, password and client_id"
            ),
        ),
        (
            {"password": "wr0ng-pass\n"},
            "Setting password holds a line end or another control character: copy it again",
        ),
        ({"password": None}, "Setting password is missing: set it in the configuration or as TAP_COVAGE_PASSWORD"),
        ({"api_url": None}, "Setting api_url is missing: set it in the configuration or as TAP_COVAGE_API_URL"),
        (
            {"auth_url": "http://sso.example.com"},
            "Setting auth_url is not encrypted; use https, or set allow_plain_http if the network is yours",
        ),
        (
            {"auth_url": "https://somebody:wr0ng-pass@sso.example.com"},
            "Setting auth_url must not contain a user name or password",
        ),
        ({"auth_url": "sso"}, "Setting auth_url is not an http(s) URL such as https://api.example.com/v1"),
        (
            {"auth_url": "http://127.0.0.1:9"},
            "127.0.0.1:9 cannot be reached: Connection refused. Check auth_url and the network",
        ),
        (
            {"start_date": "yesterday"},
            "Setting start_date is not a date: 'yesterday'; write it as 2026-01-31 or 2026-01-31T00:00:00Z",
        ),
        ({"lookback_days": "some"}, "Setting lookback_days must be of type number (it is 'some')"),
        (
            {"user_agent": "ä"},
            "Setting user_agent contains a character not allowed in headers (such as a line break): copy it again",
        ),
    ],
)
def test_bad_input_gives_one_line_with_what_to_do(
    covage_settings: dict[str, Any], tmp_path: Path, change: dict[str, Any], expected: str
) -> None:
    done = run("--config", write(tmp_path / "config.json", covage_settings | change))

    assert done.returncode == 1
    assert complaints(done) == [expected]
    assert "Traceback" not in done.stderr
    assert "wr0ng-pass" not in done.stderr + done.stdout
    assert '"RECORD"' not in done.stdout


def test_the_connection_test_reads_one_record_of_every_stream(covage_settings: dict[str, Any], tmp_path: Path) -> None:
    config = covage_settings | {"documents_url": str(tmp_path / "documents")}

    done = run("--config", write(tmp_path / "config.json", config), "--test")

    assert done.returncode == 0
    # The fields of an order's detail are not all documented.
    assert all(line.startswith("order_details: field ") for line in complaints(done))
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    read = sorted(message["stream"] for message in messages if message["type"] == "RECORD")
    assert read == sorted({message["stream"] for message in messages if message["type"] == "SCHEMA"})
    assert read == sorted(TapCovage(config={}, validate_config=False).streams)
    assert all(message["schema"]["properties"] for message in messages if message["type"] == "SCHEMA")
    assert not [message for message in messages if message["type"] == "ACTIVATE_VERSION"]


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_run_and_keeps_the_documents_that_were_fetched(
    sandbox: RunningSandbox, covage_settings: dict[str, Any], tmp_path: Path, signum: signal.Signals
) -> None:
    sandbox.admin.add_fault("*/download/", skip=30, delay_ms=60_000)
    settings = covage_settings | {"concurrency": 1, "documents_url": str(tmp_path / "documents")}
    config = write(tmp_path / "config.json", settings)
    with (tmp_path / "out").open("wb") as out, (tmp_path / "log").open("wb") as log:
        child = subprocess.Popen([TAP, "--config", config], stdout=out, stderr=log)
        while sum(request["path"].endswith("/download/") for request in sandbox.admin.requests()) <= 30:
            assert child.poll() is None
            time.sleep(0.05)
        child.send_signal(signum)
        child.wait(timeout=10)

    assert child.returncode == 128 + signum
    log_text = (tmp_path / "log").read_text()
    assert f"Stopped by {signum.name}" in log_text
    assert "Traceback" not in log_text
    messages = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    state = [message["value"] for message in messages if message["type"] == "STATE"][-1]["bookmarks"]
    records = [m["record"] for m in messages if m["type"] == "RECORD" and m["stream"] == "invoice_documents"]
    written = [record["invoice_number"] for record in records]
    assert len(written) == 30
    assert state["invoice_documents"]["remembered"].keys() == set(written)
    assert "replication_key_value" not in state["invoice_documents"]
    assert state["invoices"]["replication_key_value"]
    assert "sandbox-password" not in log_text + (tmp_path / "out").read_text()
    assert "covage-access" not in log_text + (tmp_path / "out").read_text()
