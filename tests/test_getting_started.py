"""`docs/getting-started.md`, word by word, in a copy of the repository."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from scripts.local_world import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import SandboxSettings
    from scripts.local_world import LocalWorld

pytestmark = [pytest.mark.slow, pytest.mark.one_at_a_time]


def commands_below(title: str) -> list[str]:
    """Return the commands in the blocks of a section."""
    page = (ROOT / "docs" / "getting-started.md").read_text(encoding="utf-8")
    section = page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return re.findall(r"^ {4}(\S.*)$", section, re.MULTILINE)


@pytest.fixture
def copy() -> Iterator[Path]:
    """A copy of the repository, in which nothing has been installed: `make` makes an environment there."""
    # Not in the folder of pytest: PostgreSQL, which root starts as another user, must be able to read it.
    folder = Path(tempfile.mkdtemp(prefix="getting-started-"))
    folder.chmod(0o755)
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607
    for name in listed.stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    yield folder
    shutil.rmtree(folder)


def environment(**more: str) -> dict[str, str]:
    """Return the environment of someone who has set nothing yet."""
    ours = ("TAP_", "TARGET_", "MELTANO_", "SANDBOX_", "MAKE", "MFLAGS", "ORCHESTRATE_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | {"NO_COLOR": "1"} | more


def test_the_sandbox_and_then_an_account_of_ones_own(
    copy: Path, meltano_world: LocalWorld, sandbox_settings: SandboxSettings
) -> None:
    make_shell, *typed = commands_below("Without an account")
    assert make_shell == "make shell"
    assert typed[-1] == "exit"
    done = subprocess.run(
        ["/bin/sh", "-c", make_shell],
        cwd=copy,
        env=environment(SHELL="/bin/sh"),
        input="\n".join(["set -e", *typed]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "invoices: reading what changed since the last run" in done.stderr
    record = json.loads((copy / "runs.jsonl").read_text(encoding="utf-8"))
    assert record["result"] == "succeeded"
    assert record["tap"] == "tap-covage"

    settings = sandbox_settings("tap-invobi")
    with psycopg.connect(meltano_world.database_url, autocommit=True) as connection:
        connection.execute("create database getting_started")
    database_url = meltano_world.database_url.replace("/postgres?", "/getting_started?")
    answers = {
        "OPTIONS": "--non-interactive",  # `make connect` takes what a person would type from variables
        "TAP_INVOBI_API_TOKEN": settings["api_token"],
        "TARGET_POSTGRES_SQLALCHEMY_URL": database_url.replace("postgresql://", "postgresql+psycopg://"),
    }
    account = {"TAP_INVOBI_API_URL": settings["api_url"], "TAP_INVOBI_DETAILS": "none"}
    for command in commands_below("Your own account"):
        given = answers if command.startswith("make connect") else {}
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=copy,
            env=environment(**account, **given),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    with psycopg.connect(database_url) as connection:
        (rows,) = connection.execute("select count(*) from tap_invobi.invoices").fetchone() or (0,)
        (run,) = connection.execute("select tap, result, rows_read from orchestrate.invoicing_runs").fetchall()
    assert rows > 0
    assert run[:2] == ("tap-invobi", "succeeded")
    assert (copy / ".env").stat().st_mode & 0o777 == 0o600
