"""The accounts that are loaded, as `accounts.yml` names them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Self

from cronsim import CronSim
from jsonschema import Draft202012Validator

from invoicing_orchestrate.cron import cron_fault
from invoicing_orchestrate.errors import ProjectError
from invoicing_orchestrate.similar import similar
from invoicing_orchestrate.yaml_document import NoYaml, YamlDocument

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from jsonschema import ValidationError

    from invoicing_orchestrate.tap_lock import TapLock

FILE = "accounts.yml"
DEFAULT_TIME_LIMIT_MINUTES = 720.0
_MAX_NAME_BYTES = 63
"""PostgreSQL cuts longer names off, so that two accounts could share a schema."""
_MAX_FAULTS = 20
_TYPES = {
    "object": "names with a value each, written as name: value",
    "array": "a list, whose elements begin with -",
    "string": "text: put it in quotes",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}
"""The types of the JSON schema, for whoever does not know it."""


@dataclass(frozen=True)
class Account:
    """One account of one system.

    Args:
        name: Its name; no other account has it.
        tap: The tap that reads it.
        settings: Settings of the tap, without secrets.
        secrets: Secret settings, each as a reference, `env:NAME` or `file:/path`.
        schedule: When it is loaded, a cron expression in UTC; None if only on request.
        quota_group: The group whose rate limit it shares; None if none.
        at_once: How many accounts of its group may be loaded at the same time; 1 without a group.
        priority: Of two accounts that wait, the one with the higher number goes first.
        time_limit_minutes: A run that takes longer is ended.
        enabled: Whether it is loaded.
        streams: Patterns of Meltano's select; empty for those of the project.
    """

    name: str
    tap: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    schedule: str | None = None
    quota_group: str | None = None
    at_once: int = 1
    priority: int = 0
    time_limit_minutes: float = DEFAULT_TIME_LIMIT_MINUTES
    enabled: bool = True
    streams: Sequence[str] = ()

    @property
    def schema(self) -> str:
        """The schema of its tables."""
        return f"{self.tap.replace('-', '_')}__{self.name}"

    def last_due(self, now: datetime) -> datetime | None:
        """Return the last time at or before an instant at which it was to be loaded; None without a schedule.

        Args:
            now: The instant, UTC.
        """
        # It yields times before the one it is given.
        start = now + timedelta(microseconds=1)
        return None if self.schedule is None else next(CronSim(self.schedule, start, reverse=True), None)

    def next_due(self, now: datetime) -> datetime | None:
        """Return the next time after an instant at which it is to be loaded; None without a schedule.

        Args:
            now: The instant, UTC.
        """
        return None if self.schedule is None else next(CronSim(self.schedule, now), None)


@dataclass(frozen=True)
class Accounts:
    """All accounts of a project, by name.

    Args:
        path: The file they are from.
        by_name: The accounts, in the order of the file.
        at_once: Of each quota group, how many accounts may be loaded at the same time.
    """

    path: Path
    by_name: Mapping[str, Account]
    at_once: Mapping[str, int]

    def __iter__(self) -> Iterator[Account]:
        """Yield the accounts."""
        return iter(self.by_name.values())

    @property
    def enabled(self) -> list[Account]:
        """Those that are loaded."""
        return [account for account in self if account.enabled]

    def chosen(self, names: Sequence[str]) -> list[Account]:
        """Return the accounts with certain names, in this order.

        Args:
            names: Their names.

        Raises:
            ProjectError: If there is no such account.
        """
        for name in names:
            if name not in self.by_name:
                raise ProjectError(f"There is no account {name} in {self.path}{similar(name, self.by_name)}")
        return [self.by_name[name] for name in dict.fromkeys(names)]

    @classmethod
    def read(cls, path: Path, locks: Mapping[str, TapLock]) -> Self:
        """Read and check the file.

        Args:
            path: The file.
            locks: What is known of the taps of the project, by name.

        Raises:
            ProjectError: If it cannot be read, or has faults; each of them is one line.
        """
        try:
            document = YamlDocument.read(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ProjectError(f"{path} cannot be read: {error.strerror}") from None
        except (NoYaml, UnicodeDecodeError) as error:
            why = error if isinstance(error, NoYaml) else "it is not UTF-8"
            raise ProjectError(f"{path} is no YAML: {why}") from None
        if not isinstance(document.content, dict):
            what = "is empty" if document.content is None else "has no names with values"
            raise ProjectError(f'{path} {what}: begin it with a line "accounts:", and put the list of accounts below')
        faults = [*document.duplicates]
        faults += [_explained(error, document) for error in _validator().iter_errors(document.content)]
        if not faults:
            accounts, at_once = _accounts_of(document.content)
            faults = list(_faults(accounts, at_once, locks))
        if faults:
            more = f"\n… and {len(faults) - _MAX_FAULTS} more" if len(faults) > _MAX_FAULTS else ""
            lines = "".join(f"\n{path.name}: {fault}" for fault in faults[:_MAX_FAULTS])
            raise ProjectError(f"{path} cannot be used:{lines}{more}")
        return cls(path, {account.name: account for account in accounts}, at_once)


@cache
def json_schema() -> dict[str, Any]:
    """Return the JSON schema of the file."""
    text = files("invoicing_orchestrate").joinpath("accounts.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json_schema())


def _accounts_of(content: Mapping[str, Any]) -> tuple[list[Account], dict[str, int]]:
    at_once = {name: group["at_once"] for name, group in content.get("quota_groups", {}).items()}
    accounts = [Account(**entry, at_once=at_once.get(entry.get("quota_group"), 1)) for entry in content["accounts"]]
    return accounts, at_once


def _faults(accounts: Sequence[Account], at_once: Mapping[str, int], locks: Mapping[str, TapLock]) -> Iterator[str]:
    """Yield what the JSON schema cannot see."""
    counts = Counter(account.name for account in accounts)
    yield from (f"account {name}: {count} accounts have this name" for name, count in counts.items() if count > 1)
    for account in accounts:
        for fault in _faults_of(account, at_once, locks):
            yield f"account {account.name}: {fault}"


def _faults_of(account: Account, at_once: Mapping[str, int], locks: Mapping[str, TapLock]) -> Iterator[str]:
    length = len(account.schema.encode())
    if length > _MAX_NAME_BYTES:
        yield f"its schema {account.schema} has {length} bytes: shorten its name, PostgreSQL takes {_MAX_NAME_BYTES}"
    if account.quota_group is not None and account.quota_group not in at_once:
        yield f"quota_groups has no {account.quota_group}{similar(account.quota_group, at_once)}"
    if account.schedule is not None:
        fault = cron_fault(account.schedule)
        if fault:
            yield f"schedule {account.schedule!r} {fault}"
    if account.tap in locks:
        yield from _faults_of_settings(account, locks[account.tap])
    else:
        yield f"the project has no {account.tap}{similar(account.tap, locks)}"


def _faults_of_settings(account: Account, lock: TapLock) -> Iterator[str]:
    for name in (*account.settings, *account.secrets):
        if name not in lock.settings:
            yield f"{account.tap} has no setting {name}{similar(name, lock.settings)}"
    for name in account.settings:
        if name in lock.secret:
            yield f"settings.{name} is a secret: put it under secrets, as env:NAME or file:/path"
    for name in account.settings.keys() & account.secrets.keys():
        yield f"{name} is both in settings and in secrets"
    # Otherwise the credentials of another account, in meltano.yml or the environment, would be used for this one.
    missing = lock.missing([*account.settings, *account.secrets])
    yield from (f"{name} is missing: add it to {'secrets' if name in lock.secret else 'settings'}" for name in missing)


def _explained(error: ValidationError, document: YamlDocument) -> str:
    """Return what is wrong, in one line, without the value of a secret."""
    whole = path = list(error.absolute_path)
    where = ""
    if path[:1] == ["accounts"] and len(path) > 1:
        entry = document.content["accounts"][path[1]]
        name = entry.get("name") if isinstance(entry, dict) else None
        where, path = f"account {name if isinstance(name, str) else f'number {int(path[1]) + 1}'}: ", path[2:]
    where += ".".join(map(str, path)) + (": " if path else "")
    said, place = _said(error, path)
    return f"{where}{said} (line {document.line([*whole, *place])})"


def _said(error: ValidationError, path: Sequence[str | int]) -> tuple[str, list[str]]:
    """Return what is wrong, and what leads to its place from that of the error."""
    if path[:1] == ["secrets"] and len(path) > 1:
        return "only a reference is taken here, env:NAME or file:/path, and never the secret itself", []
    if error.validator == "pattern":
        if path == ["name"]:
            return "a name has only small letters, digits and _", []
        return "the name of a quota group has only letters, digits and . _ -", [str(error.instance)]
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known: Mapping[str, Any] = error.schema["properties"]  # type: ignore[index] # this rule is in objects alone
        unknown = [str(name) for name in error.instance if name not in known]
        return f"{', '.join(unknown)} is unknown{similar(unknown[0], known)}", unknown[:1]
    if error.validator == "required":
        return f"{error.message.split(chr(39))[1]} is missing: add it", []
    expected = {
        "type": f"must be {_TYPES.get(str(error.validator_value))}",
        "minimum": f"must be {error.validator_value} or more",
        "maximum": f"must be {error.validator_value} or less",
        "exclusiveMinimum": f"must be more than {error.validator_value}",
        "minItems": "must not be empty: leave it out for all streams",
        "minLength": "must not be empty",
    }.get(str(error.validator), "is not possible here")
    return f"{_shown(error.instance, path)} {expected}", []


def _shown(value: object, path: Sequence[str | int]) -> str:
    """Return a value that is wrong, as far as it can hold no secret."""
    if value is None:
        return "there is no value: it"
    if isinstance(value, dict | list) or path[:1] in (["secrets"], ["settings"]) or not path:
        return "what stands here"
    text = " ".join(json.dumps(value, default=str).split())
    return text if len(text) <= 60 else f"{text[:59]}…"  # noqa: PLR2004 - as fits a line
