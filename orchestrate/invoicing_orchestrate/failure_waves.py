"""One message for many accounts that fail for the same reason at about the same time.

Failures are kept until they are posted. Those of one kind are posted together, a while after the first of them, so that
the others of the wave are in the same message; and no more than once an hour.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from invoicing_orchestrate.record import accounts_line, reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    import psycopg

    from invoicing_orchestrate.record import RunRecord

GATHERED = timedelta(minutes=2)
"""How long failures of one kind are gathered before they are posted."""
AGAIN = timedelta(hours=1)
"""How long after a message the next one of the same kind waits."""
_LOCK = 2_071_101_658
"""Any number: two workers must not post the same."""
_VARIABLE = re.compile(r"https?://\S+|\b[0-9a-f]{8,}\b|\d+|'[^']*'|\"[^\"]*\"", re.IGNORECASE)


def kind_of(record: RunRecord) -> str:
    """Return what failures of the same kind have in common: tap and error, without numbers, addresses and names.

    Args:
        record: The run.
    """
    error = re.sub(rf"\b{re.escape(record.account)}\b", "*", reason_of(record.as_json()))
    return f"{record.tap} {record.result}: {_VARIABLE.sub('*', error)}"


def keep(session: psycopg.Connection, record: RunRecord) -> None:
    """Keep a failure until it is posted.

    Args:
        session: The database of the queue.
        record: The run.
    """
    session.execute(
        "insert into unposted_failures values (%s, %s, %s, %s) on conflict do nothing",
        [record.run_id, kind_of(record), record.ended, Jsonb(record.as_json())],
    )


def post_waves(
    session: psycopg.Connection,
    post: Callable[[Mapping[str, Any]], None],
    now: datetime,
    gathered: timedelta = GATHERED,
) -> int:
    """Post the failures that have been gathered for long enough, one message for each kind.

    Args:
        session: The database of the queue.
        post: Posts a message; what it raises ends this, and the failures of that message are kept.
        now: The present instant.
        gathered: For how long failures of one kind are gathered.

    Returns:
        How many messages were posted.
    """
    count = 0
    while _post_one(session, post, now, gathered):
        count += 1
    return count


def _post_one(
    session: psycopg.Connection, post: Callable[[Mapping[str, Any]], None], now: datetime, gathered: timedelta
) -> bool:
    with session.transaction():
        session.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        found = session.execute(
            "select kind from unposted_failures left join posted_failures using (kind)"
            " group by kind, posted having min(failed) <= %s and (posted is null or posted <= %s)"
            " order by min(failed) limit 1",
            [now - gathered, now - AGAIN],
        ).fetchone()
        if found is None:
            return False
        with session.cursor(row_factory=dict_row) as cursor:
            cursor.execute("delete from unposted_failures where kind = %s returning run", [found[0]])
            runs = sorted((row["run"] for row in cursor), key=lambda run: run["account"])
        session.execute(
            "insert into posted_failures values (%s, %s) on conflict (kind) do update set posted = excluded.posted",
            [found[0], now],
        )
        # Within the transaction: what is not taken is tried again later.
        post({"text": accounts_line(runs), "run": runs[0], "runs": runs})
    return True
