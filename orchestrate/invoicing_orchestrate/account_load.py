"""One load of an account: its lock, its environment, its log, its record."""

from __future__ import annotations

import uuid
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg

from invoicing_orchestrate import runs_file
from invoicing_orchestrate.account_lock import account_lock
from invoicing_orchestrate.account_log import AccountLog
from invoicing_orchestrate.account_run import AccountRun, accounts_folder, meltano_database_uri
from invoicing_orchestrate.connection import reason, unreachable
from invoicing_orchestrate.errors import ProjectError
from invoicing_orchestrate.exit_codes import REFUSED
from invoicing_orchestrate.load import AccountLimits, Load, print_line, worker_name
from invoicing_orchestrate.project import POSTGRES
from invoicing_orchestrate.queue_database import QUEUE
from invoicing_orchestrate.record import RunRecord
from invoicing_orchestrate.system_database import ensure_system_database

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from invoicing_orchestrate.accounts import Account, Accounts
    from invoicing_orchestrate.project import Project


@dataclass(frozen=True)
class AccountLoad:
    """Loads of accounts of one project.

    Args:
        project: The project.
        accounts: Its accounts.
        runs_file: The file to which records are added.
        options: More arguments for `meltano run`.
        show_metrics: Whether measurements are shown.
        is_quiet: Whether the log is written to the file of the run alone.
    """

    project: Project
    accounts: Accounts
    runs_file: Path
    options: Sequence[str] = ()
    show_metrics: bool = False
    is_quiet: bool = False

    def run(self, account: Account) -> RunRecord:
        """Load an account now.

        Args:
            account: The account.

        Returns:
            The record, also of a load that could not begin as something is wrong with the account.

        Raises:
            Busy: If it is being loaded by another process, or its quota group is used up.
            ProjectError: If the project cannot be run at all.
        """
        connection = self.project.database().connection
        try:
            with account_lock(connection, account):
                return self._run_alone(account)
        except psycopg.OperationalError as error:
            raise ProjectError(unreachable(QUEUE, connection, error)) from None

    def _run_alone(self, account: Account) -> RunRecord:
        run = AccountRun(self.project, self.accounts, account)
        started = datetime.now(UTC)
        with closing(AccountLog(accounts_folder(self.project), account.name, started)) as log:

            def say(line: str) -> None:
                log.write(line)
                if not self.is_quiet:
                    print_line(line)

            try:
                own_project = run.own_project()
                run.prepare_folder()
                secrets = list(run.secrets.values())
            except (ProjectError, OSError) as error:
                return self._not_begun(account, started, str(error), say)
            ensure_system_database(own_project, meltano_database_uri(self.project))
            limits = AccountLimits(account.time_limit_minutes * 60, account.quota_group, secrets)
            return Load(
                account.tap,
                POSTGRES,
                account.name,
                [*run.state_options, *self.options],
                self.runs_file,
                show_metrics=self.show_metrics,
                of_account=limits,
                say=say,
            ).run(own_project)

    def _not_begun(self, account: Account, started: datetime, error: str, say: Callable[[str], None]) -> RunRecord:
        record = RunRecord(
            run_id=str(uuid.uuid4()),
            tap=account.tap,
            loader=POSTGRES,
            account=account.name,
            started=started,
            ended=datetime.now(UTC),
            result="failed",
            exit_code=REFUSED,
            error=error,
            rows_read=0,
            rows_written=0,
            rows_deleted=0,
            requests=0,
            skipped_streams={},
            failed_streams={},
            worker=worker_name(),
            quota_group=account.quota_group,
        )
        say(error)
        try:
            runs_file.append(self.runs_file, record)
            destination = self.project.destination(account.tap, POSTGRES)
            if destination is not None:
                destination.add(record)
        except (OSError, psycopg.Error, ProjectError) as unwritten:
            why = reason(unwritten, self.project.secrets) if isinstance(unwritten, psycopg.Error) else str(unwritten)
            say(f"The record of this run cannot be written: {why}")
        return record
