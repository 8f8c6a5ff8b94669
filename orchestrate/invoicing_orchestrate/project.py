"""The Meltano project in which runs happen: its programs, its variables, its secrets, and where its loader writes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from dotenv import dotenv_values

from invoicing_orchestrate.destination import Destination
from invoicing_orchestrate.errors import ProjectError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ROOT_VARIABLE = "MELTANO_PROJECT_ROOT"
_POSTGRES = "target-postgres"
_SECRET_NAME = re.compile(r"(TOKEN|KEY|PASSWORD|SECRET|DATABASE_UR[IL]|SQLALCHEMY_URL|ON_FAILURE_URL)$")
_SHORTEST = 8
"""Characters of a value that is taken for a secret by its name alone: shorter ones, such as `true`, are in any text."""


@dataclass(frozen=True)
class Project:
    """A Meltano project.

    Args:
        folder: The folder of meltano.yml.
        environment: The environment variables of its runs.
    """

    folder: Path
    environment: Mapping[str, str]

    @classmethod
    def found(cls, environment: Mapping[str, str]) -> Self:
        """Return the project that `MELTANO_PROJECT_ROOT` names, or that of the current folder or one above it.

        Args:
            environment: The environment variables.

        Raises:
            ProjectError: If there is none.
        """
        named = environment.get(_ROOT_VARIABLE)
        here = Path.cwd()
        folders = [Path(named)] if named else [here, *here.parents]
        for folder in folders:
            if (folder / "meltano.yml").is_file():
                return cls(folder, environment)
        where = f"{named} ({_ROOT_VARIABLE})" if named else f"{here} or any folder above it"
        raise ProjectError(f"There is no meltano.yml in {where}: go to the folder of your Meltano project")

    @cached_property
    def meltano(self) -> str:
        """The program `meltano`: that beside this Python, or else that of the search path.

        Raises:
            ProjectError: If there is none.
        """
        beside = Path(sys.executable).with_name("meltano")
        program = str(beside) if beside.is_file() else shutil.which("meltano", path=self.environment.get("PATH"))
        if program is None:
            raise ProjectError("The program meltano is not installed here: install it beside orchestrate")
        return program

    @cached_property
    def variables(self) -> Mapping[str, str]:
        """The variables of `.env` and the environment, which goes first, as Meltano puts them together."""
        from_file = dotenv_values(self.folder / ".env")
        return {name: value for name, value in from_file.items() if value is not None} | dict(self.environment)

    @property
    def secrets(self) -> list[str]:
        """Values that may be secret: settings that plugins call sensitive, what is named so, passwords in URLs."""
        sensitive = set(self._sensitive_variables())
        values = [
            value
            for name, value in self.variables.items()
            if value and (name in sensitive or (_SECRET_NAME.search(name) and len(value) >= _SHORTEST))
        ]
        return [*values, *(password for value in self.variables.values() for password in _passwords(value))]

    @property
    def database(self) -> str | None:
        """The database of target-postgres, as libpq takes it; None if its settings name none."""
        found = self.destination("", _POSTGRES)
        return found.connection if found else None

    def destination(self, tap: str, loader: str) -> Destination | None:
        """Return where the loader writes the tap's tables.

        Args:
            tap: The tap.
            loader: The loader.

        Returns:
            The database; None if it is none that is known here, or the settings are incomplete.
        """
        if loader != _POSTGRES:
            return None
        schema = tap.replace("-", "_")
        url = self.variables.get("TARGET_POSTGRES_SQLALCHEMY_URL")
        if url and not self._names_a_schema():
            # Goes before everything else in Meltano too, whose start would cost seconds.
            return Destination.of({"sqlalchemy_url": url}, schema)
        return Destination.of(self._settings_of(loader), schema)

    def _names_a_schema(self) -> bool:
        name = "default_target_schema"
        in_variable = f"TARGET_POSTGRES_{name.upper()}" in self.variables
        return in_variable or name in (self.folder / "meltano.yml").read_text(encoding="utf-8")

    def _settings_of(self, plugin: str) -> Mapping[str, Any]:
        """Return the settings of a plugin as Meltano puts them together; none if Meltano fails."""
        command = [self.meltano, "invoke", "--no-install", "--dump=config", plugin]
        done = subprocess.run(  # noqa: S603 - Meltano, with a plugin's name
            command, cwd=self.folder, env=dict(self.environment), capture_output=True, text=True, check=False
        )
        settings: Mapping[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
        return settings

    def _sensitive_variables(self) -> Iterator[str]:
        for path in (self.folder / "plugins").glob("*/*.lock"):
            lock = json.loads(path.read_text(encoding="utf-8"))
            for setting in lock.get("settings", ()):
                if setting.get("sensitive") or setting.get("kind") == "password":
                    yield re.sub(r"\W", "_", f"{lock['name']}_{setting['name']}").upper()


def _passwords(value: str) -> list[str]:
    """Return the password within a URL, as it is written there; nothing if there is none."""
    found = re.match(r"[a-z0-9+.-]+://[^/@\s]*?:([^/\s]*)@", value)
    return [found[1]] if found and found[1] else []


def current() -> Project:
    """Return the project of the current folder.

    Raises:
        ProjectError: If there is none.
    """
    return Project.found(os.environ)
