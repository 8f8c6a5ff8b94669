"""What ran, what failed, what is late, and what is next: of each account."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import dict_row

from invoicing_orchestrate.connection import connected, reason
from invoicing_orchestrate.errors import ProjectError
from invoicing_orchestrate.load_command import read_accounts
from invoicing_orchestrate.project import POSTGRES, current
from invoicing_orchestrate.queue_database import queue_session
from invoicing_orchestrate.record import reason_of
from invoicing_orchestrate.text_table import text_table
from invoicing_orchestrate.worker import LOADS
from singer_rest_core.clock import time_span

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from invoicing_orchestrate.accounts import Account

LATE_AFTER = timedelta(minutes=15)
"""How long after its time a load may begin."""
_BAD = ("failed", "interrupted", "late")
_LAST_RUNS = """
    select distinct on (account) account, tap, started, ended, result, exit_code, error, rows_read, rows_written,
        rows_deleted, requests, skipped_streams, failed_streams, worker, quota_group, run_id::text as run_id
    from orchestrate.invoicing_runs where account = any(%s) order by account, started desc
"""
_RUNNING = """
    select substr(application_name, 13) from pg_stat_activity
    where datname = current_database() and application_name like 'orchestrate _%'
"""
_WAITING = """
    select args->>'account', coalesce(scheduled_at, now()) from procrastinate_jobs
    where queue_name = %s and status = 'todo'
"""


@dataclass(frozen=True)
class AccountStatus:
    """What is known of an account.

    Args:
        account: Its name.
        tap: Its tap.
        state: `succeeded`, `failed` or `interrupted` as its last run; `running`, `waiting` in the queue, `late` if it
            should have begun, `never` if it has not run, `disabled`.
        last_run: Its last run, as `orchestrate.invoicing_runs` has it; None if there is none.
        next: When it is loaded next; None if that is not known.
        error: Why its last run failed; empty if it did not.
    """

    account: str
    tap: str
    state: str
    last_run: Mapping[str, Any] | None
    next: datetime | None
    error: str


def status(names: Sequence[str], say: Callable[[str], None], *, is_json: bool) -> int:
    """Print the status of accounts.

    Args:
        names: Their names; all if empty.
        say: Prints a line.
        is_json: Whether JSON is printed.

    Returns:
        0 if all is well, 1 if an account has failed or is late.

    Raises:
        ProjectError: If the accounts or a database cannot be read.
    """
    project = current()
    accounts = read_accounts(project)
    chosen = accounts.chosen(names) if names else list(accounts)
    now = datetime.now(UTC)
    with queue_session(project.database().connection) as session:
        running = {name for (name,) in session.execute(_RUNNING).fetchall()}
        waiting = dict(session.execute(_WAITING, [LOADS]).fetchall())
    destination = project.destination("", POSTGRES)
    last = _last_runs(destination.connection, [account.name for account in chosen]) if destination else {}
    found = [_status_of(account, now, running, waiting, last) for account in chosen]
    say(json.dumps([_as_json(each) for each in found], ensure_ascii=False) if is_json else _table(found))
    return 1 if any(each.state in _BAD for each in found) else 0


def _status_of(
    account: Account,
    now: datetime,
    running: set[str],
    waiting: Mapping[str, datetime],
    last: Mapping[str, Mapping[str, Any]],
) -> AccountStatus:
    run = last.get(account.name)
    due = account.last_due(now)
    upcoming = waiting.get(account.name) or account.next_due(now)
    if not account.enabled:
        state, upcoming = "disabled", None
    elif account.name in running:
        state = "running"
    elif due is not None and now - due > LATE_AFTER and run is not None and run["started"] < due:
        state = "late"
    elif account.name in waiting and (run is None or run["result"] == "succeeded"):
        state = "waiting"
    else:
        state = "never" if run is None else run["result"]
    return AccountStatus(account.name, account.tap, state, run, upcoming, reason_of(run) if run else "")


def _last_runs(connection: str, names: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    try:
        with connected("The database of the loader", connection, row_factory=dict_row) as session:
            return {run["account"]: run for run in session.execute(_LAST_RUNS, [list(names)])}
    except psycopg.errors.UndefinedTable:
        return {}
    except psycopg.Error as error:
        raise ProjectError(f"The table of runs cannot be read: {reason(error)}") from None


def _as_json(each: AccountStatus) -> dict[str, Any]:
    run = None
    if each.last_run is not None:
        run = {name: _text(value) if isinstance(value, datetime) else value for name, value in each.last_run.items()}
    return {**asdict(each), "last_run": run, "next": _text(each.next)}


def _table(found: Sequence[AccountStatus]) -> str:
    header = ("account", "tap", "state", "last run", "took", "rows", "next", "error")
    return text_table(header, [_cells(each) for each in found], right=("took", "rows"))


def _cells(each: AccountStatus) -> tuple[str, ...]:
    run = each.last_run
    upcoming = f"{each.next:%Y-%m-%d %H:%M}" if each.next else ""
    if run is None:
        return (each.account, each.tap, each.state, "", "", "", upcoming, "")
    took = time_span((run["ended"] - run["started"]).total_seconds())
    started = f"{run['started'].astimezone(UTC):%Y-%m-%d %H:%M}"
    rows = f"{run['rows_read']:,}"
    return (each.account, each.tap, each.state, started, took, rows, upcoming, each.error)


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
