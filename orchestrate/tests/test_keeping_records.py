"""Where records go: the file, and the message after a failure."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug import Response

from invoicing_orchestrate import runs_file
from invoicing_orchestrate.errors import PostFailed, ProjectError
from invoicing_orchestrate.failure_post import post
from invoicing_orchestrate.project import Project
from invoicing_orchestrate.record import RunRecord, reason_of

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_httpserver import HTTPServer

RECORD = RunRecord(
    run_id="01a2217a-8791-7fa8-8312-e4e85fcfc4da",
    tap="tap-invobi",
    loader="target-postgres",
    account="default",
    started=datetime(2026, 11, 28, 9, 0, tzinfo=UTC),
    ended=datetime(2026, 11, 28, 9, 1, 40, 5000, tzinfo=UTC),
    result="failed",
    exit_code=1,
    error="GET /invoices answered 401",
    rows_read=1_250,
    rows_written=None,
    rows_deleted=None,
    requests=12,
    skipped_streams={"prompts": "403"},
    failed_streams={},
)


def records(path: Path) -> list[dict[str, Any]]:
    """Return the records in a file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_records_of_runs_that_end_at_once_are_all_kept_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "runs.jsonl"
    each = [replace(RECORD, run_id=f"{number}", error="é\n" * 5_000) for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda record: runs_file.append(path, record), each))
    assert {record["run_id"] for record in records(path)} == {record.run_id for record in each}
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_record_after_one_that_was_cut_off_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    path.write_text('{"run_id": "cut o', encoding="utf-8")
    runs_file.append(path, RECORD)
    assert json.loads(path.read_text(encoding="utf-8").splitlines()[1]) == RECORD.as_json()


def test_a_record_holds_instants_with_their_zone() -> None:
    assert RECORD.as_json()["started"] == "2026-11-28T09:00:00.000Z"
    assert RECORD.as_json()["ended"] == "2026-11-28T09:01:40.005Z"


def test_a_run_in_one_line() -> None:
    counts = "1,250 rows read, 12 requests, 1 streams skipped"
    assert RECORD.line() == f"tap-invobi failed after 1 min 40 s: {counts}. GET /invoices answered 401"


def test_why_a_run_failed_is_what_its_first_stream_says() -> None:
    assert reason_of(RECORD.as_json()) == RECORD.error
    assert reason_of(replace(RECORD, error=None).as_json()) == ""
    failed = replace(RECORD, failed_streams={"prompts": "GET /prompts answered 500", "invoices": "no"})
    assert reason_of(failed.as_json()) == "prompts: GET /prompts answered 500 (and 1 more streams)"


def test_no_text_of_a_record_holds_a_secret() -> None:
    texts = {"prompts": "token s3cr%2Fet refused"}
    record = replace(RECORD, error="s3cr/et " * 1_000, skipped_streams=texts, failed_streams=texts)
    redacted = record.redacted(["s3cr/et"])
    assert "et" not in redacted.line().partition("skipped")[2].replace("streams", "")
    assert redacted.failed_streams == {"prompts": "token *** refused"}
    assert len(redacted.error or "") <= 1_000


def test_a_failure_is_posted_as_json(httpserver: HTTPServer) -> None:
    httpserver.expect_oneshot_request("/hook", method="POST").respond_with_data("", status=503)
    httpserver.expect_oneshot_request("/hook", method="POST").respond_with_data("ok")
    post(httpserver.url_for("/hook?key=1"), RECORD)
    httpserver.check()
    *_, (request, _) = httpserver.log
    assert request.get_json() == {"text": RECORD.line(), "run": RECORD.as_json()}


@pytest.mark.parametrize("status", [404, 500])
def test_a_message_that_is_not_taken_is_said_without_its_address(httpserver: HTTPServer, status: int) -> None:
    httpserver.expect_request("/hook").respond_with_response(Response("no", status=status))
    with pytest.raises(PostFailed) as refused:
        post(httpserver.url_for("/hook?key=s3cret"), RECORD)
    assert str(refused.value) == f"localhost answered {status} to the message of this run"
    assert "s3cret" not in str(refused.value)


def test_an_address_that_is_none_is_said() -> None:
    with pytest.raises(PostFailed, match="no host took no message"):
        post("s3cret", RECORD)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project whose plugin has a secret setting."""
    (tmp_path / "meltano.yml").write_text("", encoding="utf-8")
    (tmp_path / "plugins" / "extractors").mkdir(parents=True)
    settings = [{"name": "login", "sensitive": True}, {"name": "page_size"}]
    lock = {"name": "tap-x", "settings": settings}
    (tmp_path / "plugins" / "extractors" / "tap-x--y.lock").write_text(json.dumps(lock), encoding="utf-8")
    return tmp_path


def test_secrets_are_what_plugins_call_sensitive_and_what_is_named_like_it(folder: Path) -> None:
    (folder / ".env").write_text("TAP_X_LOGIN='from file'\nTAP_X_PAGE_SIZE=10\nUSER=root\n", encoding="utf-8")
    url = "postgresql+psycopg://user:pa%40ss@host/database"
    others = {"EMPTY_KEY": "", "USE_KEY": "true", "HTTPS_PROXY": "http://me:pr0xy@proxy:3128"}
    project = Project(folder, {"TARGET_POSTGRES_SQLALCHEMY_URL": url, "ON_FAILURE_URL": "https://hooks/x", **others})
    assert set(project.secrets) == {"from file", url, "pa%40ss", "https://hooks/x", "pr0xy"}


def test_the_environment_goes_before_dotenv(folder: Path) -> None:
    (folder / ".env").write_text("A=file\nB=file\n", encoding="utf-8")
    assert Project(folder, {"A": "environment"}).variables == {"A": "environment", "B": "file"}


def test_a_project_is_found_above_the_current_folder_or_by_its_variable(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.chdir(folder / "plugins" / "extractors")
    assert Project.found({}).folder == folder
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)
    assert Project.found({"MELTANO_PROJECT_ROOT": str(folder)}).folder == folder
    with pytest.raises(ProjectError, match=r"no meltano\.yml"):
        Project.found({})


@pytest.mark.parametrize(
    ("settings", "connection", "schema"),
    [
        ({"sqlalchemy_url": "postgresql+psycopg://u:p@h/d"}, "postgresql://u:p@h/d", "tap_x"),
        ({"sqlalchemy_url": "postgresql://u:p@h/d", "default_target_schema": "s"}, "postgresql://u:p@h/d", "s"),
        ({"host": "h", "port": 5432, "user": "u", "password": "p'w", "database": "d"}, None, "tap_x"),
    ],
)
def test_the_database_is_that_of_the_loader(settings: dict[str, Any], connection: str | None, schema: str) -> None:
    from invoicing_orchestrate.destination import Destination  # noqa: PLC0415 - takes a moment to load

    destination = Destination.of(settings, "tap_x")
    assert destination is not None
    assert destination.schema == schema
    assert destination.secrets == ["p" if connection else "p'w"]
    if connection:
        assert destination.connection == connection
    assert Destination.of({"host": "h"}, "tap_x") is None
