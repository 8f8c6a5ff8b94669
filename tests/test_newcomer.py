"""The path of somebody who has none of this repository: our wheels, Meltano, and the definitions for the Hub."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, LiteralString
from uuid import uuid4

import psycopg
import pytest
import yaml
from psycopg.rows import dict_row

from scripts.all_taps import tap_names
from scripts.hub_files import HUB
from scripts.local_world import ROOT
from scripts.meltano_files import VARIANT
from tests.wheels import VirtualEnvironment, run, sources

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conftest import SandboxSettings
    from sandbox.server import RunningSandbox
    from scripts.local_world import LocalWorld
    from tests.wheels import BuiltDistributions

pytestmark = [pytest.mark.slow, pytest.mark.one_at_a_time]

TAPS = tap_names()
COMMANDS = Path(__file__).with_name("meltano_commands.py")


class NewProject:
    """A Meltano project as `meltano init` makes it, and an environment with Meltano.

    Args:
        environment: Where Meltano is installed.
        folder: The project's folder; must be empty or not exist.
    """

    def __init__(self, environment: VirtualEnvironment, folder: Path) -> None:
        """Make the project."""
        self.environment = environment
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.variables = environment.built.environment | {"MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false"}
        self.meltano("init", ".")

    def meltano(self, *arguments: str) -> str:
        """Run a command of Meltano, which must succeed; return what it printed."""
        program = str(self.environment.folder / "bin" / "meltano")
        done = run([program, *arguments], cwd=self.folder, environment=self.variables)
        return done.stdout + done.stderr

    def meltano_at_once(self, *commands: Sequence[str]) -> None:
        """Run commands of Meltano one after the other in one process, as each start takes seconds; all must succeed."""
        python = str(self.environment.folder / "bin" / "python")
        done = run([python, str(COMMANDS)], cwd=self.folder, environment=self.variables, text=json.dumps(commands))
        assert [each for each in json.loads(done.stdout) if each["code"]] == []


def definition(tap: str) -> Path:
    """Return the file of a tap that the Hub would have."""
    return HUB / "_data" / "meltano" / "extractors" / tap / f"{VARIANT}.yml"


def loader(name: str) -> Path:
    """Return the definition of a loader, which the Hub has."""
    (path,) = (ROOT / "plugins" / "loaders").glob(f"{name}--*.lock")
    return path


def variables(tap: str, settings: Mapping[str, Any]) -> dict[str, str]:
    """Return settings as Meltano reads them from environment variables."""
    return {f"{tap}_{name}".replace("-", "_").upper(): str(value) for name, value in settings.items()}


@pytest.fixture(scope="module")
def environment(built: BuiltDistributions, tmp_path_factory: pytest.TempPathFactory) -> VirtualEnvironment:
    """An environment with Meltano, of the version that this repository is tested with."""
    development = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]["dev"]
    (meltano,) = [each for each in development if str(each).startswith("meltano")]
    made = VirtualEnvironment.empty(tmp_path_factory.mktemp("newcomer") / "venv", built)
    made.install(meltano)
    return made


@pytest.fixture
def database_url(meltano_world: LocalWorld) -> str:
    """An empty database."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(meltano_world.database_url, autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
    return meltano_world.database_url.replace("/postgres?", f"/{name}?")


def test_from_an_empty_folder_to_a_second_run_that_reads_what_changed(
    environment: VirtualEnvironment,
    sandbox: RunningSandbox,
    sandbox_settings: SandboxSettings,
    database_url: str,
    tmp_path: Path,
) -> None:
    def rows(query: LiteralString, *values: object) -> list[dict[str, Any]]:
        with psycopg.connect(database_url, row_factory=dict_row) as connection:
            return connection.execute(query, values).fetchall()

    project = NewProject(environment, tmp_path / "project")
    project.meltano("add", "tap-productive", "--from-ref", str(definition("tap-productive")))
    project.meltano("add", "target-postgres", "--from-ref", str(loader("target-postgres")))
    assert sources(project.folder).keys() == {"tap-productive", "singer-rest-core"}
    assert set(sources(project.folder).values()) <= {path.as_uri() for path in environment.built.folder.glob("*.whl")}

    project.variables |= variables("tap-productive", sandbox_settings("tap-productive"))
    project.variables |= {
        "TAP_PRODUCTIVE__SELECT": '["tasks.*", "payments.*"]',
        "TARGET_POSTGRES_SQLALCHEMY_URL": database_url.replace("postgresql://", "postgresql+psycopg://"),
        "TARGET_POSTGRES_LOAD_METHOD": "upsert",
    }
    project.meltano("run", "tap-productive", "target-postgres")
    for table in ("tasks", "payments"):
        query: LiteralString = f"select id from tap_productive.{table}"  # noqa: S608 - a name of ours
        assert {row["id"] for row in rows(query)} == {row["id"] for row in sandbox.admin.records(table)}

    sandbox.admin.advance_clock(86_400)
    changed, *others = sandbox.admin.records("tasks")
    sandbox.admin.update("tasks", changed["id"], {"title": "Read again"})
    sandbox.admin.clear_requests()
    started = datetime.now(UTC)
    project.meltano("run", "tap-productive", "target-postgres")

    (row,) = rows("select title from tap_productive.tasks where id = %s", changed["id"])
    assert row["title"] == "Read again"
    read_again = rows("select id from tap_productive.tasks where _sdc_extracted_at >= %s", started.replace(tzinfo=None))
    assert len(read_again) < len(others) / 2
    queries = [each["query"] for each in sandbox.admin.requests() if each["path"].endswith("/tasks")]
    assert queries
    assert [query for query in queries if "updated_at" not in str(query)] == []


@pytest.mark.parametrize("tap", TAPS)
def test_a_tap_is_added_from_its_definition_and_runs(
    environment: VirtualEnvironment, sandbox_settings: SandboxSettings, tap: str, tmp_path: Path
) -> None:
    project = NewProject(environment, tmp_path / "project")
    project.variables |= variables(tap, sandbox_settings(tap))
    # One invoice detail costs one of 100 requests a minute.
    project.variables |= {"TAP_INVOBI_DETAILS": "none"}

    project.meltano_at_once(
        ["add", tap, "--from-ref", str(definition(tap))],
        ["add", "target-jsonl", "--from-ref", str(loader("target-jsonl"))],
        ["run", tap, "target-jsonl"],
    )

    wheels = {each: environment.built.file(each).as_uri() for each in (tap, "singer-rest-core")}
    assert sources(project.folder) == wheels
    (plugin,) = yaml.safe_load((project.folder / "meltano.yml").read_text(encoding="utf-8"))["plugins"]["extractors"]
    assert plugin["pip_url"] == tap
    assert [path for path in (project.folder / "output").glob("*.jsonl") if path.stat().st_size]
