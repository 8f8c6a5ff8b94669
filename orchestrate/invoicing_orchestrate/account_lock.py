"""No account is loaded twice at once, and no more of a quota group than it allows: locks in PostgreSQL.

They are held by a connection of the process that loads: when it ends, for whatever reason, they are free.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from invoicing_orchestrate.connection import connected
from invoicing_orchestrate.errors import Busy
from invoicing_orchestrate.queue_database import QUEUE

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from invoicing_orchestrate.accounts import Account

_TRY = "select pg_try_advisory_lock(hashtextextended(%s, 0))"
_KEEPALIVE = "set tcp_keepalives_idle = 30; set tcp_keepalives_interval = 10; set tcp_keepalives_count = 3"
"""The server notices within a minute that a machine is gone, and not after two hours."""


@contextmanager
def account_lock(connection: str, account: Account) -> Iterator[None]:
    """Hold the lock of an account, and a slot of its quota group, for the length of a block.

    Args:
        connection: The database, as libpq takes it.
        account: The account.

    Yields:
        Nothing.

    Raises:
        Busy: If another process loads the account, or all slots are taken.
        Unreachable: If the database cannot be reached.
    """
    application = f"orchestrate {account.name}"[:63]
    with connected(QUEUE, connection, application_name=application, autocommit=True) as session:
        session.execute(_KEEPALIVE)
        if not _taken(session, f"orchestrate account {account.name}"):
            raise Busy(f"{account.name} is being loaded by another process")
        group = account.quota_group
        slots = (f"orchestrate quota {group} {slot}" for slot in range(account.at_once))
        if group is not None and not any(_taken(session, slot) for slot in slots):
            raise Busy(f"{account.name} waits: {account.at_once} accounts of its quota group {group} are being loaded")
        yield


def _taken(session: psycopg.Connection, name: str) -> bool:
    found = session.execute(_TRY, [name]).fetchone()
    return found is not None and found[0]
