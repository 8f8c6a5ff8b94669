"""The complete pipeline: the sandbox, tap-productive, Meltano, target-postgres, PostgreSQL."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import requests
from psycopg import sql

from scripts.local_world import ROOT
from tap_productive.streams import STREAMS

if TYPE_CHECKING:
    from sandbox.server import RunningSandbox
    from tap_productive.client import ProductiveStream
    from tests.conftest import Pipeline

pytestmark = [pytest.mark.slow, pytest.mark.one_at_a_time]

HEADERS = {
    "X-Auth-Token": "sandbox-token",
    "Content-Type": "application/vnd.api+json",
}


def answers(sandbox: RunningSandbox, organization: str, stream: str, include: str) -> list[dict[str, Any]]:
    """Return what the sandbox answers, without the tap."""
    response = requests.get(
        f"{sandbox.url}/productive/api/v2/{stream}",
        params={"page[size]": "200"} | ({"include": include} if include else {}),
        headers=HEADERS | {"X-Organization-Id": organization},
        timeout=30,
    )
    assert response.status_code == 200, response.text
    data: list[dict[str, Any]] = json.loads(response.content, parse_float=Decimal)["data"]
    return data


def table(pipeline: Pipeline, name: str) -> dict[str, dict[str, Any]]:
    with psycopg.connect(pipeline.database_url, row_factory=psycopg.rows.dict_row) as connection:
        query = sql.SQL("select * from {}").format(sql.Identifier("tap_productive", name))
        return {row["id"]: row for row in connection.execute(query)}


def same(stored: object, sent: object) -> bool:
    """Return whether PostgreSQL holds the value that the API sent."""
    if isinstance(stored, datetime):
        return stored.replace(tzinfo=UTC) == datetime.fromisoformat(str(sent))
    if isinstance(stored, Decimal) or (isinstance(stored, int) and not isinstance(stored, bool)):
        return stored == Decimal(str(sent))
    if isinstance(stored, dict | list):
        return json.dumps(stored, sort_keys=True) == json.dumps(sent, sort_keys=True, default=float)
    return str(stored) == str(sent)


def test_the_recorded_values_are_unchanged_in_postgresql(pipeline: Pipeline, sandbox: RunningSandbox) -> None:
    pipeline.environment = {**pipeline.environment, "TAP_PRODUCTIVE_ORGANIZATION_ID": "recorded"}
    code, output = pipeline.run()
    assert code == 0, output

    compared = 0
    for stream in STREAMS:
        name = str(vars(stream)["name"])
        sent = answers(sandbox, "recorded", name, ",".join(stream.references))
        stored = table(pipeline, name)
        assert stored.keys() == {row["id"] for row in sent}, name
        for row in sent:
            columns = stored[row["id"]]
            compared += expect_attributes(stream, columns, row["attributes"])
            compared += expect_relationships(name, columns, row.get("relationships") or {})
    assert compared > 500


def expect_attributes(stream: type[ProductiveStream], columns: dict[str, Any], attributes: dict[str, Any]) -> int:
    """Assert that every attribute is in its column, or raw in `_rescued_data`; return how many have a value."""
    rescued = columns["_rescued_data"] or {}
    for name in attributes.keys() & stream.secret_fields:
        assert name not in columns.keys() | rescued.keys()
    open_ = {name: value for name, value in attributes.items() if name not in stream.secret_fields}
    values = {name: value for name, value in open_.items() if value is not None}
    for name, value in values.items():
        stored = rescued.get(name) if columns.get(name) is None else columns[name]
        assert same(stored, value), (stream, name, stored, value)
    nulls = open_.keys() - values.keys()
    assert all(columns.get(name) is None for name in nulls if not name.endswith("_id")), stream
    return len(values)


def expect_relationships(stream: str, columns: dict[str, Any], relationships: dict[str, Any]) -> int:
    """Assert that the ids of related records are in their columns; return how many there are."""
    related = {name: entry["data"] for name, entry in relationships.items() if entry.get("data")}
    for name, data in related.items():
        if isinstance(data, list):
            assert columns[f"{name}_ids"] == [entry["id"] for entry in data], (stream, name)
        else:
            assert columns[f"{name}_id"] == data["id"], (stream, name)
    return len(related)


def test_known_recorded_values_are_exact(pipeline: Pipeline) -> None:
    pipeline = pipeline.selecting("deleted_items", "invoices", "line_items", "services", "tasks")
    pipeline.environment = {**pipeline.environment, "TAP_PRODUCTIVE_ORGANIZATION_ID": "recorded"}
    code, output = pipeline.run()
    assert code == 0, output

    (line,) = pipeline.rows("select * from line_items where id = '5'")
    assert (line["unit_price"], line["amount"], line["amount_with_tax_default"]) == (5000, 15000, 23438)
    assert line["quantity"] == Decimal("3.0")
    assert line["organization_id"] == "764"
    (invoice,) = pipeline.rows("select * from invoices where id = '25'")
    assert invoice["created_at"] == datetime(2025, 7, 25, 4, 5, 10, 43000)  # noqa: DTZ001 - the column has no zone
    assert invoice["exchange_rate"] == Decimal("1.25")
    assert "email_key" not in invoice
    (task,) = pipeline.rows("select * from tasks where id = '295'")
    assert (task["project_id"], task["assignee_id"], task["creator_id"]) == ("131", "68", None)
    assert task["updated_at"] == datetime(2022, 10, 18, 19, 51, 47, 217000)  # noqa: DTZ001 - the column has no zone
    (deleted,) = pipeline.rows("select * from deleted_items where id = '98'")
    assert deleted["item_id"] == 234
    (service,) = pipeline.rows("select budget_total_default from services")
    assert service["budget_total_default"] == Decimal("172782.4154497889")


def test_money_adds_up_in_the_warehouse(pipeline: Pipeline) -> None:
    pipeline = pipeline.selecting("companies", "invoices", "line_items", "subsidiaries")
    code, output = pipeline.run()
    assert code == 0, output

    wrong = pipeline.rows("""
        select invoices.id from invoices
        left join line_items on line_items.invoice_id = invoices.id
        group by invoices.id, invoices.amount_with_tax
        having coalesce(sum(line_items.amount_with_tax), 0) <> invoices.amount_with_tax
    """)
    assert wrong == []
    (joined,) = pipeline.rows("""
        select count(*) as lines, count(companies.id) as companies, count(subsidiaries.id) as subsidiaries
        from line_items
        join invoices on invoices.id = line_items.invoice_id
        left join companies on companies.id = invoices.company_id
        left join subsidiaries on subsidiaries.id = invoices.subsidiary_id
    """)
    assert joined["lines"] == joined["companies"] == joined["subsidiaries"] > 700


def test_a_failed_night_is_picked_up_by_the_next_run(pipeline: Pipeline, sandbox: RunningSandbox) -> None:
    pipeline = pipeline.selecting("invoices", "tasks", "time_entries")
    sandbox.admin.add_fault("*/tasks", query="page[after]", skip=1, redirect_to="https://elsewhere.example.com/tasks")
    code, output = pipeline.run()
    assert code != 0
    assert "1 of 3 streams failed: tasks" in output
    assert 0 < len(table(pipeline, "tasks")) < 420
    assert len(table(pipeline, "time_entries")) == 450  # the streams after it were read all the same
    sandbox.admin.clear_requests()

    code, output = pipeline.run()

    assert code == 0, output
    assert table(pipeline, "tasks").keys() == {row["id"] for row in sandbox.admin.records("tasks")}
    requests = [dict(request["query"]) for request in sandbox.admin.requests() if request["path"].endswith("/tasks")]
    pages = [query for query in requests if query["page[size]"] != "1"]
    assert pages
    assert all(query.get("page[after]") for query in pages), "it continues where it stopped"


def test_a_run_that_is_killed_loses_nothing(pipeline: Pipeline, sandbox: RunningSandbox) -> None:
    pipeline = pipeline.selecting("invoices", "line_items", "tasks", "time_entries")
    sandbox.admin.add_fault("*/tasks", query="page[after]", skip=1, delay_ms=60_000)
    child = pipeline.start("run", "tap-productive", "target-postgres")
    assert child.stdout
    for line in child.stdout:
        if "tasks: reading" in line:
            break
    os.killpg(child.pid, signal.SIGKILL)
    child.communicate()
    sandbox.admin.reset()
    sandbox.admin.set_limits([])

    code, output = pipeline.run("--force")

    assert code == 0, output
    for name in ("invoices", "tasks", "time_entries", "line_items"):
        assert table(pipeline, name).keys() == {row["id"] for row in sandbox.admin.records(name)}, name


def test_a_row_that_no_longer_exists_is_marked_as_deleted(pipeline: Pipeline, sandbox: RunningSandbox) -> None:
    pipeline = pipeline.selecting("payments")
    assert pipeline.run()[0] == 0
    gone = sandbox.admin.records("payments")[0]["id"]
    sandbox.admin.delete("payments", gone)

    code, output = pipeline.run()

    assert code == 0, output
    marked = {row["id"] for row in table(pipeline, "payments").values() if row["_sdc_deleted_at"]}
    assert marked == {gone}


def test_a_tombstone_marks_a_row_and_keeps_its_values(pipeline: Pipeline, sandbox: RunningSandbox) -> None:
    pipeline = pipeline.selecting("deleted_items", "invoices")
    pipeline.environment = {**pipeline.environment, "TAP_PRODUCTIVE_TOMBSTONES": "true"}
    assert pipeline.run()[0] == 0
    gone = sandbox.admin.records("invoices")[0]["id"]
    held = table(pipeline, "invoices")[gone]
    sandbox.admin.delete("invoices", gone)

    code, output = pipeline.run()

    assert code == 0, output
    stored = table(pipeline, "invoices")
    assert {id_ for id_, row in stored.items() if row["_sdc_deleted_at"]} == {gone}
    assert stored[gone]["amount"] == held["amount"] > 0
    assert stored[gone]["number"] == held["number"]


def test_text_that_postgresql_cannot_hold_does_not_fail_the_load(pipeline: Pipeline, sandbox: RunningSandbox) -> None:
    pipeline = pipeline.selecting("invoices")
    nul: dict[str, Any] = {"note": "a\x00b", "tag_list": ["x\x00"], "custom_fields": {"1\x00": ["\x00", {"2": "\x00"}]}}
    sandbox.admin.set_extra_attributes({"invoices": nul})

    code, output = pipeline.run()

    assert code == 0, output
    invoice = next(iter(table(pipeline, "invoices").values()))
    assert invoice["note"] == "a\ufffdb"
    assert invoice["tag_list"] == ["x\ufffd"]
    assert invoice["custom_fields"] == {"1\ufffd": ["\ufffd", {"2": "\ufffd"}]}


def test_decimals_keep_every_digit(pipeline: Pipeline, sandbox: RunningSandbox) -> None:
    pipeline = pipeline.selecting("invoices")
    exact = "1166796224.45956323"  # as a float: 1166796224.4595633
    invoice = sandbox.admin.records("invoices")[0]["id"]
    sandbox.admin.update("invoices", invoice, {"exchange_rate": exact})

    code, output = pipeline.run()

    assert code == 0, output
    (row,) = pipeline.rows("select exchange_rate from invoices where id = %s", invoice)
    assert row["exchange_rate"] == Decimal(exact)


def test_after_install_a_run_needs_no_network(world: object) -> None:
    assert world  # the plugins are installed
    script = Path(__file__).with_name("run_without_network.py")
    root = os.geteuid() == 0
    command = ["unshare", *([] if root else ["--map-root-user"]), "--net", sys.executable, str(script)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}

    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "no network: Network is unreachable" in done.stdout
    assert done.stdout.splitlines()[-1] == "rows: 300 invoices"


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_both_environments_run(pipeline: Pipeline, sandbox: RunningSandbox, environment: str) -> None:
    pipeline = pipeline.selecting("invoices")
    everything = {
        "TAP_PRODUCTIVE_API_URL": f"{sandbox.url}/productive/api/v2",
        "TAP_PRODUCTIVE_AUTH_TOKEN": "sandbox-token",
        "TAP_PRODUCTIVE_ORGANIZATION_ID": "1",
        "TARGET_POSTGRES_SQLALCHEMY_URL": pipeline.environment["SANDBOX_DATABASE_URL"],
    }
    pipeline.environment = {
        **{name: value for name, value in pipeline.environment.items() if not name.startswith("SANDBOX_")},
        **everything,
        "MELTANO_ENVIRONMENT": environment,
    }

    code, output = pipeline.run()

    assert code == 0, output
    assert len(table(pipeline, "invoices")) == 300
    assert "sandbox-token" not in output


def test_meltano_test_reads_one_record_of_every_stream(pipeline: Pipeline) -> None:
    child = pipeline.start("invoke", "tap-productive:test")
    output, _ = child.communicate()

    assert child.returncode == 0, output
    for stream in STREAMS:
        assert f'"stream":"{vars(stream)["name"]}"' in output
    assert "ERROR" not in output
