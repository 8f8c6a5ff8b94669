"""What the commands for accounts say: load by name, status, check, logs and retire."""

from __future__ import annotations

import json
import signal
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import yaml
from click.testing import CliRunner

from invoicing_orchestrate import account_log, check, status
from invoicing_orchestrate.account_lock import account_lock
from invoicing_orchestrate.accounts import Account
from invoicing_orchestrate.command import main
from invoicing_orchestrate.destination import Destination
from invoicing_orchestrate.errors import ProjectError
from invoicing_orchestrate.exit_codes import BUSY, REFUSED
from invoicing_orchestrate.project import Project
from invoicing_orchestrate.queue_commands import CurrentAccounts
from invoicing_orchestrate.queue_database import queue_session, set_done
from invoicing_orchestrate.record import RunRecord
from invoicing_orchestrate.side_by_side import SideBySide

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from tests.loader_world import Database

NOW = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
ENTRIES: list[dict[str, Any]] = [
    {"name": "acme", "tap": "tap-x", "secrets": {"login": "env:ACME"}, "schedule": "0 2 * * *"},
    {"name": "beta", "tap": "tap-x", "secrets": {"login": "env:BETA"}, "enabled": False},
]


@pytest.fixture
def folder(tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with two accounts and a database, in whose folder commands run; nothing is installed."""
    (tmp_path / "plugins" / "extractors").mkdir(parents=True)
    lock = {"name": "tap-x", "settings": [{"name": "login", "sensitive": True}]}
    (tmp_path / "plugins" / "extractors" / "tap-x--y.lock").write_text(json.dumps(lock), encoding="utf-8")
    (tmp_path / "meltano.yml").write_text("plugins: {extractors: [{name: mine}]}", encoding="utf-8")
    write(tmp_path, *ENTRIES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TARGET_POSTGRES_SQLALCHEMY_URL", database.sqlalchemy_url)
    return tmp_path


def write(folder: Path, *entries: object) -> None:
    """Write the file of accounts."""
    text = "# ours\n" + yaml.safe_dump({"accounts": list(entries)}, sort_keys=False)
    (folder / "accounts.yml").write_text(text, encoding="utf-8")


def orchestrate(*arguments: str) -> Result:
    """Run a command."""
    return CliRunner().invoke(main, arguments)


def test_a_name_is_a_tap_or_an_account_and_not_both(folder: Path) -> None:
    unknown = orchestrate("load", "acne")
    assert (unknown.exit_code, unknown.stderr) == (
        1,
        "Error: There is neither a tap nor an account acne in this project (did you mean acme?)\n",
    )
    assert orchestrate("backfill", "acne").stderr == unknown.stderr
    assert orchestrate("load", "acme", "acne").stderr == unknown.stderr
    (folder / "accounts.yml").unlink()
    nothing_like_it = "Error: There is neither a tap nor an account acne in this project\n"
    assert orchestrate("load", "acne").stderr == nothing_like_it
    write(folder, *ENTRIES, {**ENTRIES[0], "name": "mine"})
    both = orchestrate("load", "mine")
    assert both.stderr == "Error: mine is both a tap and an account of accounts.yml: give the account another name\n"
    write(folder, *ENTRIES)
    several = orchestrate("load", "acme", "mine")
    assert "There is no account mine in" in several.stderr


def test_a_wrong_name_is_said_where_there_is_no_database(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert folder.is_dir()
    monkeypatch.delenv("TARGET_POSTGRES_SQLALCHEMY_URL")
    assert "There is neither a tap nor an account nope" in orchestrate("load", "acme", "nope").stderr
    assert "There is no account mine in" in orchestrate("load", "acme", "mine").stderr
    assert "Accounts need PostgreSQL" in orchestrate("load", "acme", "beta").stderr


def test_a_folder_in_the_place_of_the_file_is_said(folder: Path) -> None:
    (folder / "accounts.yml").unlink()
    (folder / "accounts.yml").mkdir()
    for arguments in (["status"], ["load", "acme"], ["schedule", "0 2 * * *", "acme"]):
        result = orchestrate(*arguments)
        assert result.stderr.startswith(f"Error: {folder / 'accounts.yml'} is a folder: put a file in its place")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["work", "--at-once=x"], "'x' is not a whole number of accounts, 1 or more"),
        (["work", "--retries=-1"], "'-1' is not a whole number of attempts, 0 or more"),
        (["work", "--first-retry=inf"], "'inf' is not a number of seconds, 0 or more and 100,000,000 at most"),
        (["logs", "acme", "--lines=1.5"], "'1.5' is not a whole number of lines, 1 or more"),
    ],
)
def test_a_wrong_number_is_said_in_plain_english(arguments: list[str], said: str) -> None:
    result = orchestrate(*arguments)
    assert (result.exit_code, said in result.stderr) == (2, True), result.stderr


@pytest.mark.parametrize("arguments", [["acme", "--all"], ["acme", "--due"], ["--all", "--due"]])
def test_what_is_to_be_loaded_is_said_in_one_way(folder: Path, arguments: list[str]) -> None:
    assert folder.is_dir()
    assert "Name a tap or accounts, or say --all or --due" in orchestrate("load").stderr
    assert "Names, --all and --due exclude each other: give one of them" in orchestrate("load", *arguments).stderr


def test_accounts_are_loaded_into_postgresql_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert folder.is_dir()
    assert "is loaded by target-postgres" in orchestrate("load", "acme", "--loader=target-jsonl").stderr
    monkeypatch.setenv("TARGET_POSTGRES_SQLALCHEMY_URL", "postgresql://nobody@127.0.0.1:1/none")
    refused = orchestrate("load", "acme")
    assert refused.exit_code == 1
    assert refused.stderr.startswith("Error: The database of the queue cannot be reached: ")
    assert len(refused.stderr.splitlines()) == 1


def test_an_account_without_its_secret_has_a_record_and_a_log(folder: Path, database: Database) -> None:
    done = orchestrate("load", "--json", "--quiet", "acme")
    assert done.exit_code == REFUSED
    record = json.loads(done.stdout)
    assert record["error"] == "account acme: login is missing, as the variable ACME is not set"
    assert database.value("select error from orchestrate.invoicing_runs") == record["error"]
    assert orchestrate("logs", "acme").stdout.strip() == record["error"]
    assert json.loads((folder / "runs.jsonl").read_text(encoding="utf-8")) == record
    assert "This machine has the logs of 1 runs of acme" in orchestrate("logs", "acme", "--run=2").stderr


def test_an_account_that_is_being_loaded_is_busy(folder: Path, database: Database) -> None:
    assert folder.is_dir()
    with account_lock(database.url, Account("acme", "tap-x")):
        done = orchestrate("load", "acme")
    assert (done.exit_code, done.stderr) == (BUSY, "acme is being loaded by another process\n")


def test_failures_that_are_alike_are_posted_once(folder: Path, database: Database, httpserver: Any) -> None:  # noqa: ANN401
    httpserver.expect_request("/hook").respond_with_data("ok")
    (folder / ".env").write_text(f"ON_FAILURE_URL={httpserver.url_for('/hook')}", encoding="utf-8")
    for number in range(3):
        write(folder, *({**ENTRIES[0], "name": f"a{each}"} for each in range(3)))
        assert orchestrate("load", "--quiet", f"a{number}", "--failures=later").exit_code == REFUSED
    assert not httpserver.log
    write(folder, {**ENTRIES[0], "name": "last"})
    assert orchestrate("load", "--quiet", "last").exit_code == REFUSED
    ((request, _),) = httpserver.log
    message = request.get_json()
    assert [run["account"] for run in message["runs"]] == ["a0", "a1", "a2", "last"]
    assert message["text"].startswith("4 accounts of tap-x failed alike: account a0: login is missing")
    assert database.value("select count(*) from orchestrate.unposted_failures") == 0


def test_due_accounts_are_loaded_and_then_no_longer_due(folder: Path, database: Database) -> None:
    assert folder.is_dir()
    assert orchestrate("load", "--due", "--failures=never").exit_code == 1
    assert database.value("select count(*) from orchestrate.invoicing_runs where account = 'acme'") == 1
    again = orchestrate("load", "--due", "--failures=never")
    assert (again.exit_code, again.stdout) == (0, "No account is due\n")
    assert database.value("select count(*) from orchestrate.invoicing_runs") == 1


def run_of(account: str, started: datetime, **more: Any) -> RunRecord:  # noqa: ANN401 - fields of a record
    """Return the record of a run of a minute."""
    values: dict[str, Any] = {"result": "succeeded", "exit_code": 0, "error": None, "rows_read": 1_250, **more}
    return RunRecord(
        run_id=f"6b2f1b8a-4f6c-4f6e-9d3f-{started:%m%d%H%M%S%f}"[:36],
        tap="tap-x",
        loader="target-postgres",
        account=account,
        started=started,
        ended=started + timedelta(minutes=1),
        rows_written=1,
        rows_deleted=0,
        requests=1,
        skipped_streams={},
        failed_streams={},
        **values,
    )


def test_the_status_of_accounts(folder: Path, database: Database) -> None:
    assert [each["state"] for each in json.loads(orchestrate("status", "--json").stdout)] == ["never", "disabled"]
    now = datetime.now(UTC)
    destination = Destination(database.url, "")
    destination.add(run_of("acme", now - timedelta(days=2), result="failed", exit_code=1, error="old"))
    late = orchestrate("status")
    assert late.exit_code == 1
    assert " late " in late.stdout
    destination.add(run_of("acme", now))
    good = orchestrate("status")
    assert good.exit_code == 0
    header, acme, beta = good.stdout.splitlines()
    assert header.split() == ["account", "tap", "state", "last", "run", "took", "rows", "next", "error"]
    assert acme.split()[:3] == ["acme", "tap-x", "succeeded"]
    assert "1 min 0 s  1,250" in acme
    assert beta.split() == ["beta", "tap-x", "disabled"]
    with account_lock(database.url, Account("acme", "tap-x")):
        (running,) = json.loads(orchestrate("status", "--json", "acme").stdout)
    assert (running["state"], running["last_run"]["rows_read"]) == ("running", 1250)
    destination.add(run_of("acme", now + timedelta(seconds=1), result="failed", exit_code=1, error="answered 500"))
    assert orchestrate("status").exit_code == 1
    assert folder.is_dir()


@pytest.mark.parametrize(
    ("schedule", "waiting", "started", "state"),
    [
        ("0 2 * * *", {}, NOW.replace(hour=2, minute=1), "succeeded"),
        ("0 2 * * *", {}, NOW - timedelta(days=1), "late"),
        ("50 8 * * *", {}, NOW - timedelta(days=1), "succeeded"),
        ("0 2 * * *", {"acme": NOW}, NOW.replace(hour=2, minute=1), "waiting"),
        (None, {}, NOW - timedelta(days=100), "succeeded"),
        (None, {"acme": NOW}, None, "waiting"),
    ],
)
def test_what_is_late_and_what_waits(
    schedule: str | None, waiting: dict[str, datetime], started: datetime | None, state: str
) -> None:
    account = Account("acme", "tap-x", schedule=schedule)
    run: dict[str, Any] = {"started": started, "result": "succeeded", "error": None, "failed_streams": {}}
    last = {} if started is None else {"acme": run}
    assert status._status_of(account, NOW, set(), waiting, last).state == state  # noqa: SLF001 - the rule alone


TABLE = """stream    access   rows  seconds  why
invoices  allowed  1,250      0.1
people    refused             0.2  GET /people answered 403: no rights
notes     {access}             0.0  GET /notes answered 500
3 streams: 2 allowed"""


@pytest.mark.parametrize(
    ("output", "patterns", "result", "error"),
    [
        (TABLE.format(access="allowed"), [], "allowed", ""),
        (TABLE.format(access="failed "), [], "failed", "GET /notes answered 500"),
        (TABLE.format(access="failed "), ["*.*", "!notes.*"], "allowed", ""),
        (TABLE.format(access="failed "), ["people.*"], "refused", "The tap ended with exit code 1"),
        ("2026 | ERROR    | tap-x    | GET / answered 401: no", [], "refused", "GET / answered 401: no"),
        ("Killed", [], "failed", "The tap ended with exit code 1"),
    ],
)
def test_what_a_check_makes_of_the_table_of_a_tap(output: str, patterns: list[str], result: str, error: str) -> None:
    found = check._explained(Account("acme", "tap-x"), patterns, output.splitlines(), 1)  # noqa: SLF001 - of a tap's output
    assert (found.result, found.error) == (result, error)


def test_a_check_says_what_is_wrong_with_each_account(folder: Path) -> None:
    done = orchestrate("check")
    assert done.exit_code == 1
    assert "login is missing, as the variable ACME is not set" in done.stdout
    assert done.stdout.endswith("1 of 1 accounts cannot be read\n")
    (folder / ".env").write_text("ACME=token", encoding="utf-8")
    (found,) = json.loads(orchestrate("check", "--json", "acme").stdout)
    assert (found["account"], found["result"]) == ("acme", "failed")
    assert found["error"].startswith("tap-x is not installed: run `meltano install`")


def test_an_account_is_retired_and_its_tables_are_kept(folder: Path, database: Database) -> None:
    logs = account_log.folder_of(folder / ".meltano" / "accounts", "acme")
    logs.mkdir(parents=True)
    database.execute("create schema tap_x__acme", "create table tap_x__acme.invoices (id text)")
    with queue_session(database.url) as session:
        set_done(session, "acme", NOW)
        session.execute(
            "insert into procrastinate_jobs (queue_name, task_name, args) values ('accounts', 'load', %s)",
            [json.dumps({"account": "acme", "failures": 0})],
        )
    done = orchestrate("retire", "acme")
    assert done.exit_code == 0
    assert "drop schema tap_x__acme cascade" in done.stdout
    text = (folder / "accounts.yml").read_text(encoding="utf-8")
    assert text.startswith("# ours\n")
    assert yaml.safe_load(text)["accounts"] == [{**ENTRIES[0], "enabled": False}, ENTRIES[1]]
    assert database.value("select count(*) from orchestrate.procrastinate_jobs") == 0
    assert database.value("select to_regclass('tap_x__acme.invoices') is not null")
    assert not logs.exists()
    with account_lock(database.url, Account("beta", "tap-x")):
        assert orchestrate("retire", "beta").exit_code == BUSY


def test_accounts_are_read_again_when_their_file_changes(folder: Path, database: Database) -> None:
    said: list[str] = []
    project = Project(folder, {"TARGET_POSTGRES_SQLALCHEMY_URL": database.sqlalchemy_url})
    current = CurrentAccounts(project, said.append)
    assert list(current().by_name) == ["acme", "beta"]
    write(folder, ENTRIES[0])
    assert list(current().by_name) == ["acme"]
    (folder / "accounts.yml").write_text("accounts: 1", encoding="utf-8")
    assert list(current().by_name) == ["acme"]
    assert list(current().by_name) == ["acme"]
    assert len(said) == 1
    (folder / "accounts.yml").unlink()
    assert list(current().by_name) == ["acme"]
    with pytest.raises(ProjectError, match="There is no"):
        CurrentAccounts(project, said.append)


def test_the_last_logs_of_an_account_are_kept_each_within_a_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_log, "MAX_BYTES", 20)
    for number in range(account_log.KEPT_RUNS + 5):
        log = account_log.AccountLog(tmp_path, "acme", NOW + timedelta(seconds=number))
        log.write(f"run {number}")
        log.write("x" * 30)
        log.write("never")
        log.close()
    kept = account_log.files(tmp_path, "acme")
    assert len(kept) == account_log.KEPT_RUNS
    assert account_log.last_lines(kept[0], 9) == ["run 24", "… the log ends here, at 20 bytes"]
    assert kept[0].stat().st_mode & 0o777 == 0o600


_PLAYED = """
import sys
with open(sys.argv[2], "a+") as log:
    print("begin", sys.argv[1], file=log, flush=True)
    log.seek(0)
    tries = log.read().count(f"begin {sys.argv[1]}")
    print("end", sys.argv[1], file=log, flush=True)
sys.exit(75 if sys.argv[1] == "busy" and tries < 3 else sys.argv[1] == "bad")
"""


def side_by_side(log: Path, at_once: int = 3) -> SideBySide:
    """Return loads that are played by a small program."""

    def command(account: Account) -> list[str]:
        return [sys.executable, "-S", "-c", _PLAYED, account.name, str(log)]

    return SideBySide(at_once, command, {})


def test_accounts_are_loaded_side_by_side_within_their_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("invoicing_orchestrate.side_by_side._BUSY_AGAIN", 0.05)
    accounts = [Account(f"of_group_{number}", "tap-x", quota_group="office", at_once=1) for number in range(4)]
    accounts += [Account(name, "tap-x") for name in ("a", "b", "busy")]
    assert side_by_side(tmp_path / "log").run(accounts) == 0
    lines = [line.split() for line in (tmp_path / "log").read_text(encoding="utf-8").splitlines()]
    of_group = [(word, name) for word, name in lines if name.startswith("of_group")]
    assert [word for word, _ in of_group] == ["begin", "end"] * 4
    begun = Counter(name for word, name in lines if word == "begin")
    assert begun == {account.name: 3 if account.name == "busy" else 1 for account in accounts}


def test_what_begins_is_what_its_group_and_the_number_at_once_permit(tmp_path: Path) -> None:
    loads = side_by_side(tmp_path / "log")
    names = ("group_1", "group_2", "group_3", "a", "b")
    waiting = [Account(name, "tap-x", quota_group="office" if "group" in name else None, at_once=2) for name in names]
    loads._start(waiting)  # noqa: SLF001 - what begins, before any of it has ended
    begun = [each.account.name for each in loads._running]  # noqa: SLF001
    for each in loads._running:  # noqa: SLF001
        each.child.wait()
        each.guard.__exit__()
    assert begun == ["group_1", "group_2", "a"]
    assert [account.name for account in waiting] == ["group_3", "b"]


def test_one_that_fails_holds_up_no_other_one(tmp_path: Path) -> None:
    accounts = [Account(name, "tap-x", priority=priority) for name, priority in (("a", 0), ("bad", 1), ("b", 2))]
    assert side_by_side(tmp_path / "log", at_once=1).run(accounts) == 1
    text = (tmp_path / "log").read_text(encoding="utf-8")
    assert text.split() == ["begin", "b", "end", "b", "begin", "bad", "end", "bad", "begin", "a", "end", "a"]


_STOPPED = "import os, signal; os.kill(os.getppid(), signal.SIGTERM); signal.pause()"


def test_a_signal_ends_what_runs_and_nothing_more_begins() -> None:
    def command(_account: Account) -> list[str]:
        return [sys.executable, "-S", "-c", _STOPPED]

    accounts = [Account(name, "tap-x") for name in ("a", "b")]
    assert SideBySide(1, command, {}).run(accounts) == 128 + signal.SIGTERM


def test_the_table_of_runs_gets_the_columns_of_this_version(database: Database) -> None:
    database.execute("create schema orchestrate", "create table orchestrate.invoicing_runs (run_id uuid primary key)")
    Destination(database.url, "").add(run_of("acme", NOW, worker="vm:1", quota_group="office"))
    with psycopg.connect(database.url) as session:
        found = session.execute("select account, worker, quota_group from orchestrate.invoicing_runs").fetchall()
    assert found == [("acme", "vm:1", "office")]
