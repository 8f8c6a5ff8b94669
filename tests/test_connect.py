"""`make connect`: what is asked, checked and written, also at a terminal, and what Meltano reads of it."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from io import StringIO
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg
import pytest
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from invoicing_orchestrate.destination import Destination
from scripts import dotenv_file
from scripts.database_facts import database_facts
from scripts.local_world import ROOT
from tests.meltano_project import MeltanoProject

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import SandboxSettings
    from scripts.local_world import LocalWorld

AWKWARD = [
    "p@ss word $HOME ${HOME} %41 # no comment",
    "'single' \"double\" `back`",
    "ends in a backslash\\",
    "\\'${A:-b}\\n$$ \\${C} {}",
    " spaces around ",
    "two\nlines = 'x'",
    "ünïcödé €",
]


@pytest.fixture
def without_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variables of plugins but those that a test sets."""
    for name in list(os.environ):
        if name.startswith(("TAP_", "TARGET_", "MELTANO_")):
            monkeypatch.delenv(name)


@given(values=st.lists(st.text(st.characters(exclude_characters="\x00\r", exclude_categories=["Cs"])), min_size=1))
def test_every_value_is_read_back_as_it_was(values: list[str]) -> None:
    text = dotenv_file.with_values("", {f"V{number}": value for number, value in enumerate(values)})
    assert list(dotenv_values(stream=StringIO(text)).values()) == values


def test_other_lines_stay_and_earlier_values_are_replaced(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("# ours\nOTHER=a # b\n\nexport KEY='old'\nLINES=\"x\ny\"\nKEY=older\nlast", encoding="utf-8")
    path.chmod(0o644)
    dotenv_file.write(path, {"KEY": "new", "MORE": "m"})
    expected = "# ours\nOTHER=a # b\n\nKEY='new'\nLINES=\"x\ny\"\nlast\nMORE='m'\n"
    assert path.read_text(encoding="utf-8") == expected
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_linked_file_stays_linked_and_one_that_cannot_be_written_stays_whole(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    target = tmp_path / "elsewhere" / "secrets"
    target.write_text("A=1\n", encoding="utf-8")
    link = tmp_path / ".env"
    link.symlink_to(target)
    dotenv_file.write(link, {"A": "2"})
    assert link.is_symlink()
    assert target.read_text(encoding="utf-8") == "A='2'\n"
    with pytest.raises(UnicodeEncodeError):
        dotenv_file.write(link, {"A": "\ud800"})
    assert target.read_text(encoding="utf-8") == "A='2'\n"
    assert [path.name for path in target.parent.iterdir()] == ["secrets"]


def connect(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the script without a terminal."""
    command = [sys.executable, "-m", "scripts.connect", *arguments]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )


@pytest.mark.usefixtures("without_ours")
def test_without_answers_nothing_is_written_and_the_variable_is_named(tmp_path: Path) -> None:
    done = connect("tap-invobi", "--non-interactive", f"--project={tmp_path}")
    assert done.returncode == 1
    assert done.stdout.startswith("TAP_INVOBI_API_TOKEN is not set: API Token")
    assert list(tmp_path.iterdir()) == []
    unknown = connect("tap-nothing")
    assert unknown.returncode == 2
    assert "one of tap-2invoice, tap-covage" in unknown.stdout


@pytest.mark.slow
@pytest.mark.one_at_a_time
@pytest.mark.usefixtures("without_ours")
def test_meltano_reads_back_exactly_what_was_written(tmp_path: Path) -> None:
    project = MeltanoProject(tmp_path / "project")
    names = ["api_token", "documents_url", "user_agent", "api_url", "start_date"]
    for values in (AWKWARD[:3], AWKWARD[3:]):
        given = dict(zip(names, values, strict=False))
        dotenv_file.write(
            project.folder / ".env", {f"TAP_INVOBI_{name.upper()}": value for name, value in given.items()}
        )
        (dump,) = project.run(["invoke", "--no-install", "--dump=config", "tap-invobi"])
        config = json.loads(dump.stdout)
        assert {name: config[name] for name in given} == given


@pytest.mark.slow
@pytest.mark.one_at_a_time
@pytest.mark.usefixtures("without_ours")
def test_variables_are_checked_and_written_without_asking(
    meltano_world: LocalWorld, sandbox_settings: SandboxSettings, tmp_path: Path
) -> None:
    project = MeltanoProject(tmp_path / "project")
    settings = sandbox_settings("tap-invobi")
    environment = {
        "TAP_INVOBI_API_URL": settings["api_url"],
        "TARGET_POSTGRES_SQLALCHEMY_URL": meltano_world.database_url,
    }
    arguments = ["tap-invobi", "--non-interactive", f"--project={project.folder}"]

    refused = connect(*arguments, **environment, TAP_INVOBI_API_TOKEN="wr0ng")
    assert refused.returncode == 1
    assert "Check api_token" in refused.stderr
    assert not (project.folder / ".env").exists()

    done = connect(*arguments, **environment, TAP_INVOBI_API_TOKEN=settings["api_token"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 streams: 5 allowed" in done.stderr
    assert "PostgreSQL 18" in done.stdout
    assert ".venv/bin/meltano run tap-invobi target-postgres" in done.stdout
    assert settings["api_token"] not in done.stdout + done.stderr
    assert dotenv_values(project.folder / ".env") == {
        "TAP_INVOBI_API_TOKEN": settings["api_token"],
        "TARGET_POSTGRES_SQLALCHEMY_URL": meltano_world.database_url,
    }


@pytest.mark.slow
@pytest.mark.one_at_a_time
@pytest.mark.usefixtures("without_ours")
def test_at_a_terminal_secrets_are_asked_for_unseen_and_wrong_answers_again(
    meltano_world: LocalWorld, sandbox_settings: SandboxSettings, tmp_path: Path
) -> None:
    settings = sandbox_settings("tap-invobi")
    host = psycopg.conninfo.conninfo_to_dict(meltano_world.database_url)["host"]
    answers = [
        ("API Token", "wr0ng t0ken"),
        ("again? [Y/n]", ""),
        ("API Token", settings["api_token"]),
        ("its host", str(host)),
        ("its port", ""),
        ("the user", "postgres"),
        ("its password", AWKWARD[3]),
        ("the database", "nowhere"),
        ("again? [Y/n]", "y"),
        ("its host", str(host)),
        ("its port", ""),
        ("the user", "postgres"),
        ("its password", AWKWARD[3]),
        ("the database", "postgres"),
    ]
    controller, terminal = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "scripts.connect", "tap-invobi", f"--project={tmp_path}"],
        cwd=ROOT,
        env=os.environ | {"TAP_INVOBI_API_URL": settings["api_url"]},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),  # noqa: PLW1509 - makes it the terminal of getpass
    )
    os.close(terminal)
    shown = ""
    for question, answer in answers:
        seen = ""
        while question not in seen:
            seen += os.read(controller, 4096).decode()
        shown += seen
        os.write(controller, f"{answer}\n".encode())
    try:
        while part := os.read(controller, 4096):
            shown += part.decode()
    except OSError:  # Linux: it has ended
        pass
    os.close(controller)

    assert child.wait() == 0, shown
    assert "wr0ng t0ken" not in shown
    assert settings["api_token"] not in shown
    assert AWKWARD[3] not in shown
    assert 'database "nowhere" does not exist' in shown
    assert dotenv_values(tmp_path / ".env") == {
        "TAP_INVOBI_API_TOKEN": settings["api_token"],
        "TARGET_POSTGRES_HOST": host,
        "TARGET_POSTGRES_PORT": "5432",
        "TARGET_POSTGRES_USER": "postgres",
        "TARGET_POSTGRES_PASSWORD": AWKWARD[3],
        "TARGET_POSTGRES_DATABASE": "postgres",
    }


@pytest.mark.slow
@pytest.mark.one_at_a_time
def test_a_user_without_rights_is_told_which_one_to_ask_for(meltano_world: LocalWorld) -> None:
    with psycopg.connect(meltano_world.database_url, autocommit=True) as connection:
        connection.execute("create database connect_rights")
        connection.execute("create role reader login")
        connection.execute("alter database connect_rights set timezone to 'Europe/Rome'")
    try:
        url = meltano_world.database_url.replace("/postgres?", "/connect_rights?")
        said, wrong = database_facts(Destination(url.replace("postgres:@", "reader:@"), "tap_invobi"))
        assert "time zone Europe/Rome" in said[0]
        assert "PGTZ" in said[-1]
        assert "grant create on database connect_rights to reader" in wrong
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("create schema tap_invobi authorization reader")
        assert database_facts(Destination(url.replace("postgres:@", "reader:@"), "tap_invobi"))[1] == ""
    finally:
        with psycopg.connect(meltano_world.database_url, autocommit=True) as connection:
            connection.execute("drop database connect_rights")
            connection.execute("drop role reader")


def test_a_database_that_cannot_be_reached_is_said_without_its_password() -> None:
    url = f"postgresql://u:{quote('s3cr3t')}@127.0.0.1:1/d"
    said, wrong = database_facts(Destination(url, "tap_invobi"))
    assert said == []
    assert wrong.startswith("The database cannot be reached: connection")
    assert "s3cr3t" not in wrong


def test_make_passes_the_tap_and_options_on() -> None:
    command = [shutil.which("make") or "", "--no-print-directory", "--dry-run", "connect", "TAP=tap-covage"]
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    shown = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=True)
    assert shown.stdout.splitlines()[-1].split()[1:] == ["-m", "scripts.connect", "tap-covage"]
