"""One load: Meltano runs, and its record is kept in a file, beside the data, and posted if it failed."""

from __future__ import annotations

import os
import signal
import socket
import sys
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

import psycopg

from invoicing_orchestrate import runs_file
from invoicing_orchestrate.connection import reason
from invoicing_orchestrate.errors import PostFailed, ProjectError
from invoicing_orchestrate.exit_codes import REFUSED, TIMED_OUT
from invoicing_orchestrate.meltano_run import MeltanoRun
from invoicing_orchestrate.record import RunRecord
from invoicing_orchestrate.run_log import RunLog
from singer_rest_core.clock import time_span
from singer_rest_core.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from invoicing_orchestrate.destination import Destination
    from invoicing_orchestrate.project import Project
    from invoicing_orchestrate.record import Result

FAILURE_URL = "ON_FAILURE_URL"
_LEVELS = ("debug", "info", "warning", "error", "critical")
_LEVEL_VARIABLE = "MELTANO_CLI_LOG_LEVEL"
_METRICS = "LOG_METRICS"
"""Asks tap and loader for measurements."""
_Returned = TypeVar("_Returned")


def print_line(line: str) -> None:
    """Print a line where Meltano prints its log.

    Args:
        line: The line.
    """
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - the log of the run


def worker_name() -> str:
    """Return what the record calls this machine and process."""
    return f"{socket.gethostname()}:{os.getpid()}"


@dataclass(frozen=True)
class AccountLimits:
    """What is true of the run of an account of accounts.yml.

    Args:
        seconds: A run that takes longer is ended.
        quota_group: The group whose rate limit it shares; None if none.
        secrets: Values that must not be in its record.
    """

    seconds: float
    quota_group: str | None
    secrets: Collection[str]


@dataclass(frozen=True)
class Load:
    """What is to be loaded.

    Args:
        tap: The tap's name.
        loader: The loader's name.
        account: What the record calls the account.
        options: More arguments for `meltano run`.
        runs_file: The file to which the record is added.
        show_metrics: Whether measurements are shown.
        of_account: What is true of the run of an account of accounts.yml; None for a tap by its name.
        say: Prints a line of the log.
    """

    tap: str
    loader: str
    account: str
    options: Sequence[str]
    runs_file: Path
    show_metrics: bool = False
    of_account: AccountLimits | None = None
    say: Callable[[str], None] = print_line

    def run(self, project: Project) -> RunRecord:
        """Run Meltano and keep the record.

        Args:
            project: Where it runs.

        Returns:
            The record.

        Raises:
            ProjectError: If Meltano is not installed.
        """
        record, log = self._run(project)
        more_secrets = self.of_account.secrets if self.of_account else ()
        attempt = _Attempts([*project.secrets, *more_secrets], self.say)
        destination = attempt("The database of the loader is not known", lambda: self._destination(project))
        if destination is not None:
            attempt.secrets += destination.secrets
            counted = attempt("Rows cannot be counted in the database", lambda: _counted(destination, record, log))
            record = counted or record
        record = record.redacted(attempt.secrets)
        attempt(f"{self.runs_file} cannot be written", lambda: runs_file.append(self.runs_file, record))
        if destination is not None:
            attempt("The table of runs cannot be written", lambda: destination.add(record))
        url = project.variables.get(FAILURE_URL)
        if url and self.of_account is None and record.result != "succeeded":
            attempt(f"{FAILURE_URL}", lambda: _post(url, record))
        return record

    def _run(self, project: Project) -> tuple[RunRecord, RunLog]:
        run_id = str(uuid.uuid4())
        shown_from = project.variables.get(_LEVEL_VARIABLE, "info").lower()
        threshold = _LEVELS.index(shown_from) if shown_from in _LEVELS else _LEVELS.index("info")
        # Counts are logged at the level info, whatever is shown.
        level = "debug" if shown_from == "debug" else "info"
        command = [*project.meltano_command, f"--log-level={level}", "--log-format=json", "run", f"--run-id={run_id}"]
        log = RunLog()
        started = datetime.now(UTC)
        with MeltanoRun(
            [*command, *self.options, self.tap, self.loader],
            project.folder,
            # Rows and requests are counted from the measurements of tap and loader.
            {**project.environment, _METRICS: "1"},
            tap_pid=lambda: log.tap_pid,
            on_signal=lambda signum: self.say(
                f"{signal.Signals(signum).name}: the tap ends now, and the loader writes what it has; "
                "a second signal ends both at once"
            ),
            time_limit=self.of_account.seconds if self.of_account else None,
        ) as run:
            for line in run.lines():
                log.observe(line)
                is_shown = line.level not in _LEVELS or _LEVELS.index(line.level) >= threshold
                if is_shown and (self.show_metrics or not line.metric):
                    self.say(line.shown())
            code = run.wait()
        return self._record(run_id, log, started, code, run), log

    def _record(self, run_id: str, log: RunLog, started: datetime, code: int, run: MeltanoRun) -> RunRecord:
        result: Result = "succeeded" if code == 0 else "failed"
        error = log.error() if code else None
        limits = self.of_account
        if code and run.signal_received is not None:
            result, error = "interrupted", f"Ended by {signal.Signals(run.signal_received).name}"
        elif code and run.is_timed_out and limits is not None:
            error, code = f"Ended at its time limit of {time_span(limits.seconds)}. Last error: {error}", TIMED_OUT
        elif code and log.is_refused and limits is not None:
            code = REFUSED
        return RunRecord(
            run_id=run_id,
            tap=self.tap,
            loader=self.loader,
            account=self.account,
            started=started,
            ended=datetime.now(UTC),
            result=result,
            exit_code=code,
            error=error,
            rows_read=log.total_read,
            rows_written=log.total_written,
            rows_deleted=log.rows_deleted,
            requests=log.total_requests,
            skipped_streams=dict(log.skipped),
            failed_streams=dict(log.failed),
            worker=worker_name(),
            quota_group=limits.quota_group if limits else None,
        )

    def _destination(self, project: Project) -> Destination | None:
        return project.destination(self.tap, self.loader)


@dataclass
class _Attempts:
    """Does what a finished run shall not fail for: an error becomes one line.

    Args:
        secrets: The values that must not be in that line.
        say: Prints a line.
    """

    secrets: list[str]
    say: Callable[[str], None]

    def __call__(self, what: str, action: Callable[[], _Returned]) -> _Returned | None:
        """Return the result of an action; None if it failed."""
        try:
            return action()
        except (OSError, ValueError, psycopg.Error, ProjectError, PostFailed) as error:
            said = reason(error) if isinstance(error, psycopg.Error) else " ".join(str(error).split())
            self.say(f"{what}: {redact(said, self.secrets)}. The run itself is not affected")
            return None


def _counted(destination: Destination, record: RunRecord, log: RunLog) -> RunRecord:
    """Return a record with counts from the database, where the loader has said nothing."""
    written, deleted = log.total_written, log.rows_deleted
    return replace(
        record,
        rows_written=destination.rows_written(record.started) if written is None else written,
        rows_deleted=destination.rows_deleted(record.started) if deleted is None else deleted,
    )


def _post(url: str, record: RunRecord) -> None:
    # Imported where it is needed: its HTTP library takes longer to load than all the rest.
    from invoicing_orchestrate.failure_post import post  # noqa: PLC0415

    post(url, record)
