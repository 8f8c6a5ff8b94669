"""A worker with PostgreSQL and loads that are played by a small program: what it puts off, tries again and takes up."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.rows import dict_row

from invoicing_orchestrate import failure_waves
from invoicing_orchestrate.account_lock import account_lock
from invoicing_orchestrate.accounts import Account, Accounts
from invoicing_orchestrate.errors import PostFailed, ProjectError
from invoicing_orchestrate.exit_codes import BUSY, REFUSED
from invoicing_orchestrate.queue_database import (
    done_dues,
    due_accounts,
    queue_connection,
    queue_session,
    set_done,
)
from invoicing_orchestrate.record import RunRecord
from invoicing_orchestrate.worker import Worker, WorkerOptions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.loader_world import Database

NOW = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
RECORD = RunRecord(
    run_id="6b2f1b8a-4f6c-4f6e-9d3f-000000000001",
    tap="tap-x",
    loader="target-postgres",
    account="acme",
    started=NOW,
    ended=NOW,
    result="failed",
    exit_code=1,
    error="GET /invoices answered 500 after 6 attempts",
    rows_read=0,
    rows_written=0,
    rows_deleted=0,
    requests=6,
    skipped_streams={},
    failed_streams={},
)
_LOAD = """
import json, os, signal, sys
name, played = sys.argv[1], json.loads(sys.argv[2])
with open(sys.argv[3], "a") as log:
    log.write(name + "\\n")
codes = played[name]
ran = open(sys.argv[3]).read().split().count(name)
code = codes[min(ran, len(codes)) - 1]
print(json.dumps(json.loads(sys.argv[4]) | {"account": name, "run_id": f"6b2f1b8a-4f6c-4f6e-9d3f-{ran:012}"}))
sys.stdout.flush()
if code == "stop":
    os.kill(os.getppid(), signal.SIGTERM)
    signal.pause()
sys.exit(code)
"""


@dataclass
class Played:
    """A worker whose loads end as they are told to."""

    database: Database
    log: Path
    codes: Mapping[str, Sequence[int | str]]
    accounts: list[Account] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    posted: list[Any] = field(default_factory=list)

    def worker(self, **options: Any) -> Worker:  # noqa: ANN401 - fields of the options
        """Return the worker."""
        self.accounts = self.accounts or [Account(name, "tap-x", schedule="0 2 * * *") for name in self.codes]
        known = Accounts(Path("accounts.yml"), {account.name: account for account in self.accounts}, {})

        def command(account: Account) -> list[str]:
            record = json.dumps(RECORD.as_json())
            return [sys.executable, "-c", _LOAD, account.name, json.dumps(self.codes), str(self.log), record]

        chosen = WorkerOptions(**{"at_once": 2, "first_retry": timedelta(), "stalled_after": 6.0, **options})
        return Worker(self.database.url, lambda: known, command, {}, chosen, self.posted.append, self.said.append)

    @property
    def runs(self) -> Counter[str]:
        """How often each account was loaded."""
        return Counter(self.log.read_text(encoding="utf-8").split())

    def jobs(self) -> list[dict[str, Any]]:
        """The accounts in the queue."""
        query = "select args, status::text, priority from procrastinate_jobs where queue_name = 'accounts' order by id"
        with psycopg.connect(queue_connection(self.database.url), row_factory=dict_row) as session:
            return session.execute(query).fetchall()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The file in which each load writes its account."""
    return tmp_path / "loads"


def test_accounts_are_loaded_and_failures_tried_again_unless_they_are_refused(database: Database, log: Path) -> None:
    codes: dict[str, Sequence[int | str]] = {
        "fine": [0],
        "passes": [1, 124, 0],
        "stays": [1],
        "refused": [REFUSED],
        "last": ["stop"],
    }
    played = Played(database, log, codes)
    played.accounts = [
        Account(name, "tap-x", schedule="0 2 * * *", priority=-1 if name == "last" else 0) for name in codes
    ]
    assert played.worker(at_once=1, retries=2).run() == 128 + 15
    assert played.runs == {"fine": 1, "passes": 3, "stays": 3, "refused": 1, "last": 1}
    with queue_session(database.url) as session:
        kept = session.execute("select run->>'account' from unposted_failures").fetchall()
    # Only failures after which nothing more is tried are posted; another worker takes up what a signal ended.
    assert sorted(name for (name,) in kept) == ["refused", "stays"]
    assert [job["args"] for job in played.jobs()] == [{"account": "last", "failures": 0}]
    assert set(done_dues_of(database)) == set(codes)


def done_dues_of(database: Database) -> dict[str, datetime]:
    """Return which times are done with."""
    with queue_session(database.url) as session:
        return done_dues(session)


def test_an_account_that_another_process_loads_is_put_off(database: Database, log: Path) -> None:
    played = Played(database, log, {"held": [0], "busy": [BUSY], "last": ["stop"]})
    played.accounts = [
        Account(name, "tap-x", schedule="0 2 * * *", priority=priority)
        for name, priority in (("held", 2), ("busy", 1), ("last", 0))
    ]
    with account_lock(database.url, played.accounts[0]):
        played.worker(at_once=1).run()
    assert played.runs == {"busy": 1, "last": 1}
    assert [job["args"]["account"] for job in played.jobs()] == ["held", "busy", "last"]
    assert {job["args"]["failures"] for job in played.jobs()} == {0}


def test_an_account_that_is_disabled_meanwhile_is_not_loaded(database: Database, log: Path) -> None:
    played = Played(database, log, {"gone": [0], "last": ["stop"]})
    worker = played.worker(at_once=1)
    with queue_session(database.url):
        asyncio.run(in_app(worker, worker.defer_due()))
    played.accounts[:] = [Account("gone", "tap-x", enabled=False), played.accounts[1]]
    assert played.worker(at_once=1).run() == 143
    assert played.runs == {"last": 1}
    assert any("gone is not loaded" in line for line in played.said)


async def in_app(worker: Worker, work: Any) -> None:  # noqa: ANN401 - a coroutine
    """Do something while the worker is connected."""
    async with worker._app.open_async():  # noqa: SLF001 - one of its tasks alone
        await work


def test_due_accounts_are_put_into_the_queue_once(database: Database, log: Path) -> None:
    played = Played(database, log, {"a": [0], "b": [0]})
    for _ in range(3):
        worker = played.worker()
        with queue_session(database.url):
            asyncio.run(in_app(worker, worker.defer_due()))
    assert [job["args"]["account"] for job in played.jobs()] == ["a", "b"]


def test_the_job_of_a_worker_that_has_died_is_taken_up(database: Database, log: Path) -> None:
    played = Played(database, log, {"a": [0], "b": [0]})
    worker = played.worker()
    with queue_session(database.url) as session:
        asyncio.run(in_app(worker, worker.defer_due()))
        # As two workers leave it that fetched the jobs, the second of which is alive.
        for age in ("1 hour", "1 second"):
            session.execute(
                "with w as (insert into procrastinate_workers (last_heartbeat) values (now() - %s::interval)"
                " returning id) select procrastinate_fetch_job_v2(null, w.id) from w",
                [age],
            )
        assert {job["status"] for job in played.jobs()} == {"doing"}
        asyncio.run(in_app(worker, worker.take_up_stalled()))
    assert {job["args"]["account"]: job["status"] for job in played.jobs()} == {"a": "todo", "b": "doing"}
    assert played.said == ["a is taken up: its worker has died"]


def test_a_stalled_job_whose_account_waits_already_is_dropped(database: Database, log: Path) -> None:
    played = Played(database, log, {"a": [0]})
    worker = played.worker()
    with queue_session(database.url) as session:
        asyncio.run(in_app(worker, worker.defer_due()))
        session.execute("update procrastinate_jobs set status = 'doing'")
        session.execute("delete from account_dues")
        asyncio.run(in_app(worker, worker.defer_due()))
        assert len(played.jobs()) == 2
        asyncio.run(in_app(worker, worker.take_up_stalled()))
    assert [job["status"] for job in played.jobs()] == ["todo"]


def test_which_accounts_are_due() -> None:
    schedules = {"new": "0 2 * * *", "done": "0 2 * * *", "open": "0 8 * * *", "without": None}
    accounts = [Account(name, "tap-x", schedule=schedule) for name, schedule in schedules.items()]
    done = {"done": NOW.replace(hour=2), "open": NOW.replace(hour=2)}
    due = due_accounts(accounts, done, NOW)
    assert [(account.name, moment) for account, moment in due] == [
        ("new", NOW.replace(hour=2)),
        ("open", NOW.replace(hour=8)),
    ]


def test_a_time_that_is_done_with_does_not_go_back(database: Database) -> None:
    with queue_session(database.url) as session:
        set_done(session, "a", NOW)
        set_done(session, "a", NOW - timedelta(hours=1))
        assert done_dues(session) == {"a": NOW}


def failed(number: int, error: str, **more: Any) -> RunRecord:  # noqa: ANN401 - fields of a record
    """Return the record of an account that failed."""
    values = {"run_id": f"6b2f1b8a-4f6c-4f6e-9d3f-{number:012}", "account": f"a{number}", "error": error, **more}
    return RunRecord.of_json(RECORD.as_json() | values)


def test_a_wave_of_failures_is_one_message(database: Database) -> None:
    posted: list[Any] = []
    with queue_session(database.url) as session:
        for number in range(12):
            failure_waves.keep(session, failed(number, f"GET /invoices/{number} answered 500: a{number} is away"))
        failure_waves.keep(session, failed(50, "GET /invoices answered 401"))
        assert failure_waves.post_waves(session, posted.append, NOW) == 0
        assert failure_waves.post_waves(session, posted.append, NOW + failure_waves.GATHERED) == 2
        texts = [message["text"] for message in posted]
        assert "12 accounts of tap-x failed alike: GET /invoices/0 answered 500: a0 is away (a0, a1, " in texts[0]
        assert texts[0].endswith(" and 2 more)")
        assert texts[1] == "tap-x a50 failed: GET /invoices answered 401"
        assert [len(message["runs"]) for message in posted] == [12, 1]
        # The next ones of the same kind wait for an hour.
        failure_waves.keep(session, failed(77, "GET /invoices/9 answered 500: a77 is away"))
        later = NOW + failure_waves.GATHERED * 2
        assert failure_waves.post_waves(session, posted.append, later) == 0
        assert failure_waves.post_waves(session, posted.append, later + failure_waves.AGAIN) == 1


def test_a_message_that_is_not_taken_is_kept(database: Database) -> None:
    def refuse(_message: object) -> None:
        raise PostFailed("the host answered 500")

    posted: list[Any] = []
    with queue_session(database.url) as session:
        failure_waves.keep(session, failed(1, "x"))
        with pytest.raises(PostFailed):
            failure_waves.post_waves(session, refuse, NOW + timedelta(hours=1))
        assert failure_waves.post_waves(session, posted.append, NOW + timedelta(hours=1)) == 1
    assert posted[0]["run"]["account"] == "a1"


def test_a_worker_touches_its_file_for_as_long_as_it_works(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive = tmp_path / "alive"
    # The load removes the file, waits until it is there again, and then ends the worker.
    load = "import os, signal, sys, time\nos.unlink(sys.argv[1])\nuntil = time.monotonic() + 10\n"
    load += "while not os.path.exists(sys.argv[1]) and time.monotonic() < until: time.sleep(0.01)\n"
    load += "os.path.exists(sys.argv[1]) and os.rename(sys.argv[1], sys.argv[1] + '.again')\n"
    load += "os.kill(os.getppid(), signal.SIGTERM)\n"
    accounts = Accounts(Path("accounts.yml"), {"acme": Account("acme", "tap-x", schedule="0 2 * * *")}, {})
    monkeypatch.setattr("invoicing_orchestrate.worker._ALIVE_SECONDS", 0.05)
    worker = Worker(
        database.url,
        lambda: accounts,
        lambda _: [sys.executable, "-c", load, str(alive)],
        {},
        WorkerOptions(1, alive_file=alive),
        lambda _: None,
        lambda _: None,
    )

    assert worker.run() == 143
    assert (tmp_path / "alive.again").exists()


def test_a_file_that_a_worker_cannot_touch_is_one_line(database: Database, tmp_path: Path) -> None:
    accounts = Accounts(Path("accounts.yml"), {}, {})
    options = WorkerOptions(1, alive_file=tmp_path / "missing" / "alive")
    worker = Worker(database.url, lambda: accounts, lambda _: [], {}, options, lambda _: None, lambda _: None)
    with pytest.raises(ProjectError, match=r"missing/alive cannot be written: No such file or directory"):
        worker.run()
