"""Taps that Meltano installs from the tree, as copies: found out once, and anew when they were upgraded."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from importlib.util import cache_from_source
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scripts.all_taps import tap_names
from scripts.local_world import ROOT
from tests.conftest import MELTANO
from tests.meltano_project import MeltanoProject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conftest import SandboxSettings
    from sandbox.server import RunningSandbox
    from scripts.local_world import LocalWorld

CACHED = "Using cached catalog file"
CHANGED = "where it has changed since: install it anew"


class Tree:
    """A copy of the repository's packages with the Meltano project."""

    def __init__(self, folder: Path, tap: str, settings: Mapping[str, object]) -> None:
        """Copy what is needed for one tap, and install it."""
        self.tap = tap
        self.project = MeltanoProject(folder)
        for name in ("core", f"taps/{tap}"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "tests"))
        shutil.copy(ROOT / "pyproject.toml", folder)
        prefix = tap.upper().replace("-", "_")
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("TAP_", "MELTANO_"))},
            **{f"{prefix}_{name}".upper(): str(value) for name, value in settings.items()},
            "MELTANO_ENVIRONMENT": "prod",
            "NO_COLOR": "1",
        }
        self.install()

    def install(self) -> None:
        """Install the tap, as `make install` does."""
        self._meltano("install", "extractor", self.tap)

    def not_compiled(self) -> list[Path]:
        """Return the modules of the tap that are not compiled, and will be in each run that may not write."""
        modules = list((self.project.folder / ".meltano" / "extractors" / self.tap).glob("venv/lib/**/*.py"))
        assert len(modules) > 500
        return [path for path in modules if not Path(cache_from_source(str(path))).is_file()]

    def invoke(self) -> tuple[dict[str, dict[str, Any]], str]:
        """Run the tap; returns the columns by stream, and the log."""
        done = self._meltano("--log-level=debug", "invoke", self.tap)
        messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"type"')]
        columns = {each["stream"]: each["schema"]["properties"] for each in messages if each["type"] == "SCHEMA"}
        return columns, done.stderr

    def _meltano(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [MELTANO, *arguments],
            cwd=self.project.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done


@pytest.mark.slow
@pytest.mark.one_at_a_time
def test_a_tap_is_discovered_once_and_again_when_it_was_upgraded(
    sandbox_settings: SandboxSettings, tmp_path: Path
) -> None:
    tree = Tree(tmp_path / "project", "tap-covage", sandbox_settings("tap-covage"))
    assert tree.not_compiled() == []
    first, log = tree.invoke()
    assert CACHED not in log
    assert CHANGED not in log
    again, log = tree.invoke()
    assert CACHED in log
    assert again == first
    schema = tree.project.folder / "taps" / "tap-covage" / "tap_covage" / "schemas" / "projects.json"
    content = json.loads(schema.read_text(encoding="utf-8"))
    content["properties"]["new_in_this_version"] = {"type": ["string", "null"]}
    schema.write_text(json.dumps(content), encoding="utf-8")

    stale, log = tree.invoke()
    assert stale == first
    assert f"tap-covage runs as it was installed from {tree.project.folder / 'taps' / 'tap-covage'}, {CHANGED}" in log

    tree.install()  # the version is the same
    upgraded, log = tree.invoke()
    assert upgraded["projects"].keys() - first["projects"].keys() == {"new_in_this_version"}
    assert CACHED not in log
    assert CHANGED not in log


@pytest.mark.slow
@pytest.mark.one_at_a_time
def test_a_tap_whose_columns_are_found_in_the_account_is_discovered_each_time(
    sandbox: RunningSandbox, sandbox_settings: SandboxSettings, tmp_path: Path
) -> None:
    tree = Tree(tmp_path / "project", "tap-2invoice", sandbox_settings("tap-2invoice"))
    first, _ = tree.invoke()
    sandbox.admin.system("2invoice").set_extra_attributes({"products": {"new_field": "x"}})

    second, log = tree.invoke()

    assert second["products"].keys() - first["products"].keys() == {"new_field"}
    assert CACHED not in log


@pytest.mark.parametrize("folder", ["core", *(f"taps/{tap}" for tap in tap_names())])
def test_every_file_of_a_package_has_uv_build_it_anew_when_it_changes(folder: str) -> None:
    metadata = tomllib.loads((ROOT / folder / "pyproject.toml").read_text(encoding="utf-8"))
    (package,) = metadata["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    watched = {path for entry in metadata["tool"]["uv"]["cache-keys"] for path in (ROOT / folder).glob(entry["file"])}
    files = {
        path for path in (ROOT / folder / package).rglob("*") if path.is_file() and "__pycache__" not in path.parts
    }
    assert {path.name for path in files - watched} <= {"py.typed"}


@pytest.mark.slow
@pytest.mark.one_at_a_time
def test_in_the_shell_the_taps_run_from_the_tree_and_after_an_install_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, meltano_world: LocalWorld
) -> None:
    origin = "venv/lib/python*/site-packages/tap_covage-*.dist-info/direct_url.json"
    found = tmp_path / "found"
    shell = tmp_path / "shell"
    shell.write_text(
        f"#!/bin/sh\ncat {ROOT}/.meltano/extractors/tap-covage/{origin} > {found}\n"
        f"echo $TAP_COVAGE__USE_CACHED_CATALOG >> {found}\n",
        encoding="utf-8",
    )
    shell.chmod(0o700)
    monkeypatch.setenv("SHELL", str(shell))

    done = subprocess.run([sys.executable, "-m", "scripts.shell"], cwd=ROOT, check=False)

    assert done.returncode == 0
    text = found.read_text(encoding="utf-8")
    assert '"editable":true' in text
    assert text.endswith("false\n")
    assert meltano_world.run("meltano", "install", "tap-covage") == 0
    for distribution in ("tap_covage", "singer_rest_core"):
        (installed,) = (ROOT / ".meltano" / "extractors" / "tap-covage").glob(
            origin.replace("tap_covage", distribution)
        )
        assert json.loads(installed.read_text(encoding="utf-8"))["dir_info"] == {}
