"""tap-productive on the command line: the messages when something is wrong."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conftest import complaints, read, run_tap, write
from tap_productive.tap import TapProductive

if TYPE_CHECKING:
    from sandbox.server import RunningSandbox

TAP = str(Path(sys.executable).with_name("tap-productive"))
run = partial(run_tap, TAP)


def catalog_of(*selected: str) -> dict[str, Any]:
    """The catalog with only these streams selected."""
    catalog: dict[str, Any] = TapProductive(config={"auth_token": "-", "organization_id": "1"}).catalog_dict
    for entry in catalog["streams"]:
        for about in entry["metadata"]:
            if not about["breadcrumb"]:
                about["metadata"]["selected"] = entry["tap_stream_id"] in selected
    return catalog


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"auth_token": "wr0ng-t0ken"},
            (
                "GET /productive/api/v2/activities answered 401: Unauthenticated: You are not authenticated. "
                "Check auth_token (Productive: Settings > API integrations)"
            ),
        ),
        (
            {"organization_id": "4711"},
            (
                "GET /productive/api/v2/activities answered 403: Access Denied: "
                "Organization ID is missing or cannot be reached with this token. "
                "Check organization_id 4711: no organization that the token reaches has this number"
            ),
        ),
        (
            {"api_url": "http://127.0.0.1:9/api/v2"},
            "127.0.0.1:9 cannot be reached: Connection refused. Check api_url and the network",
        ),
        (
            {"auth_token": None},
            "Setting auth_token is missing: set it in the configuration or as TAP_PRODUCTIVE_AUTH_TOKEN",
        ),
        (
            {"start_date": "yesterday"},
            "Setting start_date is not a date: 'yesterday'; write it as 2026-01-31 or 2026-01-31T00:00:00Z",
        ),
        ({"page_size": 500}, "Setting page_size must be at most 200 (it is '500')"),
        ({"auth_token": 12345}, "Setting auth_token must be of type string"),
        (
            {"api_url": "http://api.productive.io/api/v2"},
            "Setting api_url is not encrypted; use https, or set allow_plain_http if the network is yours",
        ),
        ({"api_url": "productive"}, "Setting api_url is not an http(s) URL such as https://api.example.com/v1"),
    ],
)
def test_bad_input_gives_one_line_with_what_to_do(
    productive_settings: dict[str, Any],
    tmp_path: Path,
    change: dict[str, Any],
    expected: str,
) -> None:
    done = run("--config", write(tmp_path / "config.json", productive_settings | change))

    assert done.returncode == 1
    assert [re.sub(r" \(x-request-id sandbox-\d+\)", "", line) for line in complaints(done)] == [expected]
    assert "Traceback" not in done.stderr
    assert "wr0ng-t0ken" not in done.stderr + done.stdout
    assert '"RECORD"' not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--config", "missing.json"], "missing.json, which --config names, does not exist"),
        (["--state", "missing.json"], "missing.json"),
        (["--catalog", "missing.json"], "missing.json"),
    ],
)
def test_a_missing_file_is_named(
    productive_settings: dict[str, Any],
    tmp_path: Path,
    arguments: list[str],
    expected: str,
) -> None:
    config = write(tmp_path / "config.json", productive_settings)

    done = run("--config", config, *arguments)

    assert done.returncode != 0
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("option", ["--config", "--state", "--catalog"])
def test_a_file_that_is_no_json_is_named(productive_settings: dict[str, Any], tmp_path: Path, option: str) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text('{"a": ', encoding="utf-8")

    done = run("--config", write(tmp_path / "config.json", productive_settings), option, str(broken))

    assert done.returncode == 1
    assert len(complaints(done)) == 1
    assert "is not valid JSON" in complaints(done)[0]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("option", "content"),
    [
        ("--state", '{"bookmarks": null}'),
        ("--state", '{"bookmarks": {"tasks": null}}'),
        ("--catalog", "[]"),
        ("--catalog", '{"streams": {}}'),
    ],
)
def test_a_file_of_another_form_is_an_error_of_one_line(
    productive_settings: dict[str, Any],
    tmp_path: Path,
    option: str,
    content: str,
) -> None:
    odd = tmp_path / "odd.json"
    odd.write_text(content, encoding="utf-8")

    done = run("--config", write(tmp_path / "config.json", productive_settings), option, str(odd))

    assert done.returncode == 1
    assert len(complaints(done)) == 1
    assert "Traceback" not in done.stderr


def test_a_full_disk_ends_the_run_with_one_line(productive_settings: dict[str, Any], tmp_path: Path) -> None:
    config = write(tmp_path / "config.json", productive_settings)
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run([TAP, "--config", config], stdout=full, stderr=subprocess.PIPE, text=True, check=False)

    assert done.returncode == 1
    assert complaints(done)[0] == "What was read cannot be written: No space left on device"
    assert "Traceback" not in done.stderr


def test_an_environment_variable_of_the_wrong_kind_is_named() -> None:
    environment = os.environ | {"TAP_PRODUCTIVE_PAGE_SIZE": "many"}
    done = subprocess.run([TAP, "--config", "ENV"], capture_output=True, text=True, check=False, env=environment)

    assert done.returncode == 1
    (line,) = complaints(done)
    assert line.startswith("Environment variable TAP_PRODUCTIVE_PAGE_SIZE has a value of the wrong kind")
    assert line.endswith("it must be a whole number (it is 'many')")
    assert "Traceback" not in done.stderr


def test_a_setting_that_does_not_exist_is_named_with_what_was_meant(
    productive_settings: dict[str, Any],
    tmp_path: Path,
) -> None:
    config = write(tmp_path / "config.json", productive_settings | {"organisation_id": "1"})

    done = run("--config", config, "--discover")

    assert done.returncode == 0
    assert "Setting organisation_id is unknown and has no effect: did you mean organization_id?" in complaints(done)


def test_a_run_leaves_no_temporary_file_unclosed(
    productive_settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONWARNINGS", "default")
    config = write(tmp_path / "config.json", productive_settings)
    catalog = write(tmp_path / "catalog.json", catalog_of("custom_field_values", "deals"))

    done = run("--config", config, "--catalog", catalog)

    assert done.returncode == 0
    assert '"stream":"custom_field_values","record"' in done.stdout
    assert "ResourceWarning" not in done.stderr


def test_discovery_lists_the_requested_reports_and_refuses_unknown_ones(tmp_path: Path) -> None:
    def discover(reports: object) -> subprocess.CompletedProcess[str]:
        return run("--config", write(tmp_path / "config.json", {"reports": reports}), "--discover")

    good = discover([{"name": "payment_reports", "group": ["company", "date:month"]}])
    assert good.returncode == 0
    streams = [entry["tap_stream_id"] for entry in json.loads(good.stdout)["streams"]]
    assert "payment_reports_by_company_and_date_month" in streams

    bad = discover([{"name": "pocket_money_reports"}])
    assert bad.returncode == 1
    assert complaints(bad)[0].startswith(
        "Setting reports names 'pocket_money_reports', which is not a report; there are:"
    )
    assert len(complaints(bad)) == 1

    assert complaints(discover(["payment_reports"])) == [
        "Setting reports.0 must be of type object (it is 'payment_reports')"
    ]


def test_the_connection_test_reads_one_record_of_every_stream_and_logs_no_warning(
    productive_settings: dict[str, Any],
    tmp_path: Path,
) -> None:
    done = run("--config", write(tmp_path / "config.json", productive_settings), "--test")

    assert done.returncode == 0
    assert complaints(done) == []
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted(message["stream"] for message in messages if message["type"] == "RECORD") == sorted(
        message["stream"] for message in messages if message["type"] == "SCHEMA"
    )
    assert not [message for message in messages if message["type"] == "ACTIVATE_VERSION"]


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_run_with_its_state(
    sandbox: RunningSandbox,
    productive_settings: dict[str, Any],
    tmp_path: Path,
    signum: signal.Signals,
) -> None:
    sandbox.admin.add_fault("*/tasks", query="page[after]", skip=2, delay_ms=60_000)
    config = write(tmp_path / "config.json", productive_settings)
    catalog = write(tmp_path / "catalog.json", catalog_of("organizations", "tasks"))
    child = subprocess.Popen(
        [TAP, "--config", config, "--catalog", catalog],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout
    lines = []
    for line in child.stdout:
        lines.append(line)
        if sum('"stream":"tasks"' in each and '"RECORD"' in each for each in lines) == 400 and '"STATE"' in line:
            break
    child.send_signal(signum)
    rest, log = child.communicate(timeout=10)

    assert child.returncode == 128 + signum
    assert f"Stopped by {signum.name}" in log
    assert "Traceback" not in log
    messages = [json.loads(line) for line in [*lines, *rest.splitlines()]]
    state = [message["value"] for message in messages if message["type"] == "STATE"][-1]
    written = {m["record"]["id"] for m in messages if m["type"] == "RECORD" and m["stream"] == "tasks"}
    sandbox.admin.clear_faults()
    rest_of_it = read(TapProductive, productive_settings, state=state, select="tasks").ids("tasks")
    assert len(rest_of_it) == 20
    assert written | set(rest_of_it) == {row["id"] for row in sandbox.admin.records("tasks")}


def test_a_loader_that_is_gone_gets_one_line(productive_settings: dict[str, Any], tmp_path: Path) -> None:
    config = write(tmp_path / "config.json", productive_settings)
    with subprocess.Popen([TAP, "--config", config], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout
        assert child.stderr
        child.stdout.readline()
        child.stdout.close()
        log = child.stderr.read().decode()

    assert child.returncode == 1
    assert "The loader has exited and no longer reads" in log
    assert "Traceback" not in log
    assert "Exception ignored" not in log
