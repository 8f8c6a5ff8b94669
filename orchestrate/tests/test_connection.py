"""What is said of a database that cannot be reached, or whose URL is none: one line, without its password."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
import yaml
from click.testing import CliRunner

from invoicing_orchestrate.account_run import meltano_database_uri
from invoicing_orchestrate.command import main
from invoicing_orchestrate.connection import reason, unreachable, url_fault
from invoicing_orchestrate.destination import Destination
from invoicing_orchestrate.errors import ProjectError
from invoicing_orchestrate.project import Project
from scripts.database_facts import database_facts

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "hunter2"
NO_URL = [
    f"mysql://u:{SECRET}@h/x",
    f"={SECRET}",
    SECRET,
    f"host=h password=x {SECRET}",
]
UNENCODED = [
    f"postgresql://u:hun@{SECRET}#/@127.0.0.1:1/db",
    f"postgresql://u:hun@{SECRET}@127.0.0.1:1/db",
    f"postgresql://u:{SECRET}/ter@127.0.0.1:1/db",
    f"postgresql://u:12/{SECRET}@127.0.0.1:1/db",
    f"postgresql://u:hun@{SECRET}?x@127.0.0.1/db",
    f"postgresql://u:hun%{SECRET}@127.0.0.1:1/db",
    f"postgresql://u:{SECRET}:5432/db",
]
COMMANDS = [["status"], ["load", "acme"], ["load", "--due"], ["check"], ["work"], ["retire", "acme"]]
NOBODY = f"postgresql://u:{SECRET}@127.0.0.1:1/db"


@pytest.fixture
def folder(tap_project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with an account, in whose folder commands run."""
    entry = {
        "name": "acme",
        "tap": "tap-x",
        "settings": {"organization": "1"},
        "secrets": {"login": "env:ACME"},
        "quota_group": "office",
    }
    content = {"accounts": [entry], "quota_groups": {"office": {"at_once": 1}}}
    (tap_project / "accounts.yml").write_text(yaml.safe_dump(content), encoding="utf-8")
    monkeypatch.chdir(tap_project)
    monkeypatch.setenv("ACME", "token")
    monkeypatch.delenv("TARGET_POSTGRES_SQLALCHEMY_URL", raising=False)
    return tap_project


def refused(*arguments: str) -> str:
    """Return the one line of a command that fails."""
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, result.stderr.count("\n"), result.stdout) == (1, 1, ""), result.output
    assert SECRET not in result.stderr
    return result.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_no_url_is_said_in_one_line(folder: Path, command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert folder.is_dir()
    monkeypatch.setenv("ORCHESTRATE_DATABASE_URL", NO_URL[0])
    assert refused(*command) == (
        "Error: ORCHESTRATE_DATABASE_URL is not the URL of a PostgreSQL database, such as"
        " postgresql://user:password@host:5432/database, or embedded:\n"
    )


@pytest.mark.parametrize("variable", ["ORCHESTRATE_DATABASE_URL", "TARGET_POSTGRES_SQLALCHEMY_URL"])
@pytest.mark.parametrize("url", [*NO_URL, *UNENCODED])
def test_nothing_of_a_wrong_url_is_shown(
    folder: Path, variable: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert folder.is_dir()
    monkeypatch.setenv(variable, url)
    line = refused("status")
    assert variable in line
    assert ("write special characters in the user and the password as %40" in line) == (url in UNENCODED)


def test_the_url_of_meltanos_own_database_is_checked_too(folder: Path) -> None:
    with pytest.raises(ProjectError, match="MELTANO_DATABASE_URI cannot be read as") as fault:
        meltano_database_uri(Project(folder, {"MELTANO_DATABASE_URI": UNENCODED[0]}))
    assert SECRET not in str(fault.value)


@pytest.mark.parametrize(
    "url",
    [
        NOBODY,
        "postgresql://u:a#b?c@[::1]:1/db",
        "postgresql://u:pa%40ss@h1:1,h2/db?sslmode=require",
        "postgresql://postgres@/postgres?host=%2Ftmp%2Fx",
        "postgresql:///db?user=a@b",
        "host=/tmp dbname=a@b",
    ],
)
def test_nothing_is_wrong_with_what_postgresql_takes(url: str) -> None:
    assert url_fault(url) == ""


@pytest.mark.parametrize("command", COMMANDS)
def test_a_database_that_is_not_there_is_one_line_with_what_to_check(
    folder: Path, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert folder.is_dir()
    monkeypatch.setenv("ORCHESTRATE_DATABASE_URL", NOBODY)
    assert refused(*command) == (
        'Error: The database of the queue cannot be reached: connection to server at "127.0.0.1", port 1 failed:'
        " Connection refused. Check its host and port, and that PostgreSQL runs there\n"
    )


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (
            'connection failed: server at "h" failed: FATAL:  password authentication failed for user "u"',
            '"h" failed: FATAL: password authentication failed for user "u". Check its user and password',
        ),
        ('FATAL:  database "db" does not exist', ': FATAL: database "db" does not exist. Check its name, or create it'),
        ("something hunter2 else.", ": something *** else. Check its URL or settings"),
        (
            (
                "connection failed: b\nMultiple connection attempts failed. All failures were:\n"
                "- host: 'h', port: '1', hostaddr: '::1': connection failed: a refused\n\tIs the server running?\n"
                "- host: 'h', port: '1', hostaddr: '1': connection failed: b"
            ),
            "X cannot be reached: a refused; b. Check its host and port, and that PostgreSQL runs there",
        ),
    ],
)
def test_the_advice_is_for_what_is_wrong(said: str, line: str) -> None:
    found = unreachable("X", NOBODY, psycopg.OperationalError(said))
    assert found.startswith("X cannot be reached: ")
    assert found.endswith(line)


def test_an_error_without_words_has_its_name() -> None:
    assert reason(psycopg.OperationalError()) == "OperationalError"


@pytest.mark.parametrize("url", [*NO_URL, *UNENCODED, NOBODY])
def test_make_connect_shows_nothing_of_it_either(url: str) -> None:
    said, wrong = database_facts(Destination(url, "tap_x"))
    assert (said, SECRET in wrong, "Is the server" in wrong, wrong.count("\n")) == ([], False, False, 0)
