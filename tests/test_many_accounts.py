"""Many accounts: what workers load although they are killed, and that no account sees anything of another one."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import psycopg
import pytest
import yaml
from psycopg import sql
from psycopg.rows import dict_row

from bench.accounts.checks import compare_tables, overlaps
from bench.accounts.fleet import SYSTEMS, FleetAccount
from sandbox.server import running_sandbox
from scripts.local_world import ROOT
from scripts.system_changes import rows_in_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sandbox.server import RunningSandbox
    from tests.conftest import Pipeline

pytestmark = [pytest.mark.slow, pytest.mark.one_at_a_time]

ORCHESTRATE = str(Path(sys.executable).with_name("orchestrate"))
STREAMS = {"tap-invobi": "invoices", "tap-productive": "invoices", "tap-invoicetronic": "send"}
"""The stream of each tap that is loaded."""
SECRETS = {"tap-invobi": "api_token", "tap-productive": "auth_token", "tap-invoicetronic": "api_key"}
SETTINGS: Mapping[str, dict[str, Any]] = {"tap-productive": {"organization_id": "1"}}
KILLS = 4
TOKENS = {"tap-invobi": "sandbox-token", "tap-productive": "sandbox-token", "tap-invoicetronic": "ik_test_sandbox"}


@dataclass
class ManyAccounts:
    """Accounts of the sandbox, a database, and the commands that load them."""

    pipeline: Pipeline
    sandbox: RunningSandbox
    folder: Path
    entries: list[dict[str, Any]] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def add(self, name: str, tap: str, *, token: str | None = None, **more: object) -> None:
        """Add an account with rows of its own; its token is that of the sandbox if none is given."""
        self.sandbox.admin.add_accounts({"name": name, "scale": 0.03})
        variable = f"SECRET_OF_{name.upper()}"
        self.tokens[variable] = token or f"{TOKENS[tap]}.{name}"
        settings = {**SETTINGS.get(tap, {}), **more.pop("settings", {})}  # type: ignore[dict-item] # given as an object
        self.entries.append(
            {
                "name": name,
                "tap": tap,
                "settings": settings,
                "secrets": {SECRETS[tap]: f"env:{variable}"},
                "schedule": "0 2 * * *",
                "streams": [STREAMS[tap]],
                **more,
            }
        )

    def write(self, **top: object) -> None:
        """Write accounts.yml."""
        content = {**top, "accounts": self.entries}
        (self.folder / "accounts.yml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the commands."""
        return {
            **self.pipeline.environment,
            **self.tokens,
            "SANDBOX_URL": self.sandbox.url,
            "ORCHESTRATE_ACCOUNTS_FILE": str(self.folder / "accounts.yml"),
            "ORCHESTRATE_FOLDER": str(self.folder / "runs"),
            "ORCHESTRATE_RUNS_FILE": str(self.folder / "runs.jsonl"),
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `orchestrate` without waiting for it."""
        child = subprocess.Popen(
            [ORCHESTRATE, *arguments],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.started.append(child)
        return child

    def run(self, *arguments: str) -> tuple[int, str]:
        """Run `orchestrate`; return its exit code and what was printed."""
        child = self.start(*arguments)
        output, _ = child.communicate()
        return child.returncode, output

    def rows(self, query: str | sql.Composed) -> list[dict[str, Any]]:
        """Query the database."""
        with psycopg.connect(self.pipeline.database_url, row_factory=dict_row) as connection:
            return connection.execute(query.encode() if isinstance(query, str) else query).fetchall()

    def table(self, schema: str, name: str) -> list[dict[str, Any]]:
        """Return a table."""
        return self.rows(sql.SQL("select * from {}").format(sql.Identifier(schema, name)))


@pytest.fixture
def many(pipeline: Pipeline, tmp_path: Path) -> Iterator[ManyAccounts]:
    """A project without accounts yet."""
    with running_sandbox(scale=0.03) as sandbox:
        accounts = ManyAccounts(pipeline, sandbox, tmp_path)
        yield accounts
        for child in accounts.started:
            child.terminate()
            child.wait()


class Workers:
    """Workers that share the queue, some of which are killed."""

    def __init__(self, many: ManyAccounts, count: int) -> None:
        """Start them."""
        self._many = many
        self.running = [self._start() for _ in range(count)]
        self.output: list[str] = []

    def _start(self) -> subprocess.Popen[str]:
        options = ("--at-once=2", "--stalled-after=6", "--retries=0")
        return self._many.start("work", *options)

    def kill_one(self, chosen: random.Random) -> None:
        """Kill a worker, so that it can do nothing more, and start another one."""
        victim = self.running.pop(chosen.randrange(len(self.running)))
        victim.kill()
        self.output.append(victim.communicate()[0])
        self.running.append(self._start())

    def end(self) -> None:
        """End all."""
        for worker in self.running:
            worker.send_signal(signal.SIGTERM)
        self.output += [worker.communicate()[0] for worker in self.running]


def test_thirty_accounts_are_loaded_by_workers_that_are_killed(many: ManyAccounts) -> None:
    taps = ("tap-invobi", "tap-productive", "tap-invoicetronic")
    good = {f"good_{number}": taps[number % len(taps)] for number in range(20)}
    for name, tap in good.items():
        many.add(name, tap)
    for number in range(5):
        many.add(f"refused_{number}", "tap-invobi", token="wrong")
    for number in range(3):
        many.add(f"broken_{number}", "tap-invobi")
        many.sandbox.admin.account(f"broken_{number}").add_fault("*", status=500, times=10_000)
    for number in range(2):
        many.add(f"silent_{number}", "tap-invobi", settings={"request_timeout": "2"}, time_limit_minutes=3)
        many.sandbox.admin.account(f"silent_{number}").add_fault("*", delay_ms=3_600_000, times=10_000)
    many.write()
    chosen = random.Random(18)  # noqa: S311 - which worker is killed, and when
    workers = Workers(many, 3)
    kills = 0
    while left := unfinished(many, {entry["name"] for entry in many.entries}):
        # At times that have nothing to do with the loads: kills hit them at all their stages.
        many.rows("select pg_sleep(1)")
        is_time = len(many.entries) - len(left) >= 4 * kills
        if kills < KILLS and is_time and loading(many) > 2 and chosen.random() < 0.3:
            workers.kill_one(chosen)
            kills += 1
        assert all(worker.poll() is None for worker in workers.running), left
    assert kills == KILLS
    workers.end()

    code, output = many.run("status", "--json")
    assert code == 1
    states = {each["account"]: each for each in json.loads(output)}
    assert {name for name, each in states.items() if each["state"] == "succeeded"} == set(good), output
    accounts = [fleet_account(name, tap) for name, tap in good.items()]
    tables = compare_tables(many.pipeline.database_url, many.sandbox.admin, accounts)
    assert tables.differences == []
    assert tables.tables == len(good)
    assert tables.values > 3 * tables.rows > 0
    errors = {name: states[name]["error"] for name in states.keys() - good.keys()}
    assert not [error for error in errors.values() if not error or "\n" in error]
    assert all("answered 401" in errors[f"refused_{number}"] for number in range(5)), errors
    assert all("answered 500" in errors[f"broken_{number}"] for number in range(3)), errors
    assert all("response timed out" in errors[f"silent_{number}"] for number in range(2)), errors
    assert overlaps(many.rows("select account, started, ended from orchestrate.invoicing_runs")) == []
    everything = "".join(workers.output)
    assert "is taken up: its worker has died" in everything
    attempts = many.rows(
        "select account from orchestrate.invoicing_runs where account like 'refused%' and exit_code = 77"
    )
    assert len(attempts) == 5, "what is refused is not tried again"


def fleet_account(name: str, tap: str) -> FleetAccount:
    """Return an account as the tables are compared by it: with the stream that is loaded here."""
    (system,) = (each for each in SYSTEMS if each.tap == tap)
    return FleetAccount(name, replace(system, streams=[STREAMS[tap]]), None)


def loading(many: ManyAccounts) -> int:
    """Return how many accounts workers load at the moment."""
    return [job["status"] for job in jobs(many)].count("doing")


def unfinished(many: ManyAccounts, names: set[str]) -> set[str]:
    """Return the accounts that have not run yet, or are in the queue."""
    waiting = {job["account"] for job in jobs(many)}
    try:
        ran = {row["account"] for row in many.rows("select account from orchestrate.invoicing_runs")}
    except psycopg.errors.UndefinedTable:
        return names
    return (names - ran) | waiting


def jobs(many: ManyAccounts) -> list[dict[str, Any]]:
    """Return the accounts in the queue; none before the first worker has made it."""
    query = """
        select args->>'account' as account, status::text from orchestrate.procrastinate_jobs
        where queue_name = 'accounts'
    """
    try:
        return many.rows(query)
    except psycopg.errors.UndefinedTable:
        return []


def ids_of_invoices(many: ManyAccounts, name: str) -> list[str]:
    """Return the ids that the sandbox has for an account of Invobi."""
    return [row["id"] for row in rows_in_sandbox(many.sandbox.admin.account(name), "tap-invobi", "invoices")]


def test_two_accounts_of_one_system_see_nothing_of_each_other(many: ManyAccounts, tmp_path: Path) -> None:
    documents = tmp_path / "documents"
    for name in ("acme", "beta"):
        many.add(name, "tap-invobi", streams=["*"], settings={"documents_url": str(documents)})
    many.write()
    for name in ("acme", "beta"):
        many.sandbox.admin.account(name).add_fault("*/invoices", delay_ms=3_000)
    child = many.start("load", "--at-once=2", "acme", "beta")
    environments = collect_environments(child, {"acme", "beta"})
    output, _ = child.communicate()
    assert child.returncode == 0, output

    for name, other in (("acme", "beta"), ("beta", "acme")):
        foreign = [many.tokens[f"SECRET_OF_{other.upper()}"], f"SECRET_OF_{other.upper()}"]
        foreign += ids_of_invoices(many, other)
        own = ids_of_invoices(many, name)
        assert not set(own) & set(foreign)
        schema = f"tap_invobi__{name}"
        tables = [row for row in many.table("pg_catalog", "pg_tables") if row["schemaname"] == schema]
        assert len(tables) > 2
        texts = [str(many.table(schema, row["tablename"])) for row in tables]
        state_id = f"dev:tap-invobi-to-target-postgres:{name}"
        states = [row for row in many.table("meltano", "state") if row["state_id"] == state_id]
        assert len(states) == 1
        texts += [str(states), str([row for row in many.table("meltano", "runs") if row["job_name"] == state_id])]
        texts += [file.read_text(errors="replace") for file in files_below(many.folder / "runs" / name)]
        texts += [str(file) for file in files_below(documents / name)]
        assert any(own[0] in text for text in texts), "the collector sees nothing"
        assert len(environments[name]) >= 3, "Meltano, tap and loader"
        texts += environments[name]
        assert not [text[:300] for text in texts for each in foreign if each in text]
    assert sorted(folder.name for folder in documents.iterdir()) == ["acme", "beta"]


def collect_environments(child: subprocess.Popen[str], names: set[str]) -> dict[str, list[str]]:
    """Return the environments and arguments of the processes that load each account, while it waits for the API."""
    found: dict[str, dict[int, str]] = defaultdict(dict)
    while child.poll() is None:
        for process in psutil.Process(child.pid).children(recursive=True):
            try:
                environment, arguments = process.environ(), process.cmdline()
            except psutil.Error:
                continue
            folder = Path(environment.get("MELTANO_SYS_DIR_ROOT", "/none"))
            if folder.name in names:
                found[folder.name][process.pid] = f"{environment} {arguments}"
    return {name: list(texts.values()) for name, texts in found.items()}


def files_below(folder: Path) -> Sequence[Path]:
    """Return the files in a folder, without those of the plugins' environments."""
    return [
        Path(parent) / name for parent, _, names in os.walk(folder) for name in names if (Path(parent) / name).is_file()
    ]
