"""The model over many invoices: built from nothing, and after a night in which 1 % of the lines have changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from bench.measurement import measurement, medians
from bench.processes import ReaderFailed, run
from bench.raw_invoices import LINES_PER_INVOICE, change_raw_invoices, make_raw_invoices
from bench.report import Section, below, number
from scripts.dbt_program import dbt_program
from scripts.local_world import ROOT, embedded_postgres

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.measurement import Measurement
    from bench.session import Session

_FULL, _NIGHT = "all of it", "1 % changed"
_SECONDS_FULL = 60.0
_SECONDS_NIGHT = 15.0
_LIMIT = 900.0
# In cents of currencies with two decimals, and in yen.
_UNITS = "case currency when 'JPY' then 1 else 0.01 end"
_DIFFERENT = f"""
select
    (select sum(amount * {_UNITS}) from tap_productive.line_items where _sdc_deleted_at is null)
    - (select sum(net) from invoicing.invoice_lines where kind = 'line'),
    (select sum(amount_with_tax * {_UNITS}) from tap_productive.invoices)
    - (select sum(gross) from invoicing.invoices)
"""  # noqa: S608 - of our own text


def model(session: Session) -> Section:
    """Measure both.

    Args:
        session: The session.
    """
    invoices = session.options.size(300_000, 3_000)
    lines = round(invoices * LINES_PER_INVOICE)
    section = Section(
        f"The model: {invoices:,} invoices, {lines:,} lines", ("dbt run", "wall s", "CPU s of dbt", "peak MB")
    )
    with embedded_postgres() as url:
        folder = session.readers.folder
        tasks = [
            (_FULL, _build(_FULL, url, folder, invoices)),
            (_NIGHT, _build(_NIGHT, url, folder, invoices)),
        ]
        runs = session.in_turn(tasks, notes=section.notes)
    found = {label: medians(each) for label, each in runs.items() if each}
    section.rows += [
        (label, number(each.wall, 1), number(each.cpu, 1), number(each.peak_mb)) for label, each in found.items()
    ]
    section.notes += [
        "wall is from the start of the program to its end; PostgreSQL works beside it",
        "sums of lines and invoices in the marts are those of the raw tables, checked after every run",
    ]
    for label, limit in ((_FULL, _SECONDS_FULL), (_NIGHT, _SECONDS_NIGHT)):
        wall = found[label].wall if label in found else None
        section.targets.append(below(f"dbt run, {label}", wall, limit, unit=" s"))
    return section


def _build(label: str, url: str, folder: Path, invoices: int) -> Callable[[], Measurement]:
    variables = {
        "MELTANO_PROJECT_ROOT": str(ROOT),
        "TARGET_POSTGRES_SQLALCHEMY_URL": url,
        "DBT_TARGET_PATH": str(folder / "dbt"),
        "DBT_LOG_PATH": str(folder / "dbt"),
    }

    def once() -> Measurement:
        with psycopg.connect(url) as connection:
            if label == _FULL:
                connection.execute("drop schema if exists tap_productive cascade")
                make_raw_invoices(connection, invoices)
                run([dbt_program(), "seed"], folder=folder, variables=variables, seconds=_LIMIT)
            else:
                change_raw_invoices(connection)
        refresh = ["--full-refresh"] if label == _FULL else []
        cost, _ = run([dbt_program(), "run", *refresh], folder=folder, variables=variables, seconds=_LIMIT)
        with psycopg.connect(url) as connection:
            different = connection.execute(_DIFFERENT.encode()).fetchone()
        if different != (0, 0):
            raise ReaderFailed(f"sums differ from those of the raw tables: {different}")
        return measurement(label, invoices, cost)

    return once
