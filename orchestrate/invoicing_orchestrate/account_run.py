"""What a run of one account has for itself: environment, folder, schema, state."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from psycopg.conninfo import conninfo_to_dict

from invoicing_orchestrate.connection import check_url
from invoicing_orchestrate.errors import ProjectError
from invoicing_orchestrate.project import POSTGRES, Project
from invoicing_orchestrate.tap_lock import variable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from invoicing_orchestrate.accounts import Account, Accounts

MELTANO_SCHEMA = "meltano"
FOLDER_VARIABLE = "ORCHESTRATE_FOLDER"
_DOCUMENTS = "documents_url"
_SHARE = "quota_share"


@dataclass(frozen=True)
class AccountRun:
    """How an account is run.

    Args:
        project: The project, with all variables.
        accounts: All accounts: what is theirs does not get into the run of another one.
        account: The account.
    """

    project: Project
    accounts: Accounts
    account: Account

    @property
    def folder(self) -> Path:
        """Its folder: `MELTANO_SYS_DIR_ROOT` of its runs."""
        return accounts_folder(self.project) / self.account.name

    @property
    def state_options(self) -> list[str]:
        """Options of `meltano run` that give it a state of its own.

        A run that was killed would keep the next one waiting for five minutes; that no other one runs is known by the
        lock of the account.
        """
        return [f"--state-id-suffix={self.account.name}", "--force", "--no-install"]

    @cached_property
    def secrets(self) -> Mapping[str, str]:
        """The values of its secret settings.

        Raises:
            ProjectError: If one is not there.
        """
        return {name: self._resolved(name, reference) for name, reference in self.account.secrets.items()}

    def own_project(self) -> Project:
        """Return the project as its run sees it.

        Raises:
            ProjectError: If a secret is not there, or the project cannot be read.
        """
        return Project(self.project.folder, self._environment(), reads_env_file=False)

    def settings(self) -> dict[str, Any]:
        """Return the settings of the tap that are its own, secrets included.

        Raises:
            ProjectError: If a secret is not there, or the project cannot be read.
        """
        account = self.account
        own: dict[str, Any] = {**account.settings, **self.secrets}
        known = self.project.tap_locks[account.tap].settings
        documents = own.get(_DOCUMENTS) or self.project.setting(account.tap, _DOCUMENTS)
        if documents and _DOCUMENTS in known:
            own[_DOCUMENTS] = f"{str(documents).rstrip('/')}/{account.name}"
        if account.quota_group is not None and _SHARE in known:
            whole = own.get(_SHARE) or self.project.setting(account.tap, _SHARE) or known[_SHARE]
            own[_SHARE] = _share(whole, account.at_once)
        return own

    def tap_environment(self) -> dict[str, str]:
        """Return the environment in which the tap itself runs with `--config=ENV`, without Meltano.

        Raises:
            ProjectError: If a secret is not there, or the project cannot be read.
        """
        environment = self._environment()
        lock = self.project.tap_locks[self.account.tap]
        configured = {name: self.project.setting(lock.name, name) for name in lock.settings if name not in lock.secret}
        more = {lock.variable(name): _text(value) for name, value in configured.items() if value is not None}
        return more | environment

    def patterns(self) -> list[str]:
        """Return the patterns of what is selected."""
        return self._select() if self.account.streams else self.project.select(self.account.tap)

    def prepare_folder(self) -> None:
        """Make the folder, with the plugins of the project in it, and remove what a killed run has left.

        Raises:
            ProjectError: If the tap or the loader is not installed.
            OSError: If the folder cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for kind, plugin in (("extractors", self.account.tap), ("loaders", POSTGRES)):
            installed = self.project.system_folder / kind / plugin / "venv"
            if not installed.is_dir():
                raise ProjectError(f"{plugin} is not installed: run `meltano install` in {self.project.folder}")
            link = self.folder / kind / plugin / "venv"
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.is_symlink() or link.readlink() != installed:
                link.unlink(missing_ok=True)
                link.symlink_to(installed)
        for left in self.folder.glob("run/*/*.config.json"):
            # Meltano removes it at the end of a run: it has the secrets in it.
            left.unlink(missing_ok=True)

    def _environment(self) -> dict[str, str]:
        project, account = self.project, self.account
        hidden = set(self._foreign_variables())
        environment = {name: value for name, value in project.variables.items() if name not in hidden}
        environment |= {variable(account.tap, name): _text(value) for name, value in self.settings().items()}
        if account.streams:
            environment[variable(account.tap, "_select")] = json.dumps(self.patterns())
        environment |= {
            variable(POSTGRES, "default_target_schema"): account.schema,
            "MELTANO_PROJECT_ROOT": str(project.folder),
            "MELTANO_SYS_DIR_ROOT": str(self.folder),
            "MELTANO_DATABASE_URI": meltano_database_uri(project),
        }
        return environment

    def _foreign_variables(self) -> Iterator[str]:
        """Yield the variables that hold secrets of this account, of others, and of taps that run without an account."""
        for account in self.accounts:
            for reference in account.secrets.values():
                kind, _, name = reference.partition(":")
                if kind == "env":
                    yield name
        for lock in self.project.tap_locks.values():
            yield from (lock.variable(name) for name in lock.secret)

    def _select(self) -> list[str]:
        """Return the patterns of the account, with what the project leaves out of the tap."""
        chosen = [pattern if "." in pattern else f"{pattern}.*" for pattern in self.account.streams]
        return [*chosen, *(each for each in self.project.select(self.account.tap) if each.startswith("!"))]

    def _resolved(self, setting: str, reference: str) -> str:
        kind, _, where = reference.partition(":")
        if kind == "env":
            value, what = self.project.variables.get(where, ""), f"the variable {where} is not set"
        else:
            try:
                value, what = Path(where).read_text(encoding="utf-8").strip(), f"{where} is empty"
            except (OSError, UnicodeDecodeError) as error:
                reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
                value, what = "", f"{where} cannot be read: {reason}"
        if not value:
            raise ProjectError(f"account {self.account.name}: {setting} is missing, as {what}")
        return value


def accounts_folder(project: Project) -> Path:
    """Return the folder of all accounts: `ORCHESTRATE_FOLDER`, or `.meltano/accounts` of the project.

    Args:
        project: The project.
    """
    named = project.variables.get(FOLDER_VARIABLE)
    return Path(named) if named else project.folder / ".meltano" / "accounts"


def meltano_database_uri(project: Project) -> str:
    """Return where Meltano keeps states and runs.

    That is `MELTANO_DATABASE_URI` if it is PostgreSQL, or else a schema of its own in the database of the queue.

    Args:
        project: The project.

    Raises:
        ProjectError: If no database is known, or its URL cannot be read.
    """
    given = project.variables.get("MELTANO_DATABASE_URI", "")
    if given.startswith("postgresql"):
        check_url("MELTANO_DATABASE_URI", re.sub(r"^postgresql\+\w+://", "postgresql://", given))
        return given
    parts = {name: str(value) for name, value in conninfo_to_dict(project.database().connection).items() if value}
    user, password, name = (quote(parts.pop(each, ""), safe="") for each in ("user", "password", "dbname"))
    login = f"{user}:{password}@" if password else f"{user}@" if user else ""
    options = f"{parts.pop('options', '')} -csearch_path={MELTANO_SCHEMA}".strip()
    return f"postgresql+psycopg://{login}/{name}?{urlencode({**parts, 'options': options}, quote_via=quote)}"


def _share(whole: object, at_once: int) -> str:
    """Return the part of a quota for each of so many runs; never more."""
    try:
        share = Decimal(str(whole)) / at_once
    except InvalidOperation:
        raise ProjectError(f"{_SHARE} must be a number, not {whole!r}") from None
    return str(share.quantize(Decimal("0.0001"), rounding=ROUND_DOWN).normalize())


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
