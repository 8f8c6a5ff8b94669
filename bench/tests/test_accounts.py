"""The checks after many accounts were loaded find what they are for, and the fleet is what is described."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import requests
import yaml
from psycopg import sql

from bench.accounts.checks import compare_tables, most_at_once, overlaps, overruns
from bench.accounts.fleet import OFFICE, accounts_file, fleet
from invoicing_orchestrate.accounts import Accounts
from invoicing_orchestrate.project import Project
from scripts.local_world import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import SandboxSettings
    from sandbox.server import RunningSandbox
    from tests.loader_world import Database

START = datetime(2026, 11, 28, 2, tzinfo=UTC)


def run(account: str, begins: float, ends: float) -> dict[str, Any]:
    """A row of `invoicing_runs`; seconds."""
    return {
        "account": account,
        "started": START + timedelta(seconds=begins),
        "ended": START + timedelta(seconds=ends),
    }


def test_two_runs_of_one_account_at_the_same_time_are_found() -> None:
    fine = [run("a", 0, 10), run("b", 5, 15), run("a", 10, 20)]
    assert overlaps(fine) == []
    assert overlaps([*fine, run("b", 14.5, 30)]) == ["b: 02:00:05 to 02:00:15, and from 02:00:14"]
    assert most_at_once(fine) == 2
    assert most_at_once([*fine, run("c", 9, 12)]) == 3


def test_five_hundred_accounts_are_of_all_five_systems_and_their_file_is_valid(tmp_path: Path) -> None:
    accounts = fleet(500)
    counts = Counter(account.system.tap for account in accounts)
    assert counts == {
        "tap-invoicetronic": 380,
        "tap-invobi": 60,
        "tap-productive": 20,
        "tap-covage": 20,
        "tap-2invoice": 20,
    }
    file = tmp_path / "accounts.yml"
    file.write_text(yaml.safe_dump(accounts_file(accounts, "http://127.0.0.1")), encoding="utf-8")
    read = Accounts.read(file, Project(ROOT, {}).tap_locks)
    assert len(read.enabled) == 500
    assert Counter(account.quota_group for account in read) == {None: 488, OFFICE: 12}
    assert {account.schema for account in read} == {account.schema for account in accounts}


@pytest.fixture
def loaded(database: Database, sandbox: RunningSandbox) -> Any:  # noqa: ANN401 - a function
    """Compare the table of an account's prompts, after a statement that fills it."""
    (account,) = (each for each in fleet(5) if each.system.tap == "tap-invobi")
    sandbox.admin.add_accounts(account.in_sandbox(0.05))
    source = sandbox.admin.account(account.name).system("invobi").records("prompts")
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(f"create schema {account.schema}".encode())
        connection.execute(
            f"create table {account.schema}.prompts (id text, prompt_text text, _sdc_deleted_at timestamp)".encode()
        )
        for row in source:
            insert = sql.SQL("insert into {} values (%s, %s)").format(sql.Identifier(account.schema, "prompts"))
            connection.execute(insert, [row["id"], row["prompt_text"]])

        def compare(statement: str) -> list[str]:
            connection.execute(statement.format(f"{account.schema}.prompts").encode())
            found = compare_tables(database.url, sandbox.admin, [account])
            return [line for line in found.differences if ".prompts" in line]

        yield compare


def test_a_row_that_is_missing_or_too_much_and_a_value_that_differs_are_found(loaded: Any) -> None:  # noqa: ANN401
    assert loaded("select from {0}") == []
    (line,) = loaded("update {0} set _sdc_deleted_at = now() where id = (select min(id) from {0})")
    assert line.endswith("1 rows are missing")
    assert loaded("update {0} set _sdc_deleted_at = null") == []
    (line,) = loaded("insert into {0} values ('surplus', 'x')")
    assert line.endswith("1 rows are not in the source")
    (line,) = loaded("delete from {0} where id = 'surplus'; update {0} set prompt_text = 'other'")
    assert line.endswith("column prompt_text differs")


def test_amounts_are_compared_as_numbers_and_times_as_instants(database: Database, sandbox: RunningSandbox) -> None:
    (account,) = (each for each in fleet(25) if each.system.tap == "tap-productive")
    sandbox.admin.add_accounts(account.in_sandbox(0.05))
    table = f"{account.schema}.invoices"
    database.execute(
        f"create schema {account.schema}",
        f"create table {table} (id text, amount numeric, created_at timestamp, _sdc_deleted_at timestamp)",
    )
    with psycopg.connect(database.url) as connection:
        for row in sandbox.admin.account(account.name).records("invoices"):
            values = [row["id"], f"{row['attributes']['amount']}.00", row["attributes"]["created_at"]]
            insert = "insert into {} values (%s, %s::numeric, %s::timestamptz at time zone 'UTC')"
            connection.execute(sql.SQL(insert).format(sql.Identifier(account.schema, "invoices")), values)

    def differences() -> list[str]:
        found = compare_tables(database.url, sandbox.admin, [account]).differences
        return [line.rpartition(": ")[2] for line in found if ".invoices" in line]

    assert differences() == []
    change = f"update {table} set {{}} where id = (select min(id) from {table})"  # noqa: S608 - of our own names
    database.execute(change.format("amount = amount + 0.01"))
    assert differences() == ["column amount differs"]
    database.execute(change.format("created_at = created_at + interval '1 hour'"))
    assert differences() == ["column amount differs", "column created_at differs"]


def test_requests_that_are_refused_for_the_limit_are_counted_by_account(
    sandbox: RunningSandbox, sandbox_settings: SandboxSettings
) -> None:
    sandbox.admin.add_accounts("acme")
    sandbox.admin.set_limits([{"scope": "token", "limit": 2, "period": 60}], system="invobi")
    url = f"{sandbox_settings('tap-invobi')['api_url']}/invoices"
    for _ in range(5):
        requests.get(url, headers={"Authorization": "Bearer sandbox-token.acme"}, timeout=10)
    assert overruns(sandbox.admin) == {"acme": 3}
