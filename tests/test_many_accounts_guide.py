"""`docs/many-accounts.md`, from nothing to three accounts, word by word."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
import yaml

from scripts.local_world import ROOT, local_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scripts.local_world import LocalWorld

pytestmark = [pytest.mark.slow, pytest.mark.one_at_a_time]

PROGRAMS = Path(sys.executable).parent


def section(title: str = "Three accounts in ten minutes") -> str:
    """Return a section that is tried."""
    page = (ROOT / "docs" / "many-accounts.md").read_text(encoding="utf-8")
    return page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def commands(text: str) -> list[str]:
    """Return what is to be typed in a section."""
    return re.findall(r"^ {4}(\S.*)$", text, re.MULTILINE)


def write_accounts(folder: Path, shell: LocalWorld) -> dict[str, str]:
    """Write the file of accounts of the guide; return the variables with which `orchestrate` uses it.

    The folder of the repository has the plugins; its accounts.yml, if there is one, is not that of the guide.
    """
    (accounts_yml,) = re.findall(r"^```yaml\n(.*?)^```$", section(), re.MULTILINE | re.DOTALL)
    (folder / "accounts.yml").write_text(accounts_yml, encoding="utf-8")
    return {
        **shell.environment,
        "ORCHESTRATE_ACCOUNTS_FILE": str(folder / "accounts.yml"),
        "ORCHESTRATE_FOLDER": str(folder / "runs"),
        "ORCHESTRATE_RUNS_FILE": str(folder / "runs.jsonl"),
        "PATH": f"{PROGRAMS}:{shell.environment['PATH']}",
        "NO_COLOR": "1",
    }


@pytest.fixture
def shell() -> Iterator[LocalWorld]:
    """What `make shell` starts."""
    with local_world(scale=0.05) as running:
        assert running.run("meltano", "install", quiet=True) == 0
        yield running


def test_three_accounts_in_ten_minutes(shell: LocalWorld, tmp_path: Path) -> None:
    make_shell, *typed = commands(section())
    assert make_shell == "make shell"
    environment = write_accounts(tmp_path, shell)
    export = typed.pop(0)
    assert export.startswith("export ")

    def start(command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["/bin/sh", "-c", f"{export}; exec {command}"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    said: dict[str, str] = {}
    for command in typed:
        child = start(command)
        assert child.stdout
        if command == "orchestrate work":
            said[command] = "".join(line for _, line in zip(range(4), child.stdout, strict=False))
            child.send_signal(signal.SIGINT)
            said[command] += child.communicate()[0]
            assert child.returncode == 128 + signal.SIGINT
        else:
            said[command], _ = child.communicate()
            assert child.returncode == 0, (command, said[command])

    assert "3 accounts can be read" in said["orchestrate check"]
    assert said["orchestrate load --all"].count(" succeeded after ") == 3
    assert re.findall(r"^(\w+) +\S+ +(\w+)", said["orchestrate status"], re.MULTILINE)[1:] == [
        ("acme", "succeeded"),
        ("beta", "succeeded"),
        ("gamma", "succeeded"),
    ]
    assert "tap-invobi" in said["orchestrate logs acme"]
    assert "tap-invobi acme succeeded" in said["orchestrate load acme"]
    for account in ("acme", "beta", "gamma"):
        assert f" {account} succeeded" in said["orchestrate work"], said["orchestrate work"]
    assert "Its tables in the schema tap_productive__gamma and its state are kept" in said["orchestrate retire gamma"]
    entries = {
        entry["name"]: entry for entry in yaml.safe_load((tmp_path / "accounts.yml").read_text("utf-8"))["accounts"]
    }
    assert {name: entry.get("enabled", True) for name, entry in entries.items()} == {
        "acme": True,
        "beta": True,
        "gamma": False,
    }
    with psycopg.connect(shell.database_url) as connection:
        schemas = {
            name for (name,) in connection.execute("select schemaname from pg_tables where tablename = 'invoices'")
        }
    assert schemas == set(re.findall(r"`(tap_\w+__\w+)`", section()))


def test_without_a_postgresql_of_your_own(shell: LocalWorld, tmp_path: Path) -> None:
    install, export_database, *typed = commands(section("Without a PostgreSQL of your own"))
    # What it installs is here.
    assert install == 'pip install "invoicing-orchestrate[embedded]"'
    (secrets,) = (command for command in commands(section()) if command.startswith("export "))
    environment = write_accounts(tmp_path, shell)
    # `make shell` has a PostgreSQL, which is what this user lacks.
    del environment["SANDBOX_DATABASE_URL"]
    # The folder of the repository is not to keep the tables of a test.
    export_database = export_database.replace("embedded:", f"embedded:{tmp_path}/own")
    before = f"{secrets}; {export_database}"

    def run(command: str) -> str:
        done = subprocess.run(
            ["/bin/sh", "-c", f"{before}; {command}"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    try:
        said = [run(command) for command in typed]
        url = run("orchestrate database").strip()
        work = ["/bin/sh", "-c", f"{before}; exec orchestrate work"]
        with subprocess.Popen(work, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as worker:
            assert worker.stdout
            worker.stdout.readline()
            worker.kill()
        # The loads that it began end in order, in a database that has not ended with it.
        while any(each["state"] == "running" for each in json.loads(run("orchestrate status --json"))):
            pass
        said.append(run("orchestrate load --all"))
        with psycopg.connect(url) as connection:
            loaded = connection.execute("select schemaname from pg_tables where tablename = 'invoices'").fetchall()
    finally:
        assert run("orchestrate database --stop") == "The database has ended\n"
    assert typed == ["orchestrate load --all", "orchestrate status"]
    assert [each.count(" succeeded after ") for each in said] == [3, 0, 3]
    assert re.findall(r"^(\w+) +\S+ +succeeded", said[1], re.MULTILINE) == ["acme", "beta", "gamma"]
    assert {name for (name,) in loaded} == set(re.findall(r"`(tap_\w+__\w+)`", section()))
