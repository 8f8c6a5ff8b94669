"""What `orchestrate load` does with its names: one tap, one account, or several accounts side by side."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from invoicing_orchestrate import failure_waves
from invoicing_orchestrate.account_load import AccountLoad
from invoicing_orchestrate.accounts import FILE, Accounts
from invoicing_orchestrate.command import RUNS_FILE
from invoicing_orchestrate.errors import PostFailed, ProjectError
from invoicing_orchestrate.load import FAILURE_URL, Load, print_line
from invoicing_orchestrate.project import POSTGRES, Project
from invoicing_orchestrate.queue_database import done_dues, due_accounts, queue_session, set_done
from invoicing_orchestrate.record import DEFAULT_ACCOUNT, json_line
from invoicing_orchestrate.side_by_side import SideBySide
from invoicing_orchestrate.similar import similar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import psycopg

    from invoicing_orchestrate.accounts import Account

FILE_VARIABLE = "ORCHESTRATE_ACCOUNTS_FILE"


@dataclass(frozen=True)
class LoadOptions:
    """The options of the command.

    Args:
        meltano_options: More arguments for `meltano run`.
        is_all: Whether all accounts that are enabled are loaded.
        is_due: Whether those are loaded that are due.
        loader: The loader of a tap; None for target-postgres.
        account: What the record calls the account of a tap; None for `default`.
        runs_file: The file of records; None for that beside meltano.yml.
        metrics: Whether measurements are shown.
        quiet: Whether the log of accounts is in their files alone.
        at_once: How many accounts at the same time; None for as many as there are processors.
        json: Whether the record is printed, and not its line.
        failures: What is done about a failure of an account: it is posted `now`, with those that are alike; `later`,
            by the next command that posts, or a worker; or `never`.
    """

    meltano_options: Sequence[str] = ()
    is_all: bool = False
    is_due: bool = False
    loader: str | None = None
    account: str | None = None
    runs_file: Path | None = None
    metrics: bool = False
    quiet: bool = False
    at_once: int | None = None
    json: bool = False
    failures: Literal["now", "later", "never"] = "now"


def load_names(names: Sequence[str], options: LoadOptions, say: Callable[[str], None]) -> int:
    """Load a tap, or accounts.

    Args:
        names: A tap, or accounts; empty with `is_all` and `is_due`.
        options: The options.
        say: Prints the line of a run that has ended.

    Returns:
        The exit code.

    Raises:
        ProjectError: If names or project are not right.
        Busy: If the one account cannot be loaded now.
    """
    ways = sum((bool(names), options.is_all, options.is_due))
    if ways == 0:
        raise ProjectError("Name a tap or accounts, or say --all or --due")
    if ways > 1:
        raise ProjectError("Names, --all and --due exclude each other: give one of them")
    # That a name is wrong is said before a database is looked for.
    project = Project.found(os.environ)
    is_tap = bool(names) and not _are_accounts(project, names)
    project = project.with_database()
    runs_file = options.runs_file or project.folder / RUNS_FILE
    if is_tap:
        return _load_tap(project, names, options, runs_file, say)
    if options.loader not in {None, POSTGRES} or options.account:
        raise ProjectError(f"--loader and --account are for taps: an account of {FILE} is loaded by {POSTGRES}")
    accounts = read_accounts(project)
    if len(names) != 1:
        return _load_several(project, accounts, names, options, say)
    load = AccountLoad(
        project, accounts, runs_file, options.meltano_options, show_metrics=options.metrics, is_quiet=options.quiet
    )
    record = load.run(accounts.by_name[names[0]])
    say(json_line(record).rstrip() if options.json else record.line())
    if record.result != "succeeded" and options.failures != "never":
        with queue_session(project.database().connection) as session:
            failure_waves.keep(session, record)
            if options.failures == "now":
                post_failures(project, session)
    return record.exit_code


def _load_tap(
    project: Project, names: Sequence[str], options: LoadOptions, runs_file: Path, say: Callable[[str], None]
) -> int:
    if len(names) > 1:
        raise ProjectError(f"Taps are loaded one by one: {', '.join(names)} are several")
    loader, account = options.loader or POSTGRES, options.account or DEFAULT_ACCOUNT
    load = Load(names[0], loader, account, options.meltano_options, runs_file, show_metrics=options.metrics)
    record = load.run(project)
    say(json_line(record).rstrip() if options.json else record.line())
    return record.exit_code


def _load_several(
    project: Project, accounts: Accounts, names: Sequence[str], options: LoadOptions, say: Callable[[str], None]
) -> int:
    def command(account: Account) -> list[str]:
        shown = ["--json"] if options.json else []
        # Those that are alike are posted together, once all have ended.
        failures = "never" if options.failures == "never" else "later"
        more = [*shown, f"--failures={failures}", account.name, *options.meltano_options]
        return [*account_command(options.runs_file or project.folder / RUNS_FILE), *more]

    chosen = accounts.chosen(names) if names else accounts.enabled
    with queue_session(project.database().connection) as session:
        now = datetime.now(UTC)
        dues = due_accounts(accounts.enabled, done_dues(session), now) if options.is_due else []
        if options.is_due:
            chosen = [account for account, _ in dues]
        if not chosen:
            say("No account is due" if options.is_due else "No account is enabled")
        code = SideBySide(options.at_once or os.cpu_count() or 1, command, project.environment).run(chosen)
        if code <= 1:
            for account, due in dues:
                set_done(session, account.name, due)
        if options.failures == "now":
            post_failures(project, session)
    return code


def post_failures(project: Project, session: psycopg.Connection, gathered: timedelta = timedelta()) -> None:
    """Post the failures that are kept, one message for those that are alike, if the project says where to.

    Args:
        project: The project.
        session: The database of the queue.
        gathered: For how long failures of one kind have been gathered.
    """
    # Takes longer to load than all the rest.
    from invoicing_orchestrate.failure_post import post_message  # noqa: PLC0415

    url = project.variables.get(FAILURE_URL)

    def post(message: Mapping[str, Any]) -> None:
        if url:
            post_message(url, message)

    try:
        failure_waves.post_waves(session, post, datetime.now(UTC), gathered)
    except PostFailed as error:
        print_line(f"{FAILURE_URL}: {error}. It is tried again with the next failure")


def account_command(runs_file: Path) -> list[str]:
    """Return the command that loads an account in a process of its own, without the name of the account.

    Args:
        runs_file: The file of records.
    """
    return [sys.executable, "-m", "invoicing_orchestrate.command", "load", "--quiet", f"--runs-file={runs_file}"]


def accounts_path(project: Project) -> Path:
    """Return the file of accounts: `ORCHESTRATE_ACCOUNTS_FILE`, or `accounts.yml` beside meltano.yml.

    Args:
        project: The project.
    """
    return project.folder / (project.variables.get(FILE_VARIABLE) or FILE)


def read_accounts(project: Project) -> Accounts:
    """Return the accounts of a project.

    Args:
        project: The project.

    Raises:
        ProjectError: If the file is not there, or has faults.
    """
    path = accounts_path(project)
    if path.is_dir():
        raise ProjectError(f"{path} is a folder: put a file in its place; docs/many-accounts.md says what is in it")
    if not path.exists():
        raise ProjectError(f"There is no {path}: docs/many-accounts.md says what is in it")
    return Accounts.read(path, project.tap_locks)


def check_names(project: Project, names: Sequence[str]) -> None:
    """Check that each name is one that can be loaded.

    Args:
        project: The project.
        names: Taps and accounts.

    Raises:
        ProjectError: If one is neither, or both.
    """
    for name in names:
        _are_accounts(project, [name])


def _are_accounts(project: Project, names: Sequence[str]) -> bool:
    """Return whether names are those of accounts, and not of a tap."""
    known = read_accounts(project).by_name if accounts_path(project).exists() else {}
    for name in names:
        if name in known and name in project.extractors:
            raise ProjectError(f"{name} is both a tap and an account of {FILE}: give the account another name")
    loadable = {*known, *project.extractors}
    for name in names:
        if name not in loadable:
            raise ProjectError(f"There is neither a tap nor an account {name} in this project{similar(name, loadable)}")
    return any(name in known for name in names)
