"""The model over any subset of systems, tables and columns, over many accounts, and night by night."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg
import pytest

from bench.raw_invoices import change_raw_invoices, make_raw_invoices
from invoicing_orchestrate.destination import Destination
from invoicing_orchestrate.record import RunRecord
from tests.model_world import by_key, marts, rows

if TYPE_CHECKING:
    from invoicing_orchestrate.record import Result
    from tests.loader_world import Database
    from tests.model_world import Dbt

pytestmark = pytest.mark.slow

ACCOUNTS = 500
_MAKE_ACCOUNTS = """
do $$
declare account text;
begin
    for account in select 'tap_productive__a' || number from generate_series({first}, {last}) as number loop
        execute format('create schema %I', account);
        execute format('create table %I.invoices (id text primary key, currency text, amount bigint, amount_tax bigint,'
            ' amount_with_tax bigint, invoice_type_id bigint, finalized_on date, _sdc_received_at timestamp,'
            ' _sdc_deleted_at timestamp)', account);
        execute format('insert into %I.invoices values'
            ' (''1'', ''EUR'', 100, 0, 100, 1, ''2026-01-01'', now(), null)', account);
        execute format('create table %I.line_items (id text primary key, invoice_id text, currency text,'
            ' amount bigint, amount_tax bigint, _sdc_received_at timestamp)', account);
        execute format('insert into %I.line_items values (''1'', ''1'', ''EUR'', 100, 0, now())', account);
    end loop;
end $$
"""


def test_a_database_without_any_table_builds_and_says_what_would_fill_it(database: Database, dbt: Dbt) -> None:
    output = dbt.run(database.url, "build", two_invoice={})

    assert all(found == [] for found in marts(database.url).values())
    for tap in ("tap-productive", "tap-invoicetronic", "tap-invobi", "tap-covage", "tap-2invoice"):
        assert (
            f"{tap}: nothing was loaded (no schema {tap.replace('-', '_')}): meltano run {tap} target-postgres"
            in output
        )


def test_what_lacks_tables_or_columns_is_null_or_empty(database: Database, dbt: Dbt) -> None:
    database.execute(
        "create schema tap_productive",
        "create table tap_productive.invoices as select '1' as id, 1 as invoice_type_id, 'EUR' as currency,"
        " 10000 as amount, 2500 as amount_tax, 12500 as amount_with_tax, date '2026-01-01' as finalized_on",
        "create schema tap_2invoice",
        "create table tap_2invoice.invoices as select 7 as id, 'RON' as currency, 'wrong' as total",
    )

    output = dbt.run(database.url, "build", two_invoice={"invoices": {"source_id": "id", "gross": "total"}})

    found = by_key(database.url, "invoices", "invoice_key")
    productive, two_invoice = found["productive|default|1"], found["2invoice|default|7"]
    assert (productive["gross"], productive["open"], productive["number"]) == (125, 125, None)
    assert (two_invoice["gross"], two_invoice["amounts_known"]) == (None, False), "no number is not zero"
    (header,) = rows(database.url, "select * from invoicing.invoice_lines")
    assert (header["kind"], header["net"], header["tax"]) == ("header", 100, 25)
    assert "tap-productive: no table for bank_accounts, companies, contact_entries, deals" in output
    assert "tap-productive: invoices has no column amount_credited_with_tax, amount_default" in output
    assert "tap-covage: nothing was loaded" in output


def test_2invoice_without_a_mapping_says_so(database: Database, dbt: Dbt) -> None:
    database.execute("create schema tap_2invoice", "create table tap_2invoice.invoices as select 7 as id")

    output = dbt.run(database.url, "build", two_invoice={})

    assert "tap-2invoice: the model reads nothing of it until the variable two_invoice" in output
    assert rows(database.url, "select * from invoicing.invoices") == []


def test_accounts_with_the_same_ids_stay_apart(database: Database, dbt: Dbt) -> None:
    with psycopg.connect(database.url) as connection:
        make_raw_invoices(connection, 20)
        make_raw_invoices(connection, 30, "tap_productive__north")

    dbt.run(database.url, "build")

    found = rows(
        database.url,
        "select account, count(*) as invoices, sum(gross) as gross from invoicing.invoices group by 1 order by 1",
    )
    assert [(row["account"], row["invoices"]) for row in found] == [("default", 20), ("north", 30)]
    for row, schema in zip(found, ("tap_productive", "tap_productive__north"), strict=True):
        units = "sum(amount_with_tax * case currency when 'JPY' then 1 else 0.01 end)"
        assert database.value(f"select {units} from {schema}.invoices") == row["gross"]  # noqa: S608 - of our own names
    lines = rows(
        database.url, "select account, count(distinct invoice_key) as invoices from invoicing.invoice_lines group by 1"
    )
    assert {row["account"]: row["invoices"] for row in lines} == {"default": 20, "north": 30}


def test_five_hundred_accounts_need_no_more_locks_than_postgresql_has(database: Database, dbt: Dbt) -> None:
    assert int(database.value("show max_locks_per_transaction")) == 64
    # Several transactions, as they hold locks themselves.
    for first in range(0, ACCOUNTS, 50):
        with psycopg.connect(database.url, autocommit=True) as connection:
            connection.execute(_MAKE_ACCOUNTS.format(first=first, last=first + 49).encode())

    dbt.run(database.url, "seed")
    dbt.run(database.url, "run")
    database.execute(
        "update tap_productive__a7.invoices set amount = 200, amount_with_tax = 200, _sdc_received_at = now()"
    )
    dbt.run(database.url, "run")

    (found,) = rows(database.url, "select count(distinct account) as accounts, sum(net) as net from invoicing.invoices")
    assert (found["accounts"], found["net"]) == (ACCOUNTS, ACCOUNTS + 1)
    (lines,) = rows(database.url, "select count(*) as rows, sum(net) as net from invoicing.invoice_lines")
    assert (lines["rows"], lines["net"]) == (ACCOUNTS + 1, ACCOUNTS + 1)


def test_a_night_gives_what_a_full_build_gives(database: Database, dbt: Dbt) -> None:
    with psycopg.connect(database.url) as connection:
        for schema in ("tap_productive", "tap_productive__closed", "tap_productive__hard"):
            make_raw_invoices(connection, 600, schema)
    dbt.run(database.url, "build")
    before = marts(database.url)
    with psycopg.connect(database.url) as connection:
        change_raw_invoices(connection)
        connection.execute("drop schema tap_productive__closed cascade")
        # What a loader with hard_delete does: rows are gone, and nothing says when.
        connection.execute("delete from tap_productive__hard.payments where id::integer % 9 = 0")
    staged = rows(database.url, "select max(staged_at) as at from invoicing_staging.stg_productive__line_items")[0][
        "at"
    ]

    dbt.run(database.url, "build")
    night = marts(database.url)
    copied = rows(
        database.url,
        "select account, count(*) as rows from invoicing_staging.stg_productive__line_items"
        " where staged_at > %s group by account",
        staged,
    )
    dbt.run(database.url, "build", "--full-refresh")
    full = marts(database.url)

    assert night == full
    assert night["invoices"] != before["invoices"]
    assert {row["account"] for row in rows(database.url, "select account from invoicing.invoices")} == {
        "default",
        "hard",
    }
    numbers = {row["account"]: row["rows"] for row in copied}
    assert numbers.keys() == {"default", "hard"}
    assert 0 < numbers["hard"] <= 2 * 20, "what was received within a day of the newest row"
    assert 20 <= numbers["default"] <= 3 * 20, "and one line in a hundred, which has changed"


def test_a_row_that_was_received_long_before_it_was_committed_is_not_missed(database: Database, dbt: Dbt) -> None:
    with psycopg.connect(database.url) as connection:
        make_raw_invoices(connection, 50)
    dbt.run(database.url, "build")
    # Received three hours before the newest row that the build has seen, and committed after it.
    database.execute(
        "update tap_productive.companies set name = 'Renamed', _sdc_received_at = _sdc_received_at - interval '3 hours'"
    )

    dbt.run(database.url, "build")

    assert by_key(database.url, "parties", "party_key")["productive|default|company-1"]["name"] == "Renamed"


def record(tap: str, account: str, result: Result, hours: int, **more: object) -> RunRecord:
    """Return the record of a run that ended so many hours after the first of March."""
    ended = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=hours)
    values: dict[str, object] = {
        "run_id": str(uuid4()),
        "tap": tap,
        "loader": "target-postgres",
        "account": account,
        "started": ended - timedelta(minutes=5),
        "ended": ended,
        "result": result,
        "exit_code": 0,
        "error": None,
        "rows_read": 9,
        "rows_written": 7,
        "rows_deleted": 0,
        "requests": 3,
        "skipped_streams": {},
        "failed_streams": {},
    }
    return RunRecord(**(values | more))  # type: ignore[arg-type]


def test_freshness_is_told_by_runs_and_else_by_tables(database: Database, dbt: Dbt) -> None:
    with psycopg.connect(database.url) as connection:
        make_raw_invoices(connection, 10)
        make_raw_invoices(connection, 10, "tap_productive__north")
    destination = Destination.of({"sqlalchemy_url": database.sqlalchemy_url}, "tap_productive")
    assert destination
    destination.add(record("tap-productive", "default", "succeeded", 2))
    destination.add(
        record(
            "tap-productive", "default", "failed", 26, error="The API is down", failed_streams={"invoices": "HTTP 500"}
        )
    )
    destination.add(record("tap-covage", "default", "failed", 3, error="Wrong password", rows_written=None))

    dbt.run(database.url, "build")

    found = by_key(database.url, "freshness", "freshness_key")
    run = found["productive|default|"]
    assert (run["last_loaded_at"], run["rows"], run["told_by"]) == (
        datetime(2026, 3, 1, 2, tzinfo=UTC),
        7,
        "invoicing_runs",
    )
    assert (run["last_failed_at"], run["last_error"]) == (datetime(2026, 3, 2, 2, tzinfo=UTC), "The API is down")
    stream = found["productive|default|invoices"]
    assert (stream["rows"], stream["last_error"], stream["told_by"]) == (10, "HTTP 500", "tables")
    assert found["covage|default|"]["last_loaded_at"] is None
    north = found["productive|north|"]
    assert (north["last_loaded_at"], north["told_by"]) == (datetime(2026, 3, 1, 2, tzinfo=UTC), "tables")


def test_parties_that_people_say_are_one_have_one_key(database: Database, dbt: Dbt) -> None:
    with psycopg.connect(database.url) as connection:
        make_raw_invoices(connection, 300)
    dbt.run(database.url, "build")
    database.execute(
        "insert into invoicing_staging.party_merges"
        " values ('productive|default|company-2', 'productive|default|company-1')"
    )

    dbt.run(database.url, "run", "--select", "parties")

    found = by_key(database.url, "parties", "party_key")
    assert found["productive|default|company-2"]["merged_party_key"] == "productive|default|company-1"
    assert found["productive|default|company-3"]["merged_party_key"] == "productive|default|company-3"
