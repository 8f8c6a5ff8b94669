"""Our distributions, built as for PyPI, and environments in which they are installed.

The names of our distributions are taken from the folder of these files and from nowhere else: somebody else's package
of the same name in an index is never installed. Everything else comes from the index.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.distributions import distributions
from scripts.local_world import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

UV = str(Path(sys.executable).with_name("uv"))
FOREIGN = ("TAP_", "TARGET_", "MELTANO_", "SANDBOX_", "UV_", "PIP_", "PYTHON", "VIRTUAL_ENV")


def bare_environment() -> dict[str, str]:
    """Return this process's environment without what leads to this repository, its settings, or other indexes."""
    return {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)} | {"NO_COLOR": "1"}


@dataclass(frozen=True)
class BuiltDistributions:
    """A folder with a wheel and a source distribution of each of our distributions.

    Args:
        folder: The folder.
        log: What the build printed.
    """

    folder: Path
    log: str

    def file(self, name: str, ending: str = ".whl") -> Path:
        """Return the file of a distribution."""
        (path,) = self.folder.glob(f"{name.replace('-', '_')}-[0-9]*{ending}")
        return path

    @cached_property
    def constraints(self) -> Path:
        """A file of constraints for pip and uv that leads each of our names to its wheel."""
        path = self.folder / "constraints.txt"
        lines = [f"{each.name} @ {self.file(each.name).as_uri()}\n" for each in distributions()]
        path.write_text("".join(lines), encoding="utf-8")
        return path

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables under which uv installs our names from this folder only."""
        return bare_environment() | {"UV_CONSTRAINT": str(self.constraints)}


def build(folder: Path) -> BuiltDistributions:
    """Build all distributions, each wheel from its source distribution.

    Args:
        folder: Where the files are put.
    """
    done = run([UV, "build", "--all-packages", "--out-dir", str(folder)], cwd=ROOT)
    return BuiltDistributions(folder, done.stderr)


@dataclass(frozen=True)
class VirtualEnvironment:
    """An environment of its own.

    Args:
        folder: Where it is.
        built: The distributions that can be installed in it.
    """

    folder: Path
    built: BuiltDistributions

    @classmethod
    def empty(cls, folder: Path, built: BuiltDistributions) -> VirtualEnvironment:
        """Create it, with this process's Python."""
        run([UV, "venv", "--quiet", "--python", sys.executable, str(folder)])
        return cls(folder, built)

    def install(self, *requirements: str, environment: Mapping[str, str] | None = None) -> None:
        """Install what is required; our own names come from the built files, unless the environment says otherwise."""
        python = ["--python", str(self.folder / "bin" / "python")]
        environment = self.built.environment if environment is None else environment
        run([UV, "pip", "install", "--quiet", *python, *requirements], environment=environment)

    def run(self, program: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment, from its folder."""
        command = [str(self.folder / "bin" / program), *arguments]
        return run(command, cwd=self.folder, environment=bare_environment(), check=check)

    def sources(self) -> dict[str, str]:
        """Return where each installed distribution of ours came from: the URL of a file, or "an index"."""
        return sources(self.folder)


def sources(folder: Path) -> dict[str, str]:
    """Return where each distribution of ours that is installed below a folder came from, by its name."""
    ours = {each.name.replace("-", "_"): each.name for each in distributions()}
    return {
        ours[name]: _origin(path)
        for path in folder.glob("**/site-packages/*.dist-info")
        if (name := path.name.partition("-")[0]) in ours
    }


def _origin(dist_info: Path) -> str:
    record = dist_info / "direct_url.json"  # written by installers for what came from a URL and not from an index
    return str(json.loads(record.read_text(encoding="utf-8"))["url"]) if record.exists() else "an index"


def run(
    command: list[str],
    *,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    text: str | None = None,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run a program, with a text as its standard input; unless told otherwise, it must succeed."""
    environment = bare_environment() if environment is None else environment
    done = subprocess.run(
        command, cwd=cwd, env=dict(environment), input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 or not check, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done
