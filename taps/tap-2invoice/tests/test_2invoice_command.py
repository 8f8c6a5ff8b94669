"""tap-2invoice on the command line: the messages when something is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conftest import complaints, run_tap, write
from tap_2invoice.streams import DETAILS, LISTS

if TYPE_CHECKING:
    from sandbox.server import RunningSandbox

TAP = str(Path(sys.executable).with_name("tap-2invoice"))
STREAMS = {str(vars(stream)["name"]) for stream in (*LISTS, *DETAILS)}
run = partial(run_tap, TAP)
HINT = "Check access_token (POST auth/generate-token makes one; it expires, after a year or so)"


@pytest.mark.parametrize("arguments", [[], ["--discover"]])
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"access_token": "wr0ng-t0ken"},
            f"GET /2invoice/auth/token-information answered 401: Unauthenticated. {HINT}",
        ),
        (
            {"api_url": "http://127.0.0.1:9"},
            "127.0.0.1:9 cannot be reached: Connection refused. Check api_url and the network",
        ),
        (
            {"api_url": "http://api.2invoice.ro"},
            "Setting api_url is not encrypted; use https, or set allow_plain_http if the network is yours",
        ),
        ({"concurrency": 0}, "Setting concurrency must be at least 1 (it is '0')"),
        ({"access_token": 12345}, "Setting access_token must be of type string"),
        (
            {"access_token": "wr0ng-t0ken\n"},
            "Setting access_token begins or ends with a blank or a line break: copy it again",
        ),
    ],
)
def test_bad_input_gives_one_line_with_what_to_do(
    two_invoice_settings: dict[str, Any], tmp_path: Path, change: dict[str, Any], expected: str, arguments: list[str]
) -> None:
    done = run("--config", write(tmp_path / "config.json", two_invoice_settings | change), *arguments)

    assert done.returncode == 1
    assert complaints(done) == [expected]
    assert "Traceback" not in done.stderr
    assert "wr0ng-t0ken" not in done.stderr + done.stdout
    assert done.stdout == ""


@pytest.mark.parametrize("arguments", [[], ["--test"]])
def test_a_missing_token_is_named(two_invoice_settings: dict[str, Any], tmp_path: Path, arguments: list[str]) -> None:
    config = write(tmp_path / "config.json", {"api_url": two_invoice_settings["api_url"]})

    done = run("--config", config, *arguments)

    assert done.returncode == 1
    assert complaints(done) == [
        "Setting access_token is missing: set it in the configuration or as TAP_2INVOICE_ACCESS_TOKEN"
    ]


def test_about_requests_nothing(sandbox: RunningSandbox, two_invoice_settings: dict[str, Any], tmp_path: Path) -> None:
    done = run("--about", "--config", write(tmp_path / "config.json", two_invoice_settings))

    assert done.returncode == 0
    assert "access_token" in done.stdout
    assert sandbox.admin.requests() == []


def test_discovery_and_then_a_run_as_meltano_does_them(
    sandbox: RunningSandbox, two_invoice_settings: dict[str, Any], tmp_path: Path
) -> None:
    config = write(tmp_path / "config.json", two_invoice_settings)
    catalog = json.loads(run("--config", config, "--discover").stdout)
    sandbox.admin.clear_requests()

    done = run("--config", config, "--catalog", write(tmp_path / "catalog.json", catalog))

    assert done.returncode == 0
    assert complaints(done) == [
        "invoices: field efactura_index is not in the schema; its value is kept in _rescued_data"
    ]
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    assert sum(message["type"] == "RECORD" for message in messages) == 241
    assert len(sandbox.admin.requests()) == 1 + 8 + 6 + 3
    assert two_invoice_settings["access_token"] not in done.stdout + done.stderr


def test_the_connection_test_reads_one_record_of_every_stream_and_logs_no_warning(
    two_invoice_settings: dict[str, Any], tmp_path: Path
) -> None:
    done = run("--config", write(tmp_path / "config.json", two_invoice_settings), "--test")

    assert done.returncode == 0
    assert complaints(done) == []
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    assert {message["stream"] for message in messages if message["type"] == "RECORD"} == STREAMS
    assert not [message for message in messages if message["type"] == "ACTIVATE_VERSION"]


def test_an_environment_variable_is_a_setting(two_invoice_settings: dict[str, Any]) -> None:
    environment = os.environ | {
        "TAP_2INVOICE_ACCESS_TOKEN": two_invoice_settings["access_token"],
        "TAP_2INVOICE_API_URL": two_invoice_settings["api_url"],
    }
    done = subprocess.run(
        [TAP, "--config", "ENV", "--discover"], capture_output=True, text=True, check=False, env=environment
    )

    assert done.returncode == 0
    columns = {entry["tap_stream_id"]: entry["schema"]["properties"] for entry in json.loads(done.stdout)["streams"]}
    assert len(columns["invoices"]) > 20
