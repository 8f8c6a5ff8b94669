"""`make install` and `make check-database`: whether the loader is told of a database."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from scripts import check_database
from scripts.local_world import ROOT
from tests.meltano_project import MeltanoProject

if TYPE_CHECKING:
    from pathlib import Path

PARTS = {"host": "localhost", "user": "me", "password": "pw", "database": "db"}


@pytest.mark.parametrize(
    "config",
    [
        {"sqlalchemy_url": "postgresql+psycopg://u:p@h/d"},
        {"sqlalchemy_url": "postgresql://u:p@h/d"},
        {"sqlalchemy_url": "postgres://u:p@h/d"},
        PARTS,
        {**PARTS, "sqlalchemy_url": None},
    ],
)
def test_a_loader_with_a_database_has_no_fault(config: dict[str, Any]) -> None:
    assert check_database.fault({"port": 5432, **config}) == ""


@pytest.mark.parametrize("config", [{}, {"sqlalchemy_url": ""}, dict.fromkeys(PARTS), dict.fromkeys(PARTS, "")])
def test_a_loader_without_any_says_which_variable_to_set(config: dict[str, Any]) -> None:
    line = check_database.fault({"port": 5432, **config})
    assert line.startswith("target-postgres has no database yet: ")
    assert "set TARGET_POSTGRES_SQLALCHEMY_URL (postgresql+psycopg://user:password@host/database)" in line


@pytest.mark.parametrize("missing", PARTS)
def test_a_loader_that_knows_only_parts_names_the_others(missing: str) -> None:
    line = check_database.fault({**PARTS, missing: None})
    assert f"set TARGET_POSTGRES_{missing.upper()} too" in line


@pytest.mark.parametrize("url", ["mysql://u:hunter2@h/d", "u:hunter2@h/d"])
def test_a_url_of_another_form_is_told_without_repeating_it(url: str) -> None:
    line = check_database.fault({"sqlalchemy_url": url})
    assert "does not begin with postgresql+psycopg://" in line
    assert "hunter2" not in line


def test_installing_ends_with_the_check() -> None:
    command = [shutil.which("make") or "", "--no-print-directory", "--dry-run", "install"]
    # `make test` tells its children of itself by these.
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    shown = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=True)
    assert "scripts.check_database" in shown.stdout.splitlines()[-1]


@pytest.mark.slow
@pytest.mark.one_at_a_time
def test_the_command_sees_what_meltano_gives_the_loader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = MeltanoProject(tmp_path / "project")
    monkeypatch.delenv(check_database.URL, raising=False)

    assert check_database.main(project.folder) == 1
    assert capsys.readouterr().out.startswith("target-postgres has no database yet")

    (project.folder / ".env").write_text(f"{check_database.URL}={check_database.FORM}\n", encoding="utf-8")
    assert check_database.main(project.folder) == 0
    assert capsys.readouterr().out == ""
