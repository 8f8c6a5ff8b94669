"""The tables of the queue: those of procrastinate, which times are done with, and failures that are to be posted."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
from procrastinate.schema import SchemaManager
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from invoicing_orchestrate.connection import connected, reason
from invoicing_orchestrate.destination import SCHEMA
from invoicing_orchestrate.errors import ProjectError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from invoicing_orchestrate.accounts import Account

QUEUE = "The database of the queue"
"""What it is called in messages."""
_LOCK = 2_071_101_657
"""Any number: two first workers must not make the tables at once."""
_TABLES = """
create table if not exists account_dues (account text primary key, done timestamp with time zone not null);
create table if not exists unposted_failures (
    run_id uuid primary key, kind text not null, failed timestamp with time zone not null, run jsonb not null
);
create table if not exists posted_failures (kind text primary key, posted timestamp with time zone not null);
"""


def queue_connection(connection: str) -> str:
    """Return the connection to the database of the queue in which its tables need no schema before their names.

    Args:
        connection: The database, as libpq takes it.
    """
    options = conninfo_to_dict(connection).get("options") or ""
    return make_conninfo(connection, options=f"{options} -csearch_path={SCHEMA}".strip())


@contextmanager
def queue_session(connection: str) -> Iterator[psycopg.Connection]:
    """Connect to the database of the queue, and make its tables if there are none.

    Args:
        connection: The database, as libpq takes it.

    Yields:
        The connection, each statement of which is committed at once.

    Raises:
        ProjectError: If it cannot be reached, or its tables cannot be made.
    """
    session = connected(QUEUE, queue_connection(connection), application_name="orchestrate", autocommit=True)
    with session:
        try:
            _make_tables(session)
        except psycopg.Error as error:
            raise ProjectError(f"The tables of the queue cannot be made: {reason(error)}") from None
        yield session


def done_dues(session: psycopg.Connection) -> dict[str, datetime]:
    """Return of each account the last time of its schedule that is done with.

    Args:
        session: The database of the queue.
    """
    return dict(session.execute("select account, done from account_dues").fetchall())


def due_accounts(
    accounts: Sequence[Account], done: Mapping[str, datetime], now: datetime
) -> list[tuple[Account, datetime]]:
    """Return the accounts that are to be loaded by now, each with the time that says so.

    An account that has never been due is: its first load does not wait for the first of its times.

    Args:
        accounts: The accounts; those without a schedule are never due.
        done: Of each account the last time that is done with.
        now: The present instant, UTC.
    """
    dues = [(account, account.last_due(now)) for account in accounts]
    return [
        (account, due)
        for account, due in dues
        if due is not None and (account.name not in done or done[account.name] < due)
    ]


def set_done(session: psycopg.Connection, account: str, due: datetime) -> None:
    """Keep that a time of an account's schedule is done with.

    Args:
        session: The database of the queue.
        account: The name of the account.
        due: The time.
    """
    session.execute(
        "insert into account_dues values (%s, %s) on conflict (account) do update set done = excluded.done"
        " where account_dues.done < excluded.done",
        [account, due],
    )


def _make_tables(session: psycopg.Connection) -> None:
    if _have_tables(session):
        return
    with session.transaction():
        session.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        if _have_tables(session):
            return
        exists = session.execute("select 1 from pg_namespace where nspname = %s", [SCHEMA]).fetchone()
        if not exists:
            session.execute(sql.SQL("create schema {}").format(sql.Identifier(SCHEMA)))
        if not _have_tables(session, "procrastinate_jobs"):
            session.execute(SchemaManager.get_schema())
        session.execute(_TABLES)


def _have_tables(session: psycopg.Connection, last: str = "posted_failures") -> bool:
    found = session.execute("select to_regclass(%s) is not null", [f"{SCHEMA}.{last}"]).fetchone()
    return found is not None and found[0]
