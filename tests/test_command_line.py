"""What a person at a terminal sees of a tap, and what programs that follow it get."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import singer_rest_core
from conftest import write
from scripts.all_taps import tap_classes, tap_names

if TYPE_CHECKING:
    from conftest import SandboxSettings
    from sandbox.server import RunningSandbox

TAP = "tap-invobi"
RENEWED = "\x1b[2K"
"""What erases a line of a terminal."""


def program(name: str) -> str:
    """Return the path of a console script."""
    return str(Path(sys.executable).with_name(name))


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the tap without a terminal."""
    command = [program(TAP), *arguments]
    return subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)


def at_terminal(arguments: list[str], stdout: Path | None) -> tuple[int, str]:
    """Run the tap at a terminal, its messages in a file or at the terminal too; return exit code and what it shows."""
    controller, terminal = pty.openpty()
    output = stdout.open("wb") if stdout else os.fdopen(os.dup(terminal), "wb")
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "200"}
    with output, subprocess.Popen([program(TAP), *arguments], stdout=output, stderr=terminal, env=environment) as child:
        os.close(terminal)
        output.close()
        shown = b""
        try:
            while part := os.read(controller, 65_536):
                shown += part
        except OSError:  # Linux: the last one that had the terminal open has ended
            pass
        code = child.wait()
    os.close(controller)
    return code, shown.decode()


@pytest.fixture
def config(sandbox_settings: SandboxSettings, tmp_path: Path) -> str:
    """A file with settings for the sandbox."""
    return write(tmp_path / "config.json", sandbox_settings(TAP) | {"details": "none"})


@pytest.mark.parametrize("name", tap_names())
def test_the_version_is_printed_without_importing_the_sdk(name: str) -> None:
    package = name.replace("-", "_")
    source = (
        f"import sys; sys.argv = ['{name}', '--version']; from {package}.__main__ import main; main();"
        "sys.exit('singer_sdk' in sys.modules or 'requests' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines: list[str] = []
    tap_classes()[name].print_version(print_fn=lines.append)
    assert done.stdout.splitlines() == lines, "as the SDK prints it"


def test_every_name_of_core_is_imported_when_it_is_used() -> None:
    assert singer_rest_core.__all__
    for name in singer_rest_core.__all__:
        assert getattr(singer_rest_core, name) is not None
    with pytest.raises(AttributeError, match="no attribute nothing"):
        singer_rest_core.nothing  # noqa: B018 - that it raises


@pytest.mark.slow
def test_measurements_are_logged_for_whoever_asks(config: str, tmp_path: Path) -> None:
    assert "METRIC" not in run("--config", config).stderr
    assert "METRIC" in run("--config", config, TAP_INVOBI_LOGLEVEL="DEBUG").stderr
    logging: dict[str, Any] = {"version": 1, "disable_existing_loggers": False}
    for_program = run("--config", config, SINGER_SDK_LOG_CONFIG=write(tmp_path / "logging.json", logging))
    assert "METRIC" not in for_program.stderr, "so Meltano starts it"
    assert "METRIC" in run("--config", config, LOG_METRICS="1").stderr


def test_a_test_says_which_streams_are_refused_and_why(config: str, sandbox: RunningSandbox) -> None:
    body = json.dumps({"message": "not for sandbox-token"})
    sandbox.admin.add_fault("*/prompts/labels", status=403, times=9, body=body)
    sandbox.admin.add_fault("*/prompts", status=422, times=9)

    done = run("--config", config, "--test")

    assert done.returncode == 1
    table = done.stderr[done.stderr.index("stream  ") :]
    lines = {line.split()[0]: line for line in table.splitlines()}
    assert re.fullmatch(r"invoices +allowed +\d+ +\d+\.\d", lines["invoices"])
    assert "refused" in lines["prompt_labels"]
    assert "403" in lines["prompt_labels"]
    assert "failed" in lines["prompts"]
    assert "422" in lines["prompts"]
    assert "sandbox-token" not in done.stderr
    assert '"RECORD"' in done.stdout


@pytest.mark.slow
def test_a_refused_token_ends_a_test_with_one_line(sandbox_settings: SandboxSettings, tmp_path: Path) -> None:
    settings = sandbox_settings(TAP) | {"api_token": "wr0ng"}
    done = run("--config", write(tmp_path / "config.json", settings), "--test")
    assert done.returncode == 1
    assert "Check api_token" in done.stderr
    assert "Traceback" not in done.stderr
    assert "allowed" not in done.stderr


def test_a_terminal_shows_one_line_that_renews_itself_and_log_lines_above_it(
    config: str, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    sandbox.admin.add_fault("*/prompts", delay_ms=1_000)
    messages = tmp_path / "messages.jsonl"
    code, shown = at_terminal(["--config", config], messages)

    assert code == 0, shown
    assert RENEWED in shown
    assert "prompts: 0 rows" in shown
    logged = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line).strip("\r") for line in shown.splitlines()]
    (summary,) = [line for line in logged if "streams read to their end" in line]
    assert re.match(r"\d{4}-\d\d-\d\d ", summary), "a line of its own"
    assert {json.loads(line)["type"] for line in messages.read_text(encoding="utf-8").splitlines()} >= {"RECORD"}
    plain = run("--config", config)
    assert "\x1b" not in plain.stderr


@pytest.mark.slow
def test_messages_at_a_terminal_are_not_mixed_with_a_line_that_renews_itself(config: str) -> None:
    code, shown = at_terminal(["--config", config], None)
    assert code == 0
    assert RENEWED not in shown
    assert '"RECORD"' in shown


def test_a_test_at_a_terminal_shows_the_table_and_no_records(config: str) -> None:
    code, shown = at_terminal(["--config", config, "--test"], None)
    assert code == 0
    assert "5 streams: 5 allowed" in shown
    assert '"type"' not in shown


@pytest.mark.slow
def test_about_is_for_people_and_json_for_programs() -> None:
    text = run("--about").stdout
    assert "  api_token  (TAP_INVOBI_API_TOKEN)\n    A text, required, secret." in text
    assert json.loads(run("--about", "--format=json").stdout)["name"] == TAP
