"""A worker of the queue: it loads accounts, each in a process of its own. Any number of them share the queue."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import procrastinate
import psycopg
from procrastinate import exceptions
from procrastinate.jobs import Status

from invoicing_orchestrate import failure_waves
from invoicing_orchestrate.account_lock import account_lock
from invoicing_orchestrate.connection import reason
from invoicing_orchestrate.errors import Busy, ProjectError, Unreachable
from invoicing_orchestrate.exit_codes import BUSY, REFUSED
from invoicing_orchestrate.guard import Guard
from invoicing_orchestrate.meltano_run import PASSED_ON
from invoicing_orchestrate.queue_database import (
    done_dues,
    due_accounts,
    queue_connection,
    queue_session,
    set_done,
)
from invoicing_orchestrate.record import RunRecord

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from invoicing_orchestrate.accounts import Account, Accounts

LOADS, UPKEEP = "accounts", "upkeep"
RETRIES = 3
FIRST_RETRY = timedelta(minutes=1)
"""The next ones come after five times as long, each."""
BUSY_AGAIN = timedelta(seconds=10)
_ALIVE_SECONDS = 10.0
_SIGNAL_EXIT = 128
_EVERY_TEN_SECONDS = "* * * * * */10"


@dataclass(frozen=True)
class WorkerOptions:
    """How a worker works.

    Args:
        at_once: How many accounts it loads at the same time.
        stalled_after: Seconds without a sign of life after which the jobs of another worker are taken up.
        first_retry: How long the first attempt after a failure waits; each further one five times as long.
        retries: How many attempts follow a failure that may pass.
        alive_file: A file that is touched as long as the worker works, for probes; None for none.
    """

    at_once: int
    stalled_after: float = 60.0
    first_retry: timedelta = FIRST_RETRY
    retries: int = RETRIES
    alive_file: Path | None = None


@dataclass
class Worker:
    """A worker.

    Args:
        connection: The database of the queue, as libpq takes it.
        accounts: Returns the accounts, as they are now.
        command: Returns the program and its arguments that load an account, and print its record as JSON.
        environment: The environment variables of these programs.
        options: How it works.
        post: Posts the failures that have been gathered for long enough.
        say: Prints a line.
    """

    connection: str
    accounts: Callable[[], Accounts]
    command: Callable[[Account], Sequence[str]]
    environment: Mapping[str, str]
    options: WorkerOptions
    post: Callable[[psycopg.Connection], None]
    say: Callable[[str], None]
    _children: dict[int, asyncio.subprocess.Process] = field(default_factory=dict)
    _signal: int | None = None

    def __post_init__(self) -> None:
        """Make the tasks."""
        self._app = self._tasks()

    def run(self) -> int:
        """Work until a signal comes; it goes to the loads that run then, which others take up.

        Returns:
            128 plus the signal's number.

        Raises:
            ProjectError: If the database cannot be used, or the file of `alive_file` not be written.
        """
        if self.options.alive_file is not None:
            try:
                self.options.alive_file.touch()
            except OSError as error:
                raise ProjectError(f"{self.options.alive_file} cannot be written: {error.strerror}") from None
        with queue_session(self.connection):
            pass
        return asyncio.run(self._work())

    async def _work(self) -> int:
        app = self._app
        loop = asyncio.get_running_loop()
        beat = self.options.stalled_after / 6
        async with app.open_async():
            # Upkeep must not wait until a load has ended.
            workers = [
                asyncio.create_task(
                    app.run_worker_async(
                        queues=[queue],
                        name=queue,
                        concurrency=at_once,
                        install_signal_handlers=False,
                        delete_jobs="always",
                        fetch_job_polling_interval=1.0,
                        update_heartbeat_interval=beat,
                        stalled_worker_timeout=self.options.stalled_after,
                    )
                )
                for queue, at_once in ((LOADS, self.options.at_once), (UPKEEP, 1))
            ]
            for signum in PASSED_ON:
                # In this thread, and between two steps of the tasks.
                loop.add_signal_handler(signum, self._stop, signum, workers)
            self.say(f"Loads up to {self.options.at_once} accounts at once")
            alive = asyncio.create_task(self._touch_alive_file())
            await asyncio.wait(workers, return_when=asyncio.FIRST_COMPLETED)
            if self._signal is None:
                # One has failed. After a signal all were told to end, and to be told twice would cut off their loads.
                for worker in workers:
                    worker.cancel()
            results = await asyncio.gather(*workers, return_exceptions=True)
            alive.cancel()
        failures = [result for result in results if isinstance(result, Exception)]
        if failures and self._signal is None:
            said = failures[0]
            why = reason(said) if isinstance(said, psycopg.Error) else " ".join(str(said).split())
            raise ProjectError(f"The queue cannot be read: {why}") from said
        return _SIGNAL_EXIT + (self._signal or 0)

    async def _touch_alive_file(self) -> None:
        """Touch the file again and again: in this loop, so that it grows old if the loop hangs."""
        file = self.options.alive_file
        while file is not None:
            # If it can no longer be written it grows old, and the probe says so.
            with suppress(OSError):
                file.touch()
            await asyncio.sleep(_ALIVE_SECONDS)

    def _tasks(self) -> procrastinate.App:
        """Return the tasks: loads, and the upkeep of the queue."""
        connector = procrastinate.PsycopgConnector(conninfo=queue_connection(self.connection), min_size=1, max_size=4)
        app = procrastinate.App(connector=connector)
        app.task(name="load", queue=LOADS)(self.load)
        for task in (self.defer_due, self.take_up_stalled, self.post_failures):
            registered = app.task(name=task.__name__, queue=UPKEEP, queueing_lock=task.__name__)(_periodic(task))
            app.periodic(cron=_EVERY_TEN_SECONDS)(registered)
        return app

    async def load(self, account: str, failures: int = 0) -> None:
        """Load an account, and decide what follows.

        Args:
            account: Its name.
            failures: How often it has failed since it was due.
        """
        known = self.accounts().by_name.get(account)
        if known is None or not known.enabled:
            self.say(f"{account} is not loaded, as it is no longer in the file of accounts, or not enabled")
            return
        try:
            await asyncio.to_thread(self._probe, known)
        except Busy:
            await self._defer(known, failures, BUSY_AGAIN)
            return
        code, record = await self._run_child(known)
        if code == BUSY or self._signal is not None:
            # After a signal another worker takes it up; what was read is in its state.
            await self._defer(known, failures, BUSY_AGAIN if code == BUSY else timedelta())
        elif code and code != REFUSED and failures < self.options.retries:
            await self._defer(known, failures + 1, _backoff(self.options.first_retry, failures))
        elif code and record is not None:
            await asyncio.to_thread(self._keep_failure, record)

    async def defer_due(self) -> None:
        """Put the accounts into the queue that are to be loaded by now."""
        accounts = self.accounts()
        with queue_session(self.connection) as session:
            due = due_accounts(accounts.enabled, done_dues(session), datetime.now(UTC))
            for account, moment in due:
                await self._defer(account, 0, timedelta())
                set_done(session, account.name, moment)

    async def take_up_stalled(self) -> None:
        """Put the jobs of workers that have died back into the queue."""
        manager = self._app.job_manager
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=self.options.stalled_after):
            self.say(f"{job.task_kwargs.get('account', job.task_name)} is taken up: its worker has died")
            try:
                await manager.retry_job(job)
            except exceptions.UniqueViolation:
                # It waits in the queue already.
                await manager.finish_job(job, status=Status.FAILED, delete_job=True)

    async def post_failures(self) -> None:
        """Post failures, one message for those that are alike."""
        await asyncio.to_thread(self._post_failures)

    def _post_failures(self) -> None:
        with queue_session(self.connection) as session:
            self.post(session)

    def _keep_failure(self, record: RunRecord) -> None:
        with queue_session(self.connection) as session:
            failure_waves.keep(session, record)

    def _probe(self, account: Account) -> None:
        """Look whether an account could be loaded now: cheaper than a process, which then says what else is wrong.

        Raises:
            Busy: If it could not.
        """
        with suppress(Unreachable, psycopg.OperationalError), account_lock(self.connection, account):
            pass

    async def _run_child(self, account: Account) -> tuple[int, RunRecord | None]:
        child = await asyncio.create_subprocess_exec(
            *self.command(account),
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._children[child.pid] = child
        try:
            with Guard(child.pid, signal.SIGTERM):
                if self._signal is not None:
                    child.send_signal(self._signal)
                output, _ = await child.communicate()
        finally:
            del self._children[child.pid]
        record = _record(output)
        if record is not None:
            self.say(record.line())
        return child.returncode or 0, record

    async def _defer(self, account: Account, failures: int, after: timedelta) -> None:
        job = self._app.configure_task(
            "load",
            queue=LOADS,
            lock=f"account {account.name}",
            queueing_lock=f"account {account.name}",
            priority=account.priority,
            schedule_at=datetime.now(UTC) + after,
        )
        # If it waits in the queue already, it is loaded once.
        with suppress(exceptions.AlreadyEnqueued):
            await job.defer_async(account=account.name, failures=failures)

    def _stop(self, signum: int, workers: Sequence[asyncio.Task[None]]) -> None:
        if self._signal is None:
            self.say(f"{signal.Signals(signum).name}: the loads that run end now, with their state")
        self._signal = self._signal or signum
        for child in self._children.values():
            with suppress(ProcessLookupError):
                child.send_signal(signum)
        for worker in workers:
            worker.cancel()


def _periodic(task: Callable[[], Awaitable[None]]) -> Callable[[int], Awaitable[None]]:
    async def run(timestamp: int) -> None:  # noqa: ARG001 - procrastinate passes it
        await task()

    return run


def _backoff(first: timedelta, failures: int) -> timedelta:
    """Return how long the next attempt waits: a little more or less, as many may have failed at once."""
    factor: int = 5**failures
    return first * factor * random.uniform(0.8, 1.2)  # noqa: S311 - not cryptography


def _record(output: bytes) -> RunRecord | None:
    """Return the record that a load has printed; None if it has printed none."""
    lines = output.decode(errors="replace").splitlines()
    try:
        return RunRecord.of_json(json.loads(lines[-1]))
    except (IndexError, ValueError, TypeError, KeyError):
        return None
