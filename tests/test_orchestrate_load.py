"""`orchestrate load` with Meltano, tap, loader and PostgreSQL: one run, one record, and the message after a failure."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from scripts.local_world import ROOT

if TYPE_CHECKING:
    from pytest_httpserver import HTTPServer

    from sandbox.server import RunningSandbox
    from tests.conftest import Pipeline

pytestmark = [pytest.mark.slow, pytest.mark.one_at_a_time]

ORCHESTRATE = str(Path(sys.executable).with_name("orchestrate"))
TOKEN = "sandbox-token"


@dataclass
class Loads:
    """Loads of a pipeline, with their records in a file of their own."""

    pipeline: Pipeline
    runs_file: Path

    def start(self, *options: str, **environment: str) -> subprocess.Popen[str]:
        """Start one without waiting for it."""
        return subprocess.Popen(
            [ORCHESTRATE, "load", self.pipeline.tap, *options],
            cwd=ROOT,
            env={**self.pipeline.environment, "ORCHESTRATE_RUNS_FILE": str(self.runs_file), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *options: str, **environment: str) -> tuple[int, str, dict[str, Any]]:
        """Run one; return its exit code, what was printed, and its record."""
        child = self.start(*options, **environment)
        output, _ = child.communicate()
        return child.returncode, output, self.record

    @property
    def record(self) -> dict[str, Any]:
        """The last record."""
        record: dict[str, Any] = json.loads(self.runs_file.read_text(encoding="utf-8").splitlines()[-1])
        return record

    @property
    def table(self) -> list[dict[str, Any]]:
        """The records in the database."""
        return self.pipeline.rows("select * from orchestrate.invoicing_runs order by started")


@pytest.fixture
def loads(pipeline: Pipeline, tmp_path: Path) -> Loads:
    """A pipeline of few streams that has never run."""
    return Loads(pipeline.selecting("invoices", "payments", "tasks"), tmp_path / "runs.jsonl")


def test_a_run_has_one_record_in_the_file_and_one_beside_the_data(loads: Loads, sandbox: RunningSandbox) -> None:
    rows = {name: len(sandbox.admin.records(name)) for name in ("invoices", "payments", "tasks")}
    code, output, record = loads.run()

    assert code == 0, output
    assert "METRIC" not in output
    assert (record["result"], record["error"], record["exit_code"]) == ("succeeded", None, 0)
    assert (record["tap"], record["loader"], record["account"]) == ("tap-productive", "target-postgres", "default")
    assert record["rows_read"] == record["rows_written"] == sum(rows.values())
    assert record["rows_deleted"] == 0
    assert record["requests"] == len(sandbox.admin.requests())
    (row,) = loads.table
    assert json.loads(json.dumps(row, default=str)).keys() == record.keys()
    assert str(row.pop("run_id")) == record["run_id"]
    for name in ("started", "ended"):
        assert row.pop(name).isoformat(timespec="milliseconds").replace("+00:00", "Z") == record[name]
    assert row == {name: record[name] for name in row}

    sandbox.admin.delete("payments", sandbox.admin.records("payments")[0]["id"])
    code, output, record = loads.run("--account=acme", "--metrics")

    assert code == 0, output
    assert "METRIC" in output
    assert (record["account"], record["rows_deleted"]) == ("acme", 1)
    # The deleted payment is read from the list of deleted items.
    assert record["rows_read"] == record["rows_written"] + 1
    assert record["rows_read"] < sum(rows.values()), "options of ours do not reach Meltano"
    assert len(loads.table) == 2


def test_a_failure_is_recorded_and_posted_without_any_secret(
    loads: Loads, sandbox: RunningSandbox, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/hook", method="POST").respond_with_data("ok")
    elsewhere = f"https://elsewhere.example.com/?token={TOKEN}"
    sandbox.admin.add_fault("*/tasks", query="page[after]", skip=1, redirect_to=elsewhere)
    sandbox.admin.add_fault("*/payments", status=403, times=9)

    code, output, record = loads.run(ON_FAILURE_URL=httpserver.url_for("/hook?key=for-the-hook"))

    assert code == 1, output
    assert record["result"] == "failed"
    assert "1 of 3 streams failed: tasks" in record["error"]
    assert record["failed_streams"].keys() == {"tasks"}
    assert record["skipped_streams"].keys() == {"payments"}
    assert record["rows_written"] == record["rows_read"] > len(sandbox.admin.records("invoices"))
    ((request, _),) = httpserver.log
    assert request.get_json()["run"] == record
    assert record["error"] in request.get_json()["text"]
    said = request.get_data(as_text=True) + loads.runs_file.read_text(encoding="utf-8")
    assert TOKEN not in said
    assert "for-the-hook" not in said + output


def test_the_error_of_a_loader_is_recorded_and_what_cannot_be_written_is_said(
    loads: Loads, httpserver: HTTPServer
) -> None:
    loads.pipeline.tap = "tap-invobi"
    url = "postgresql+psycopg://loader:pa55-word@127.0.0.1:1/warehouse"
    code, output, record = loads.run(SANDBOX_DATABASE_URL=url, ON_FAILURE_URL=httpserver.url_for("/nobody-takes-it"))

    assert code == 1, output
    assert "connection to server" in record["error"]
    assert (record["rows_written"], record["rows_deleted"]) == (None, None)
    assert "The table of runs cannot be written" in output
    assert "ON_FAILURE_URL: localhost answered 500" in output
    assert "pa55-word" not in output + loads.runs_file.read_text(encoding="utf-8")


def test_a_signal_ends_all_and_the_next_run_goes_on_from_the_state(loads: Loads, sandbox: RunningSandbox) -> None:
    sandbox.admin.add_fault("*/tasks", query="page[after]", skip=1, delay_ms=60_000)
    child = loads.start()
    assert child.stdout
    for line in child.stdout:
        if "tasks: reading" in line:
            break
    below = psutil.Process(child.pid).children(recursive=True)
    assert len(below) >= 2
    child.send_signal(signal.SIGTERM)
    output, _ = child.communicate()

    assert child.returncode == 128 + signal.SIGTERM, output
    assert not [each for each in below if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
    assert (loads.record["result"], loads.record["exit_code"]) == ("interrupted", 143)
    assert loads.record["error"] == "Ended by SIGTERM"
    sandbox.admin.clear_faults()
    sandbox.admin.clear_requests()

    code, output, record = loads.run()

    assert code == 0, output
    assert "invoices: reading what changed since the last run" in output
    assert record["result"] == "succeeded"
    assert len(loads.pipeline.rows("select id from tasks")) == len(sandbox.admin.records("tasks"))


def test_what_is_not_there_is_said_in_one_line(loads: Loads, tmp_path: Path) -> None:
    environment = dict(loads.pipeline.environment)
    outside = subprocess.run(
        [ORCHESTRATE, "load", "tap-invobi"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert outside.returncode == 1
    assert "There is no meltano.yml in" in outside.stderr
    code, output, record = Loads(loads.pipeline, loads.runs_file).run("--no-such-option")
    assert code == 2, output
    assert "No such option" in record["error"]
