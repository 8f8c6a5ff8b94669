"""The Meltano project in which runs happen: its programs, its variables, its secrets, and where its loader writes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import yaml
from dotenv import dotenv_values

from invoicing_orchestrate.connection import check_url
from invoicing_orchestrate.destination import Destination
from invoicing_orchestrate.embedded_database import EMBEDDED, EmbeddedDatabase, embedded_folder
from invoicing_orchestrate.errors import ProjectError
from invoicing_orchestrate.tap_lock import is_secret, tap_locks, variable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from invoicing_orchestrate.tap_lock import TapLock

POSTGRES = "target-postgres"
_ROOT_VARIABLE = "MELTANO_PROJECT_ROOT"
_SYSTEM_FOLDER = "MELTANO_SYS_DIR_ROOT"
_DATABASE = "ORCHESTRATE_DATABASE_URL"
_DATABASE_SETTINGS = (
    "sqlalchemy_url",
    "host",
    "port",
    "user",
    "password",
    "database",
    "ssl_enable",
    "default_target_schema",
)
"""Settings of target-postgres that say where it writes, but for those of TLS."""
_SECRET_NAME = re.compile(r"(TOKEN|KEY|PASSWORD|SECRET|DATABASE_UR[IL]|SQLALCHEMY_URL|ON_FAILURE_URL)$")
_REFERENCE = re.compile(r"(?<!\\)\$(?:\{(\w+)\}|([A-Z_][A-Z0-9_]*))")
_SHORTEST = 8
"""Characters of a value that is taken for a secret by its name alone: shorter ones, such as `true`, are in any text."""


@dataclass(frozen=True)
class Project:
    """A Meltano project.

    Args:
        folder: The folder of meltano.yml.
        environment: The environment variables of its runs.
        reads_env_file: Whether `.env` has more of them.
    """

    folder: Path
    environment: Mapping[str, str]
    reads_env_file: bool = True

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

    @classmethod
    def found_or_none(cls, environment: Mapping[str, str]) -> Self | None:
        """Return the project as `found` does; None if there is none.

        Args:
            environment: The environment variables.
        """
        try:
            return cls.found(environment)
        except ProjectError:
            return None

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

    @property
    def meltano_command(self) -> list[str]:
        """How `meltano` is started in this project, without a command."""
        return [self.meltano] if self.reads_env_file else [self.meltano, f"--env-file={os.devnull}"]

    @property
    def system_folder(self) -> Path:
        """The folder in which Meltano has installed the plugins."""
        return Path(self.variables.get(_SYSTEM_FOLDER) or self.folder / ".meltano").resolve()

    @cached_property
    def variables(self) -> Mapping[str, str]:
        """The variables of `.env` and the environment, which goes first, as Meltano puts them together."""
        from_file = dotenv_values(self.folder / ".env") if self.reads_env_file else {}
        return {name: value for name, value in from_file.items() if value is not None} | dict(self.environment)

    @cached_property
    def tap_locks(self) -> Mapping[str, TapLock]:
        """What the lock files say of the taps, by name."""
        return tap_locks(self.folder)

    @property
    def extractors(self) -> set[str]:
        """The names of its taps: of lock files, and of meltano.yml."""
        plugins = self._content.get("plugins", {}).get("extractors", [])
        return {*self.tap_locks, *(plugin["name"] for plugin in plugins)}

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
    def warehouse(self) -> str | None:
        """The database of target-postgres, as libpq takes it; None if its settings name none."""
        found = self.destination("", POSTGRES)
        return found.connection if found else None

    def setting(self, plugin: str, name: str) -> Any:  # noqa: ANN401 - settings are of any type
        """Return a setting as a variable or meltano.yml has it; None if neither does.

        Args:
            plugin: The plugin.
            name: The setting.

        Raises:
            ProjectError: If meltano.yml cannot be read.
        """
        value = self.variables.get(variable(plugin, name))
        for entry in self._entries(plugin):
            value = entry.get("config", {}).get(name) if value is None else value
        return self._expanded(value) if isinstance(value, str) else value

    def select(self, tap: str) -> list[str]:
        """Return the patterns of what is selected of a tap, as Meltano finds them.

        Args:
            tap: The tap.

        Raises:
            ProjectError: If meltano.yml or the variable cannot be read.
        """
        name = f"{variable(tap, '_select')}"
        text = self.variables.get(name)
        if text is not None:
            try:
                patterns = json.loads(text)
            except ValueError:
                patterns = None
            if not isinstance(patterns, list):
                raise ProjectError(f'The variable {name} is not a JSON list, such as ["invoices.*"]')
            return [str(pattern) for pattern in patterns]
        for entry in self._entries(tap):
            if "select" in entry:
                return [str(pattern) for pattern in entry["select"]]
        lock = self.tap_locks.get(tap)
        return list(lock.select) if lock else []

    def destination(self, tap: str, loader: str) -> Destination | None:
        """Return where the loader writes the tap's tables.

        Args:
            tap: The tap.
            loader: The loader.

        Returns:
            The database; None if it is none that is known here, or the settings are incomplete.

        Raises:
            ProjectError: If its URL cannot be one.
        """
        if loader != POSTGRES:
            return None
        schema = tap.replace("-", "_")
        plain = {name: self.setting(loader, name) for name in _DATABASE_SETTINGS}
        # To ask Meltano costs seconds. A URL goes before everything else there too.
        is_known = plain["sqlalchemy_url"] or (plain["host"] and plain["database"] and plain["ssl_enable"] is None)
        settings = plain if is_known else self._settings_of(loader)
        found = Destination.of(settings, schema)
        if found is not None and settings.get("sqlalchemy_url"):
            name = f"sqlalchemy_url of {loader} ({variable(loader, 'sqlalchemy_url')})"
            check_url(name, found.connection)
        return found

    def database(self) -> Destination:
        """Return the PostgreSQL database of the queue: `ORCHESTRATE_DATABASE_URL`, or that of the loader.

        Raises:
            ProjectError: If neither is known, or its URL cannot be one.
        """
        url = self.variables.get(_DATABASE)
        found = Destination.of({"sqlalchemy_url": url}, "") if url else self.destination("", POSTGRES)
        if found is None:
            raise ProjectError(
                f"Accounts need PostgreSQL: set TARGET_POSTGRES_SQLALCHEMY_URL, or {_DATABASE} for another database;"
                f' with "{EMBEDDED}:" as its value one is started on this machine'
            )
        if url:
            check_url(_DATABASE, found.connection, or_else=f", or {EMBEDDED}:")
        return found

    @property
    def embedded_database(self) -> EmbeddedDatabase | None:
        """The database of its own, if `ORCHESTRATE_DATABASE_URL` is `embedded:`."""
        folder = embedded_folder(self.variables.get(_DATABASE, ""), self.folder)
        return EmbeddedDatabase(folder.absolute()) if folder else None

    def with_database(self) -> Project:
        """Return the project with its embedded database, if it has one, running, and named for queue and loader.

        Raises:
            ProjectError: If it cannot be started.
        """
        embedded = self.embedded_database
        if embedded is None:
            return self
        url = embedded.start()
        named = {_DATABASE: url}
        if not any(self.setting(POSTGRES, name) for name in ("sqlalchemy_url", "host")):
            named[variable(POSTGRES, "sqlalchemy_url")] = url.replace("postgresql://", "postgresql+psycopg://")
        return replace(self, environment={**self.environment, **named})

    def _entries(self, plugin: str) -> list[Mapping[str, Any]]:
        """Return what meltano.yml says of a plugin: the environment first."""
        content = self._content
        name = self.variables.get("MELTANO_ENVIRONMENT") or content.get("default_environment")
        environments = [each for each in content.get("environments", []) if each["name"] == name]
        groups = [each.get("config", {}).get("plugins", {}) for each in environments] + [content.get("plugins", {})]
        kinds = (kind for group in groups for kind in group.values())
        return [entry for kind in kinds for entry in kind if entry.get("name") == plugin]

    @cached_property
    def _content(self) -> Mapping[str, Any]:
        loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            text = (self.folder / "meltano.yml").read_text(encoding="utf-8")
            content: Mapping[str, Any] = yaml.load(text, Loader=loader) or {}  # noqa: S506 - a safe loader
        except (OSError, yaml.YAMLError) as error:
            raise ProjectError(
                f"{self.folder / 'meltano.yml'} cannot be read: {' '.join(str(error).split())}"
            ) from None
        return content

    def _expanded(self, text: str) -> str:
        """Replace references to variables, as Meltano does (docs/running-it.md)."""
        return _REFERENCE.sub(lambda found: self.variables.get(found[1] or found[2], ""), text)

    def _settings_of(self, plugin: str) -> Mapping[str, Any]:
        """Return the settings of a plugin as Meltano puts them together; none if Meltano fails."""
        command = [*self.meltano_command, "invoke", "--no-install", "--dump=config", plugin]
        done = subprocess.run(  # noqa: S603 - Meltano, with a plugin's name
            command, cwd=self.folder, env=dict(self.environment), capture_output=True, text=True, check=False
        )
        settings: Mapping[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
        return settings

    def _sensitive_variables(self) -> Iterator[str]:
        for path in (self.folder / "plugins").glob("*/*.lock"):
            lock = json.loads(path.read_text(encoding="utf-8"))
            yield from (variable(lock["name"], each["name"]) for each in lock.get("settings", ()) if is_secret(each))


def _passwords(value: str) -> list[str]:
    """Return the password within a URL, as it is written there; nothing if there is none."""
    found = re.match(r"[a-z0-9+.-]+://[^/@\s]*?:([^/\s]*)@", value)
    return [found[1]] if found and found[1] else []


def current() -> Project:
    """Return the project of the current folder; if it has a database of its own, that is running.

    Raises:
        ProjectError: If there is none, or its database cannot be started.
    """
    return Project.found(os.environ).with_database()
