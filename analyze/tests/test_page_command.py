"""The command `invoicing-page`: where it finds the database, what it writes, and what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from click.testing import CliRunner
from psycopg import sql

from invoicing_page.command import main
from tests.generated_marts import generated
from tests.page_file import PageFile

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

VARIABLE = "TARGET_POSTGRES_SQLALCHEMY_URL"


@pytest.fixture(scope="module")
def marts_url(postgres: str) -> str:
    """A database with marts, as target-postgres names it."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier("page_command")))
    url = postgres.replace("/postgres?", "/page_command?")
    generated(20).write(url)
    return url.replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Meltano project, below which the command is started."""
    (tmp_path / "meltano.yml").write_text("version: 1\n", encoding="utf-8")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    for name in (VARIABLE, "MELTANO_PROJECT_ROOT", "INVOICING_PAGE_OUTPUT", "INVOICING_PAGE_TITLE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def run(*arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, arguments)


def test_the_page_is_written_beside_meltano_yml_from_the_database_in_dotenv(project: Path, marts_url: str) -> None:
    (project / ".env").write_text(f"{VARIABLE}='{marts_url}'\n", encoding="utf-8")

    done = run("--title", "Acme & Söhne")

    file = project / "output" / "invoices.html"
    page = PageFile(file.read_text(encoding="utf-8"))
    assert (done.exit_code, done.output) == (0, f"{file} (1.0 MB), as of {page.content['as_of']}\n")
    assert page.texts("h1") == ["Acme & Söhne"]
    assert len(page.rows("invoices")) == 20
    assert [each.name for each in file.parent.iterdir()] == ["invoices.html"]


def test_meltano_s_settings_come_as_variables(project: Path, marts_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, marts_url)
    monkeypatch.setenv("INVOICING_PAGE_OUTPUT", str(project / "report.html"))
    monkeypatch.setenv("INVOICING_PAGE_MOST_INVOICES", "1")
    monkeypatch.setenv("INVOICING_PAGE_LATE_AFTER", "0.5")

    assert run().exit_code == 0

    page = PageFile((project / "report.html").read_text(encoding="utf-8"))
    assert page.content["oldest_month"] is not None
    assert len(page.rows("invoices")) < 2
    assert page.content["late_after"] == 1_800


def test_a_page_that_cannot_be_made_leaves_that_of_yesterday(
    project: Path, marts_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, marts_url)
    file = project / "output" / "invoices.html"
    file.parent.mkdir()
    file.write_text("yesterday", encoding="utf-8")

    done = run("--schema", "not_built")

    assert done.exit_code == 1
    assert done.output.startswith("Error: The model is not built")
    assert done.output.count("\n") == 1
    assert [each.read_text(encoding="utf-8") for each in file.parent.iterdir()] == ["yesterday"]


def test_a_folder_that_cannot_be_written_to_is_named(
    project: Path, marts_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, marts_url)

    done = run("--output", str(project / "meltano.yml" / "page.html"))

    assert done.exit_code == 1
    assert "meltano.yml" in done.output
    assert done.output.count("\n") == 1


@pytest.mark.slow
def test_without_a_database_one_line_says_how_to_name_it(project: Path) -> None:
    done = run()

    assert project.is_dir()
    assert done.exit_code == 1
    assert done.output.startswith(f"Error: target-postgres has no database yet: set {VARIABLE}")
    assert done.output.count("\n") == 1
