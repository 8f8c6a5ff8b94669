"""Whether accounts can be read: their credentials, and which streams they may read."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import psycopg

from invoicing_orchestrate.account_lock import account_lock
from invoicing_orchestrate.account_run import AccountRun
from invoicing_orchestrate.connection import unreachable
from invoicing_orchestrate.errors import Busy, ProjectError, Unreachable
from invoicing_orchestrate.guard import Guard
from invoicing_orchestrate.load_command import read_accounts
from invoicing_orchestrate.project import current
from invoicing_orchestrate.queue_database import QUEUE
from invoicing_orchestrate.text_table import text_table
from singer_rest_core.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from invoicing_orchestrate.accounts import Account
    from invoicing_orchestrate.project import Project

AT_ONCE = 8
TIME_LIMIT = 300.0
"""Seconds for one account."""
_SLOT_AGAIN = 1.0
_STREAM = re.compile(r"(?P<stream>\S+)\s+(?P<access>allowed|refused|failed)\s+[\d,]*\s*[\d.]+(?:\s+(?P<why>\S.*))?")
"""A line of the table that a tap prints for `--test`."""
_LOGGED_ERROR = re.compile(r".*\| (?:ERROR|CRITICAL) +\| [^|]+\| (?P<text>.*)")


@dataclass(frozen=True)
class AccountCheck:
    """What was found of an account.

    Args:
        account: Its name.
        tap: Its tap.
        result: `allowed`, `refused` (its credentials or settings), `failed`, or `busy` if it was being loaded.
        allowed: The streams that it may read.
        refused: The streams that it may not read, with the reason.
        error: What is wrong, in one line; empty if nothing is.
    """

    account: str
    tap: str
    result: str
    allowed: Sequence[str] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    error: str = ""


def check(names: Sequence[str], at_once: int | None, say: Callable[[str], None], *, is_json: bool) -> int:
    """Check accounts, several at the same time, within their quota groups, and print what was found.

    Args:
        names: Their names; all that are enabled if empty.
        at_once: How many at the same time; None for the default.
        say: Prints a line.
        is_json: Whether JSON is printed.

    Returns:
        0 if all can be read, 1 otherwise.

    Raises:
        ProjectError: If the project cannot be run.
    """
    project = current()
    accounts = read_accounts(project)
    chosen = accounts.chosen(names) if names else accounts.enabled
    connection = project.database().connection

    def check_one(account: Account) -> AccountCheck:
        try:
            with _slot(connection, account):
                return _tried(project, AccountRun(project, accounts, account))
        except Busy as busy:
            return AccountCheck(account.name, account.tap, "busy", error=str(busy))
        except Unreachable:
            raise
        except (ProjectError, OSError) as error:
            return AccountCheck(account.name, account.tap, "refused", error=str(error))

    with ThreadPoolExecutor(at_once or AT_ONCE) as pool:
        try:
            found = list(pool.map(check_one, chosen))
        except psycopg.OperationalError as error:
            raise ProjectError(unreachable(QUEUE, connection, error)) from None
    say(json.dumps([asdict(each) for each in found], ensure_ascii=False) if is_json else _table(found))
    return 0 if all(each.result == "allowed" for each in found) else 1


@contextmanager
def _slot(connection: str, account: Account) -> Iterator[None]:
    """Hold a slot of the account's quota group; wait for one."""
    if account.quota_group is None:
        yield
        return
    until = time.monotonic() + TIME_LIMIT
    while True:
        try:
            with account_lock(connection, account):
                yield
                return
        except Busy:
            if time.monotonic() > until:
                raise
            time.sleep(_SLOT_AGAIN)


def _tried(project: Project, run: AccountRun) -> AccountCheck:
    account, environment = run.account, run.tap_environment()
    program = project.system_folder / "extractors" / account.tap / "venv" / "bin" / account.tap
    if not program.is_file():
        error = f"{account.tap} is not installed: run `meltano install` in {project.folder}"
        return AccountCheck(account.name, account.tap, "failed", error=error)
    child = subprocess.Popen(  # noqa: S603 - the tap
        [program, "--config=ENV", "--test"],
        cwd=project.folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    with Guard(-child.pid, signal.SIGKILL):
        try:
            _, said = child.communicate(timeout=TIME_LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
            error = f"No answer within {TIME_LIMIT:.0f} s"
            return AccountCheck(account.name, account.tap, "failed", error=error)
    said = redact(said, [*project.secrets, *run.secrets.values()])
    return _explained(account, run.patterns(), said.splitlines(), child.returncode)


def _explained(account: Account, patterns: Sequence[str], lines: Sequence[str], code: int) -> AccountCheck:
    """Return what the output of `--test` says."""
    tried = [found for line in lines if (found := _STREAM.fullmatch(line)) and _is_selected(found["stream"], patterns)]
    allowed = [each["stream"] for each in tried if each["access"] == "allowed"]
    refused = {each["stream"]: each["why"] or "" for each in tried if each["access"] == "refused"}
    failed = {each["stream"]: each["why"] or "" for each in tried if each["access"] == "failed"}
    if allowed and not failed:
        return AccountCheck(account.name, account.tap, "allowed", allowed, refused)
    errors = [found["text"] for line in lines if (found := _LOGGED_ERROR.fullmatch(line))]
    error = next(iter(failed.values()), "") or (errors[-1] if errors else f"The tap ended with exit code {code}")
    result = "refused" if (refused and not failed) or (not tried and " 401" in error) else "failed"
    return AccountCheck(account.name, account.tap, result, allowed, refused, error)


def _is_selected(stream: str, patterns: Sequence[str]) -> bool:
    """Return whether Meltano's select takes a stream."""
    kept = [each.partition(".")[0] for each in patterns if not each.startswith("!")]
    left_out = [each[1:].removesuffix(".*") for each in patterns if each.startswith("!")]
    is_kept = not kept or any(fnmatchcase(stream, each) for each in kept)
    return is_kept and not any(fnmatchcase(stream, each) for each in left_out)


def _table(found: Sequence[AccountCheck]) -> str:
    header = ("account", "tap", "access", "streams", "why")
    rows = [
        (
            each.account,
            each.tap,
            each.result,
            f"{len(each.allowed)} of {len(each.allowed) + len(each.refused)}" if each.allowed else "",
            each.error or ", ".join(f"{stream}: {why}" for stream, why in each.refused.items()),
        )
        for each in found
    ]
    bad = sum(each.result != "allowed" for each in found)
    said = f"{bad} of {len(found)} accounts cannot be read" if bad else f"{len(found)} accounts can be read"
    return f"{text_table(header, rows)}\n{said}"
