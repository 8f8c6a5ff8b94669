"""The commands `work`, `logs`, `retire` and `database`."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from typing import TYPE_CHECKING

from ruamel.yaml import YAML

from invoicing_orchestrate.account_lock import account_lock
from invoicing_orchestrate.account_log import files, last_lines
from invoicing_orchestrate.account_run import accounts_folder
from invoicing_orchestrate.command import RUNS_FILE
from invoicing_orchestrate.errors import ProjectError
from invoicing_orchestrate.failure_waves import GATHERED
from invoicing_orchestrate.load_command import account_command, accounts_path, post_failures, read_accounts
from invoicing_orchestrate.project import Project, current
from invoicing_orchestrate.queue_database import queue_session
from invoicing_orchestrate.worker import LOADS, Worker, WorkerOptions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from invoicing_orchestrate.accounts import Account, Accounts
    from invoicing_orchestrate.embedded_database import EmbeddedDatabase


class CurrentAccounts:
    """The accounts, read again whenever their file has changed; those of before while it has faults.

    Args:
        project: The project.
        say: Prints what is wrong with the file, once.
    """

    def __init__(self, project: Project, say: Callable[[str], None]) -> None:
        """Read them.

        Raises:
            ProjectError: If they cannot be read.
        """
        self._project, self._say = project, say
        self._stamp = self._now()
        self._accounts = read_accounts(project)

    def __call__(self) -> Accounts:
        """Return them."""
        stamp = self._now()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._accounts = read_accounts(self._project)
            except ProjectError as error:
                self._say(f"{error}\nThe accounts of before are loaded on")
        return self._accounts

    def _now(self) -> tuple[int, int] | None:
        try:
            found = accounts_path(self._project).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size


def work(  # noqa: PLR0913 - each is an option of the command
    *,
    at_once: int | None,
    stalled_after: float,
    first_retry: float,
    retries: int,
    alive_file: Path | None,
    runs_file: Path | None,
    say: Callable[[str], None],
) -> int:
    """Load accounts at their times until a signal comes.

    Args:
        at_once: How many at the same time; None for as many as there are processors.
        stalled_after: Seconds without a sign of life after which the jobs of another worker are taken up.
        first_retry: Seconds that the first attempt after a failure waits.
        retries: How many attempts follow a failure that may pass.
        alive_file: A file that is touched as long as the worker works; None for none.
        runs_file: The file of records; None for that beside meltano.yml.
        say: Prints a line.

    Returns:
        The exit code.

    Raises:
        ProjectError: If the project cannot be run.
    """
    project = current()
    base = account_command(runs_file or project.folder / RUNS_FILE)

    def command(account: Account) -> list[str]:
        return [*base, "--json", "--failures=never", account.name]

    return Worker(
        project.database().connection,
        CurrentAccounts(project, say),
        command,
        project.environment,
        WorkerOptions(
            at_once or os.cpu_count() or 1, stalled_after, timedelta(seconds=first_retry), retries, alive_file
        ),
        lambda session: post_failures(project, session, GATHERED),
        say,
    ).run()


def logs(name: str, lines: int, run: int, say: Callable[[str], None]) -> None:
    """Print the end of the log of a run.

    Args:
        name: The account.
        lines: How many lines.
        run: Which run: 1 is the last one.
        say: Prints a line.

    Raises:
        ProjectError: If there is no such account, or no such log on this machine.
    """
    project = Project.found(os.environ)
    read_accounts(project).chosen([name])
    found = files(accounts_folder(project), name)
    if len(found) < run:
        what = f"This machine has the logs of {len(found)} runs of {name}" if found else f"No log of {name} is here"
        raise ProjectError(f"{what}: `orchestrate status --json {name}` names the machine of the last run")
    for line in last_lines(found[run - 1], lines):
        say(line)


def retire(name: str, say: Callable[[str], None]) -> None:
    """Stop loading an account, and keep its tables.

    Args:
        name: The account.
        say: Prints a line.

    Raises:
        ProjectError: If there is no such account, or the file cannot be written.
        Busy: If it is being loaded.
    """
    project = current()
    (account,) = read_accounts(project).chosen([name])
    with account_lock(project.database().connection, account):
        _disable(accounts_path(project), name)
        with queue_session(project.database().connection) as session:
            session.execute(
                "delete from procrastinate_jobs where queue_name = %s and status = 'todo' and args->>'account' = %s",
                [LOADS, name],
            )
            session.execute("delete from account_dues where account = %s", [name])
        shutil.rmtree(accounts_folder(project) / name, ignore_errors=True)
    say(f"{name} is no longer loaded. Its tables in the schema {account.schema} and its state are kept;")
    say(f"to remove the tables: drop schema {account.schema} cascade")


def print_database(say: Callable[[str], None]) -> None:
    """Print the URL of the embedded PostgreSQL, and start it if it does not run.

    Args:
        say: Prints a line.

    Raises:
        ProjectError: If the project has none, or it cannot be started.
    """
    say(_embedded().start())


def stop_database(say: Callable[[str], None]) -> None:
    """Stop the embedded PostgreSQL.

    Args:
        say: Prints a line.

    Raises:
        ProjectError: If the project has none, or it does not end.
    """
    say("The database has ended" if _embedded().stop() else "The database does not run")


def _embedded() -> EmbeddedDatabase:
    embedded = Project.found(os.environ).embedded_database
    if embedded is None:
        raise ProjectError(
            'There is no embedded PostgreSQL here: to have one, set ORCHESTRATE_DATABASE_URL to "embedded:"'
        )
    return embedded


def _disable(path: Path, name: str) -> None:
    """Set `enabled: false`; comments stay."""
    editor = YAML()
    editor.preserve_quotes = True
    editor.width = 4096
    content = editor.load(path.read_text(encoding="utf-8"))
    (entry,) = (entry for entry in content["accounts"] if entry["name"] == name)
    entry["enabled"] = False
    new = path.with_name(f"{path.name}.new")
    try:
        with new.open("w", encoding="utf-8") as file:
            editor.dump(content, file)
        shutil.copymode(path, new)
        new.replace(path)
    except OSError as error:
        raise ProjectError(f"{path} cannot be written: {error.strerror}") from None
