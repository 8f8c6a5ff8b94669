"""tap-invobi on the command line: the messages when something is wrong."""

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

if TYPE_CHECKING:
    from sandbox.server import RunningSandbox

TAP = str(Path(sys.executable).with_name("tap-invobi"))
run = partial(run_tap, TAP)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"api_token": "wr0ng-t0ken"},
            (
                "GET /invobi/api/v1/invoices answered 401: Invalid or expired API token. "
                "Check api_token (Invobi: account settings)"
            ),
        ),
        ({"api_token": None}, "Setting api_token is missing: set it in the configuration or as TAP_INVOBI_API_TOKEN"),
        (
            {"api_token": "wr0ng-t0ken\n"},
            "Setting api_token begins or ends with a blank or a line break: copy it again",
        ),
        ({"details": "some"}, "Setting details must be one of changed, all, none (it is 'some')"),
        ({"invoice_status": "open"}, "Setting invoice_status must be one of paid, unpaid (it is 'open')"),
        ({"detail_max_age_days": -1}, "Setting detail_max_age_days must be at least 0 (it is '-1')"),
        ({"page_size": 500}, "Setting page_size must be at most 100 (it is '500')"),
        (
            {"documents_url": "ftp://example.com/"},
            "Setting documents_url: ftp:// is not supported for documents: use a folder, file://, s3://, gs:// or az://",
        ),
        (
            {"api_url": "http://invobi.com/api/v1"},
            "Setting api_url is not encrypted; use https, or set allow_plain_http if the network is yours",
        ),
        (
            {"api_url": "http://127.0.0.1:9/api/v1"},
            "127.0.0.1:9 cannot be reached: Connection refused. Check api_url and the network",
        ),
    ],
)
def test_bad_input_gives_one_line_with_what_to_do(
    invobi_settings: dict[str, Any], tmp_path: Path, change: dict[str, Any], expected: str
) -> None:
    done = run("--config", write(tmp_path / "config.json", invobi_settings | change))

    assert done.returncode == 1
    assert complaints(done) == [expected]
    assert "Traceback" not in done.stderr
    assert "wr0ng-t0ken" not in done.stderr + done.stdout
    assert '"RECORD"' not in done.stdout


def test_the_connection_test_reads_one_record_of_every_stream(invobi_settings: dict[str, Any], tmp_path: Path) -> None:
    config = invobi_settings | {"documents_url": str(tmp_path / "documents")}

    done = run("--config", write(tmp_path / "config.json", config), "--test")

    assert done.returncode == 0
    assert complaints(done) == []
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    read = sorted(message["stream"] for message in messages if message["type"] == "RECORD")
    assert read == ["invoice_details", "invoice_documents", "invoices", "prompt_labels", "prompts"]
    assert not [message for message in messages if message["type"] == "ACTIVATE_VERSION"]


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_run_and_keeps_the_details_that_were_read(
    sandbox: RunningSandbox, invobi_settings: dict[str, Any], tmp_path: Path, signum: signal.Signals
) -> None:
    key = sandbox.admin.system("invobi").records("invoices")[-31]["id"]
    sandbox.admin.add_fault(f"*/invoices/{key}", delay_ms=60_000)
    config = write(tmp_path / "config.json", invobi_settings | {"concurrency": 1})
    with (tmp_path / "out").open("wb") as out, (tmp_path / "log").open("wb") as log:
        child = subprocess.Popen([TAP, "--config", config], stdout=out, stderr=log)
        while not [request for request in sandbox.admin.requests() if request["path"].endswith(f"/{key}")]:
            assert child.poll() is None
            time.sleep(0.05)
        child.send_signal(signum)
        child.wait(timeout=10)

    assert child.returncode == 128 + signum
    log_text = (tmp_path / "log").read_text()
    assert f"Stopped by {signum.name}" in log_text
    assert "Traceback" not in log_text
    messages = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    state = [message["value"] for message in messages if message["type"] == "STATE"][-1]
    written = {m["record"]["id"] for m in messages if m["type"] == "RECORD" and m["stream"] == "invoice_details"}
    remembered = state["bookmarks"]["invoice_details"]["remembered"].keys()
    assert len(written) == 30
    assert remembered == written
