"""The command of a tap, as its user runs it. Run as a script, this file is that tap."""

from __future__ import annotations

import base64
import ctypes
import io
import json
import logging
import os
import shlex
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, cast
from urllib.parse import quote, quote_plus

import pytest
from singer_sdk import typing as th
from werkzeug import Response

from singer_rest_core import NextLinkPaginator, RestStream, RestTap, settings_schema
from singer_rest_core.records.row_layout import FlatRows
from singer_rest_core.singer import writer as message_writer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import requests
    from pytest_httpserver import HTTPServer
    from singer_sdk.streams.rest import HTTPRequest
    from werkzeug import Request

    from singer_rest_core import ListQuery, PageParams

_TOKEN = "tok-5ecret-0123456789"


class Things(RestStream):
    """Things, by their changes."""

    name = "things"
    primary_keys = ("id",)
    row_layout = FlatRows("data", envelope=("next",))
    replication_key = "updated_at"
    is_sorted = True
    schema: ClassVar[dict[str, Any]] = {
        "properties": {
            "id": {"type": "string"},
            "updated_at": {"type": "string", "format": "date-time"},
            "_rescued_data": {"type": ["object", "null"]},
        },
    }

    def __init__(self, tap: RestTap) -> None:
        """Bind the stream to its tap."""
        super().__init__(tap, path="/things")

    def get_new_paginator(self) -> NextLinkPaginator:
        return NextLinkPaginator(
            {}, next_link=lambda page: page.envelope.get("next"), takes=lambda name: name == "after"
        )

    def request_for(self, query: ListQuery, token: PageParams | None) -> HTTPRequest:
        request = super().request_for(query, token)
        request.params = dict(token or {})
        return request


class CommandTap(RestTap):
    """A tap with one stream, and a bug on demand."""

    name = "tap-command"
    config_jsonschema: ClassVar[dict[str, Any]] = settings_schema(
        th.Property("auth_token", th.StringType, required=True, secret=True),
        th.Property("has_bug", th.BooleanType),
        api_url=None,
        page_size=(10, 10),
        start_date=None,
    )

    def discover_streams(self) -> Sequence[RestStream]:
        if self.config.get("has_bug"):
            msg = "a bug in the tap"
            raise ZeroDivisionError(msg)
        return [Things(self)]

    def authenticate(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["X-Auth-Token"] = self.config["auth_token"]
        return request


def _day(number: int) -> str:
    return f"2026-01-{number:02}T00:00:00Z"


def _start(tmp_path: Path, *arguments: str, **config: object) -> subprocess.Popen[bytes]:
    settings = tmp_path / "config.json"
    settings.write_text(json.dumps(config))
    return subprocess.Popen(
        [sys.executable, __file__, "--config", str(settings), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"TAP_COMMAND_LOGLEVEL": "INFO", **os.environ, "NO_PROXY": "*"},
    )


@dataclass
class _Ended:
    code: int
    messages: list[dict[str, Any]]
    log: str


class _Shell:
    """Runs the tap's command in this process, ten times faster than in another one."""

    def __init__(self, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
        self._settings = tmp_path / "config.json"
        self._caplog = caplog
        self._out = io.BytesIO()
        monkeypatch.setattr(message_writer, "sys", SimpleNamespace(stdout=SimpleNamespace(buffer=self._out)))
        caplog.set_level(logging.INFO)

    def run(self, *arguments: str, **config: object) -> _Ended:
        self._settings.write_text(json.dumps(config))
        with pytest.raises(SystemExit) as ended:
            CommandTap.get_singer_command().main(["--config", str(self._settings), *arguments])
        logging.captureWarnings(capture=False)
        messages = [json.loads(line) for line in self._out.getvalue().splitlines()]
        return _Ended(cast("int", ended.value.code), messages, self._caplog.text)


@pytest.fixture
def shell(tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Iterator[_Shell]:
    handlers = {signum: signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM)}
    yield _Shell(tmp_path, caplog, monkeypatch)
    for signum, handler in handlers.items():
        signal.signal(signum, handler)


def _page(number: int, rows: list[int], *, last: bool = False) -> Response:
    body = {
        "data": [{"id": str(row), "updated_at": _day(row)} for row in rows],
        "next": None if last else f"?after={number + 1}",
    }
    return Response(json.dumps(body), content_type="application/json")


def _settings(server: HTTPServer) -> dict[str, Any]:
    return {"api_url": server.url_for("/"), "auth_token": _TOKEN}


def test_a_successful_run_exits_with_0(shell: _Shell, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/things").respond_with_response(_page(0, [1, 2], last=True))
    ended = shell.run(**_settings(httpserver))
    assert ended.code == 0
    assert [entry["type"] for entry in ended.messages] == ["SCHEMA", "RECORD", "RECORD", "STATE", "STATE"]
    assert "1 streams read to their end" in ended.log
    assert "Traceback" not in ended.log
    assert _TOKEN not in ended.log


def test_refused_credentials_log_one_line_and_exit_with_1(shell: _Shell, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/things").respond_with_json({"message": f"Bad {_TOKEN}"}, status=401)
    ended = shell.run(**_settings(httpserver))
    assert ended.code == 1
    assert ended.log.count("GET /things answered 401: Bad ***. Check the credentials") == 1
    assert "Traceback" not in ended.log
    assert _TOKEN not in ended.log


def test_wrong_settings_log_one_line_each_and_exit_with_1(shell: _Shell) -> None:
    ended = shell.run(api_url="http://api.example.com", page_size=0, auth_token=f"{_TOKEN}\n")
    assert ended.code == 1
    assert ended.messages == []
    assert "Setting page_size must be at least 1 (it is '0')" in ended.log
    assert "Setting api_url is not encrypted" in ended.log
    assert "Setting auth_token begins or ends with a blank or a line break" in ended.log
    assert _TOKEN not in ended.log
    assert "Traceback" not in ended.log


def test_a_missing_file_logs_one_line_and_exits_with_1(shell: _Shell) -> None:
    ended = shell.run("--config", "nowhere.json")
    assert ended.code == 1
    assert ended.messages == []
    assert ended.log.count("nowhere.json") == 1
    assert "Traceback" not in ended.log


@pytest.mark.parametrize("option", ["--state", "--catalog"])
def test_a_missing_state_or_catalog_logs_one_line_and_exits_with_1(shell: _Shell, option: str) -> None:
    ended = shell.run(option, "nowhere.json", api_url="http://localhost:1", auth_token=_TOKEN)
    assert ended.code == 1
    assert ended.messages == []
    assert ended.log.count(f"nowhere.json, which {option} names, does not exist") == 1
    assert "Traceback" not in ended.log


def _run_with_state(shell: _Shell, httpserver: HTTPServer, folder: Path, content: object) -> _Ended:
    httpserver.expect_request("/things").respond_with_response(_page(0, [1], last=True))
    state = folder / "state.json"
    state.write_text(json.dumps(content))
    return shell.run("--state", str(state), **_settings(httpserver))


@pytest.mark.parametrize(
    "content", [{"type": "STATE", "value": {"bookmarks": {}}}, [], None, "x", [1], {"completed": {}}], ids=str
)
def test_what_is_no_state_ends_the_run_before_anything_is_read(
    shell: _Shell, httpserver: HTTPServer, tmp_path: Path, content: object
) -> None:
    ended = _run_with_state(shell, httpserver, tmp_path, content)
    assert ended.code == 1
    assert ended.messages == []
    assert ended.log.count(f"The state in {tmp_path / 'state.json'} ") == 1
    assert "Traceback" not in ended.log
    assert not httpserver.log


@pytest.mark.parametrize("content", [{}, {"bookmarks": {}}, {"bookmarks": {"others": {}}}], ids=str)
def test_a_state_without_a_bookmark_of_a_stream_reads_it_all(
    shell: _Shell, httpserver: HTTPServer, tmp_path: Path, content: object
) -> None:
    ended = _run_with_state(shell, httpserver, tmp_path, content)
    assert ended.code == 0
    assert [each["record"]["id"] for each in ended.messages if each["type"] == "RECORD"] == ["1"]


def test_a_catalog_that_is_none_ends_the_run_with_one_line(shell: _Shell, tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.json"
    catalog.write_text(json.dumps({"streams": [{"tap_stream_id": "things"}]}))
    ended = shell.run("--catalog", str(catalog), api_url="http://localhost:1", auth_token=_TOKEN)
    assert (ended.code, ended.messages) == (1, [])
    assert ended.log.count(f"The catalog in {catalog}: stream things has no schema") == 1
    assert "Traceback" not in ended.log


def test_a_configuration_on_the_command_line_is_not_repeated(shell: _Shell) -> None:
    ended = shell.run("--config", json.dumps({"auth_token": _TOKEN}))
    assert ended.code == 1
    assert ended.log.count("--config takes the name of a file, or ENV") == 1
    assert _TOKEN not in ended.log


def test_a_batch_config_that_cannot_be_used_ends_the_run_before_anything_is_read(
    shell: _Shell, httpserver: HTTPServer
) -> None:
    ended = shell.run(**_settings(httpserver), batch_config={"x": 1})
    assert (ended.code, ended.messages) == (1, [])
    assert ended.log.count("Setting batch_config") == 1
    assert "Traceback" not in ended.log


def test_settings_of_the_environment_that_are_no_text_end_the_run_with_one_line(
    shell: _Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_bytes(b"TAP_COMMAND_AUTH_TOKEN=\xff")
    monkeypatch.setattr("singer_sdk.configuration._dict_config.find_dotenv", lambda: str(tmp_path / ".env"))
    ended = shell.run("--config", "ENV")
    assert ended.code == 1
    assert ended.log.count("The file .env is not UTF-8 text") == 1
    assert "Traceback" not in ended.log


def test_ctrl_c_before_the_tap_is_made_ends_with_its_code_and_one_line(
    shell: _Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **_more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(CommandTap, "cb_config", interrupted)
    ended = shell.run()
    assert ended.code == 130
    assert ended.log.count("Stopped by SIGINT before anything was read") == 1
    assert "Traceback" not in ended.log


def _in_shell(tmp_path: Path, *arguments: str, output: str) -> tuple[int, list[str]]:
    """Run the tap with its output sent elsewhere; returns its exit code and its errors."""
    settings = tmp_path / "config.json"
    settings.write_text(json.dumps({"api_url": "http://127.0.0.1:1", "auth_token": _TOKEN}))
    done = subprocess.run(  # noqa: S602 - a shell closes the output, and the command is ours
        shlex.join([sys.executable, __file__, "--config", str(settings), *arguments]) + f" {output}",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, [line for line in done.stderr.splitlines() if " INFO " not in line]


@pytest.mark.parametrize("argument", ["--discover", "--about", "--help", "--version"])
def test_an_answer_that_cannot_be_written_gives_one_line_and_exits_with_1(tmp_path: Path, argument: str) -> None:
    code, (line,) = _in_shell(tmp_path, argument, output=">/dev/full")
    assert code == 1
    assert "The output cannot be written: No space left on device" in line


@pytest.mark.parametrize("arguments", [(), ("--discover",)])
def test_a_closed_output_gives_one_line_and_exits_with_1(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    code, (line,) = _in_shell(tmp_path, *arguments, output=">&-")
    assert code == 1
    assert "Standard output is closed" in line


def test_closed_errors_do_not_keep_a_tap_from_its_answer(tmp_path: Path, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/things").respond_with_response(_page(0, [1], last=True))
    settings = tmp_path / "config.json"
    settings.write_text(json.dumps(_settings(httpserver)))
    command = shlex.join([sys.executable, __file__, "--config", str(settings)])
    done = subprocess.run(f"{command} 2>&-", shell=True, capture_output=True, check=False)  # noqa: S602 - as above
    assert done.returncode == 0
    assert b'"RECORD"' in done.stdout


def test_a_bug_in_the_tap_keeps_its_traceback(tmp_path: Path, httpserver: HTTPServer) -> None:
    process = _start(tmp_path, has_bug=True, **_settings(httpserver))
    log = process.communicate(timeout=20)[1].decode()
    assert process.returncode == 1
    assert "Traceback" in log
    assert "ZeroDivisionError" in log
    assert _TOKEN not in log


@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize("status", [401, 422, 503])
def test_no_form_of_the_token_is_in_a_debug_log(
    tmp_path: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, status: int, concurrency: int
) -> None:
    token = "s&cret/tok+en"
    forms = [base64.b64encode(f"a user:{token}".encode()).decode(), quote(token, safe=""), quote_plus(token)]
    forms += [json.dumps({"token": token}).replace("/", "\\/"), token]
    answer = {"message": f"you sent {' and '.join(forms)}"}
    httpserver.expect_request("/things").respond_with_json(answer, status=status, headers={"Retry-After": "0.01"})
    monkeypatch.setenv("TAP_COMMAND_LOGLEVEL", "DEBUG")
    process = _start(tmp_path, **_settings(httpserver) | {"auth_token": token, "concurrency": concurrency})
    out, log = (text.decode() for text in process.communicate(timeout=60))
    assert process.returncode == 1
    assert f"answered {status}: you sent *** and *** and *** and {{" in log
    assert "Traceback" in log
    assert [form for form in [*forms[:3], token, token.replace("/", "\\/")] if form in out + log] == []


@pytest.mark.parametrize("thread", ["main", "another"])
@pytest.mark.parametrize(("signum", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_keeps_what_was_written_and_exits_with_its_code(
    tmp_path: Path,
    httpserver: HTTPServer,
    signum: signal.Signals,
    code: int,
    thread: str,
) -> None:
    """Whichever thread the system hands it to: if it is not the main one, that is not woken from its wait."""
    asked, over = threading.Event(), threading.Event()

    def answer(request: Request) -> Response:
        if "after" in request.args:
            asked.set()
            over.wait(60)
        return _page(0, [1, 2])

    httpserver.expect_request("/things").respond_with_handler(answer)
    process = _start(tmp_path, **_settings(httpserver))
    written: list[bytes] = []
    try:
        assert process.stdout is not None
        # The second page is asked for while the first is written: only its STATE says that it was.
        for line in process.stdout:
            written.append(line)
            if b'"STATE"' in line and any(b'"RECORD"' in each for each in written):
                break
        assert asked.wait(30), "the second page was never requested"
        tasks = {int(task.name) for task in Path(f"/proc/{process.pid}/task").iterdir()}
        receiver = process.pid if thread == "main" else min(tasks - {process.pid})
        assert ctypes.CDLL(None).tgkill(process.pid, receiver, signum) == 0
        out, log = process.communicate(timeout=20)
    finally:
        over.set()
        process.kill()
    assert process.returncode == code
    messages = [json.loads(line) for line in [*written, *out.splitlines()]]
    assert [entry["type"] for entry in messages if entry["type"] != "STATE"] == ["SCHEMA", "RECORD", "RECORD"]
    assert messages[-1]["type"] == "STATE"
    assert messages[-1]["value"]["bookmarks"]["things"]["replication_key_value"] == _day(2)
    assert f"Stopped by {signum.name}" in log.decode()
    assert "Traceback" not in log.decode()


@pytest.mark.parametrize("arguments", [(), ("--test",)])
def test_a_loader_that_exits_early_logs_one_line_and_exits_with_1(
    tmp_path: Path,
    httpserver: HTTPServer,
    arguments: tuple[str, ...],
) -> None:
    httpserver.expect_request("/things").respond_with_response(_page(0, [1], last=True))
    process = _start(tmp_path, *arguments, **_settings(httpserver))
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    log = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(10) == 1
    assert log.count("The loader has exited and no longer reads") == 1
    assert "Traceback" not in log
    assert "BrokenPipe" not in log


if __name__ == "__main__":
    CommandTap.cli()
