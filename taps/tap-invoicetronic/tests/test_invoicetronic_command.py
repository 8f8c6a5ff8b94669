"""tap-invoicetronic on the command line: its messages when something is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conftest import complaints
from tap_invoicetronic.fattura import KEYS

if TYPE_CHECKING:
    from sandbox.server import RunningSandbox

TAP = str(Path(sys.executable).with_name("tap-invoicetronic"))
FROM_DOCUMENTS = {"document", *KEYS}


@pytest.fixture
def settings(sandbox: RunningSandbox) -> dict[str, Any]:
    return {"api_key": "ik_live_sandbox", "api_url": f"{sandbox.url}/invoicetronic/v1"}


def run(
    config: dict[str, Any] | None, tmp_path: Path, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    if config is not None:
        (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
        arguments = ("--config", str(tmp_path / "config.json"), *arguments)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TAP_")}
    return subprocess.run([TAP, *arguments], capture_output=True, text=True, check=False, env=clean | environment)


NO_PLACE = (
    "Setting documents_url is missing: payloads and export_periods need a folder or bucket, so that no document is "
    "paid for twice"
)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"api_key": "ik_live_wr0ng"},
            (
                "GET /invoicetronic/v1/company answered 401: Unauthorized: Missing or invalid API key. "
                "Check api_key (Invoicetronic dashboard > API keys)"
            ),
        ),
        (
            {"api_url": "http://127.0.0.1:9/v1"},
            "127.0.0.1:9 cannot be reached: Connection refused. Check api_url and the network",
        ),
        (
            {"api_key": None},
            "Setting api_key is missing: set it in the configuration or as TAP_INVOICETRONIC_API_KEY",
        ),
        ({"page_size": 500}, "Setting page_size must be at most 200 (it is '500')"),
        ({"company_id": "all"}, "Setting company_id must be of type integer (it is 'all')"),
        ({"payloads": "yes"}, "Setting payloads must be one of none, send, receive, both (it is 'yes')"),
        ({"payloads": "receive"}, NO_PLACE),
        ({"export_periods": ["2026-03"]}, NO_PLACE),
        (
            {"export_periods": ["2026-3"], "documents_url": "{tmp}"},
            "Setting export_periods: '2026-3' is not a period; write it like 2026-03 or 2026-Q1",
        ),
        (
            {"export_periods": "2026-03", "documents_url": "{tmp}"},
            "Setting export_periods must be of type array (it is '2026-03')",
        ),
        (
            {"payloads": "send", "documents_url": "ftp://example.com/x"},
            "Setting documents_url: ftp:// is not supported for documents: use a folder, file://, s3://, gs:// or az://",
        ),
        (
            {"api_key": "ik_live_x\n"},
            "Setting api_key begins or ends with a blank or a line break: copy it again",
        ),
        (
            {"api_url": "http://api.invoicetronic.com/v1"},
            "Setting api_url is not encrypted; use https, or set allow_plain_http if the network is yours",
        ),
    ],
)
def test_invalid_settings_get_one_line_that_says_what_to_do(
    settings: dict[str, Any], tmp_path: Path, change: dict[str, Any], expected: str
) -> None:
    change = {name: str(tmp_path) if value == "{tmp}" else value for name, value in change.items()}

    done = run(settings | change, tmp_path)

    assert done.returncode == 1
    assert complaints(done) == [expected]
    assert "Traceback" not in done.stderr
    assert "wr0ng" not in done.stderr + done.stdout
    assert '"RECORD"' not in done.stdout


def test_periods_can_be_an_environment_variable(settings: dict[str, Any], tmp_path: Path) -> None:
    variables = {f"TAP_INVOICETRONIC_{name.upper()}": value for name, value in settings.items()}
    variables |= {
        "TAP_INVOICETRONIC_EXPORT_PERIODS": '["2025-02"]',
        "TAP_INVOICETRONIC_DOCUMENTS_URL": str(tmp_path / "documents"),
    }

    done = run(None, tmp_path, "--config", "ENV", **variables)

    assert done.returncode == 0
    assert '"stream":"fattura_line"' in done.stdout
    assert (tmp_path / "documents" / "live" / "export" / "2025-02-both.zip").exists()
    assert any(line.startswith("export of 2025-02: this costs ") for line in complaints(done))


def test_subkeys_and_what_the_log_repeats_of_requests_are_not_selected_by_default(tmp_path: Path) -> None:
    done = run(None, tmp_path, "--discover")

    streams = {entry["tap_stream_id"]: entry for entry in json.loads(done.stdout)["streams"]}
    unselected = {
        (name, *entry["breadcrumb"])
        for name, stream in streams.items()
        for entry in stream["metadata"]
        if entry["metadata"].get("selected-by-default") is False
    }
    assert unselected == {
        ("subkey",),
        ("log", "properties", "query"),
        ("log", "properties", "response_body"),
    }


def test_the_connection_test_reads_one_record_of_every_list_and_logs_no_warning(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    done = run(settings, tmp_path, "--test")

    assert done.returncode == 0
    assert complaints(done) == []
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    schemas = {message["stream"] for message in messages if message["type"] == "SCHEMA"}
    records = [message["stream"] for message in messages if message["type"] == "RECORD"]
    assert sorted(records) == sorted(schemas - FROM_DOCUMENTS)
    assert not [message for message in messages if message["type"] == "ACTIVATE_VERSION"]


def test_the_key_is_in_no_output(settings: dict[str, Any], tmp_path: Path) -> None:
    done = run(settings | {"api_key": "ik_live_sandbox"}, tmp_path)

    assert done.returncode == 0
    assert "ik_live_sandbox" not in done.stdout + done.stderr
    assert "aWtfbGl2ZV9zYW5kYm94" not in done.stdout + done.stderr  # in base64, as it travels


def test_about_names_the_settings_and_keeps_the_key_secret(tmp_path: Path) -> None:
    done = run(None, tmp_path, "--about", "--format=json")

    properties = json.loads(done.stdout)["settings"]["properties"]
    assert properties["api_key"]["secret"] is True
    assert properties["quota_share"]["default"] == 0.5
    assert properties["payloads"]["default"] == "none"
    assert properties["payload_limit"]["default"] == 100
    assert properties["api_url"]["default"] == "https://api.invoicetronic.com/v1"
