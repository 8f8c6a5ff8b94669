"""A copy of the Meltano project in a folder of its own, for tests that change it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from scripts.local_world import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SCRIPT = Path(__file__).with_name("meltano_commands.py")


@dataclass(frozen=True)
class Done:
    """A command of Meltano that has ended."""

    code: int
    stdout: str
    log: str


class MeltanoProject:
    """The project's meltano.yml and locks, without plugins installed.

    Args:
        folder: Where it is; must not exist.
    """

    def __init__(self, folder: Path) -> None:
        """Copy the files."""
        self.folder = folder
        shutil.copytree(ROOT / "plugins", folder / "plugins")
        shutil.copy(ROOT / "meltano.yml", folder)

    @property
    def content(self) -> dict[str, Any]:
        """What is in meltano.yml."""
        content: dict[str, Any] = yaml.safe_load((self.folder / "meltano.yml").read_text(encoding="utf-8"))
        return content

    def write(self, content: Mapping[str, Any]) -> None:
        """Replace meltano.yml."""
        (self.folder / "meltano.yml").write_text(yaml.safe_dump(dict(content), sort_keys=False), encoding="utf-8")

    def run(self, *commands: Sequence[str], environment: Mapping[str, str] | None = None) -> list[Done]:
        """Run commands of Meltano one after the other, in one process; each must succeed."""
        results = self.attempt(*commands, environment=environment)
        assert [result for result in results if result.code] == []
        return results

    def attempt(self, *commands: Sequence[str], environment: Mapping[str, str] | None = None) -> list[Done]:
        """Run commands of Meltano one after the other, in one process; each may fail."""
        foreign = ("TAP_", "TARGET_", "MELTANO_")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        done = subprocess.run(
            [sys.executable, str(_SCRIPT)],
            cwd=self.folder,
            env=inherited | {"NO_COLOR": "1", "PYTHONPATH": str(ROOT)} | dict(environment or {}),
            input=json.dumps(commands),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [Done(**result) for result in json.loads(done.stdout)]
