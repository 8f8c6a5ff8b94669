"""One load of an account at a time, and so many of a quota group, in PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from invoicing_orchestrate.account_lock import account_lock
from invoicing_orchestrate.accounts import Account
from invoicing_orchestrate.errors import Busy

if TYPE_CHECKING:
    from tests.loader_world import Database


def account(name: str, group: str | None = None, at_once: int = 1) -> Account:
    """Return an account."""
    return Account(name, "tap-x", quota_group=group, at_once=at_once)


def test_an_account_is_held_by_one_process(database: Database) -> None:
    with account_lock(database.url, account("acme")):
        with (
            pytest.raises(Busy, match="acme is being loaded by another process"),
            account_lock(database.url, account("acme")),
        ):
            pass
        with account_lock(database.url, account("beta")):
            pass
    with account_lock(database.url, account("acme")):
        pass


def test_a_group_has_so_many_slots_and_other_groups_their_own(database: Database) -> None:
    with ExitStack() as held:
        for name in ("a", "b"):
            held.enter_context(account_lock(database.url, account(name, "office", 2)))
        with (
            pytest.raises(Busy, match="2 accounts of its quota group office are being loaded"),
            account_lock(database.url, account("c", "office", 2)),
        ):
            pass
        with account_lock(database.url, account("d", "other", 1)), account_lock(database.url, account("e")):
            pass
    with account_lock(database.url, account("c", "office", 2)):
        pass


_HOLDER = """
import sys
from invoicing_orchestrate.account_lock import account_lock
from invoicing_orchestrate.accounts import Account
with account_lock(sys.argv[1], Account("acme", "tap-x", quota_group="office")):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_process_that_is_killed_holds_nothing(database: Database) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, database.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Busy), account_lock(database.url, account("acme", "office")):
            pass
        holder.kill()
    # The server notices the end of the connection a moment later.
    database.value("select pg_advisory_lock(hashtextextended('orchestrate account acme', 0))")
    with account_lock(database.url, account("acme", "office")):
        pass
