"""Run dbt against the database that target-postgres writes to: dbt takes no URL, target-postgres takes one.

Meltano starts this in the environment of its plugin `dbt` (`meltano run dbt:build`, `meltano invoke dbt run …`), and
says where the project is by a variable.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from psycopg2 import ProgrammingError
from psycopg2.extensions import parse_dsn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LOADER = "target-postgres"
_ROOT_VARIABLE = "MELTANO_PROJECT_ROOT"
_VARS_VARIABLE = "DBT_VARS"
_AS_OF_VARIABLE = "DBT_AS_OF"
"""They hold the settings `vars` and `as_of` of the plugin."""
_URL_VARIABLE = "TARGET_POSTGRES_SQLALCHEMY_URL"
_HOW = f"set {_URL_VARIABLE} (postgresql+psycopg://user:password@host/database) in the environment or in .env"
_NO_URL = f"sqlalchemy_url of {LOADER} is not a PostgreSQL URL (in a password, @ is %40, / is %2F and % is %25)"
_DBT_VARIABLES = {
    "host": "INVOICING_DBT_HOST",
    "port": "INVOICING_DBT_PORT",
    "user": "INVOICING_DBT_USER",
    "password": "DBT_ENV_SECRET_INVOICING_PASSWORD",
    "dbname": "INVOICING_DBT_DATABASE",
}
"""What profiles.yml reads, by the name that libpq has for it. dbt keeps values of DBT_ENV_SECRET_ out of its logs."""
_LIBPQ_VARIABLES = {
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "options": "PGOPTIONS",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "hostaddr": "PGHOSTADDR",
    "passfile": "PGPASSFILE",
    "service": "PGSERVICE",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
    "channel_binding": "PGCHANNELBINDING",
    "gssencmode": "PGGSSENCMODE",
    "krbsrvname": "PGKRBSRVNAME",
}
"""Parameters of a connection that dbt has no place for, by the variable in which libpq looks for them."""
_PARTS = {"host": "host", "port": "port", "user": "user", "password": "password", "database": "dbname"}


class SettingsError(Exception):
    """The settings of the loader name no database that dbt can connect to."""


def loader_settings(project: Path, environment: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the settings of target-postgres, as Meltano puts them together.

    Args:
        project: The folder of meltano.yml.
        environment: The environment variables. Meltano gives its plugins those of `.env` too.

    Raises:
        SettingsError: If Meltano cannot be asked.
    """
    url = environment.get(_URL_VARIABLE)
    if url:
        # Goes before everything else in Meltano too, whose start costs seconds.
        return {"sqlalchemy_url": url}
    beside = project / ".venv" / "bin" / "meltano"
    meltano = str(beside) if beside.is_file() else shutil.which("meltano")
    if meltano is None:
        raise SettingsError(f"The program meltano is not on the search path, so nothing says where to build: {_HOW}")
    command = [meltano, "invoke", "--no-install", "--dump=config", LOADER]
    done = subprocess.run(command, cwd=project, env=dict(environment), capture_output=True, text=True, check=False)  # noqa: S603 - Meltano
    if done.returncode:
        raise SettingsError(f"Meltano does not tell the settings of {LOADER}: {done.stderr.strip()}")
    settings: Mapping[str, Any] = json.loads(done.stdout)
    return settings


def connection_variables(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables under which dbt, and libpq below it, connect to the loader's database.

    Args:
        settings: The settings of target-postgres.

    Raises:
        SettingsError: If they name no database, or a way to it that dbt does not have.
    """
    parameters = _parameters(settings)
    missing = [name for name in ("host", "user", "dbname") if not parameters.get(name)]
    if missing:
        words = " and ".join({"dbname": "database"}.get(name, name) for name in missing)
        raise SettingsError(f"{LOADER} names no {words} to build the model in: {_HOW}")
    known = _DBT_VARIABLES | _LIBPQ_VARIABLES
    unknown = sorted(parameters.keys() - known.keys() - {"application_name"})
    if unknown:
        raise SettingsError(f"The URL of {LOADER} has {', '.join(unknown)}, which dbt cannot be told: remove it there")
    # All times are kept in UTC.
    return {known[name]: str(value) for name, value in parameters.items() if name in known} | {"PGTZ": "UTC"}


def _parameters(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of the connection, by libpq's names."""
    if settings.get("ssh_tunnel.enable") or (settings.get("ssh_tunnel") or {}).get("enable"):
        raise SettingsError(f"{LOADER} reaches its database by an SSH tunnel, which dbt cannot: open it outside")
    url = settings.get("sqlalchemy_url")
    if url:
        plain = re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", str(url))
        try:
            parameters: dict[str, Any] = parse_dsn(plain)
        except ProgrammingError:
            # The message of libpq may show a part of the password.
            raise SettingsError(_NO_URL) from None
        # A password with an @ that is not encoded: libpq takes what is behind it for the host, and would name that.
        has_stray_at = "@" in plain.partition("@")[2].partition("?")[0]
        if has_stray_at or not re.fullmatch(r"\d*", parameters.get("port", "")):
            raise SettingsError(_NO_URL)
        return parameters
    parameters = {libpq: settings[name] for name, libpq in _PARTS.items() if settings.get(name)}
    if settings.get("ssl_enable"):
        parameters["sslmode"] = settings.get("ssl_mode") or "verify-full"
        parameters |= _certificate(settings, "ssl_certificate_authority", "sslrootcert")
    if settings.get("ssl_client_certificate_enable"):
        parameters |= _certificate(settings, "ssl_client_certificate", "sslcert")
        parameters |= _certificate(settings, "ssl_client_private_key", "sslkey")
    return parameters


def _certificate(settings: Mapping[str, Any], name: str, parameter: str) -> dict[str, str]:
    """Return the path of a file; target-postgres takes its content too, which libpq does not."""
    value = settings.get(name)
    if not value:
        return {}
    if "\n" in str(value):
        raise SettingsError(
            f"{name} of {LOADER} holds a certificate: name a file that holds it, which dbt can take too"
        )
    return {parameter: str(value)}


def arguments_with_vars(arguments: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """Return dbt's arguments with the variables of the plugin's settings, behind those of the command line.

    Args:
        arguments: The command line.
        environment: The environment variables, of which Meltano sets those for settings.

    Raises:
        SettingsError: If variables are no object.
    """
    setting, as_of = environment.get(_VARS_VARIABLE), environment.get(_AS_OF_VARIABLE)
    if not (setting or as_of) or not arguments or arguments[0].startswith("-"):
        return list(arguments)
    variables = _nested(_object(setting, f"The setting vars ({_VARS_VARIABLE})")) if setting else {}
    variables |= {"as_of": as_of} if as_of else {}
    others: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--vars":
            variables |= _object(next(words, ""), word)
        elif word.startswith("--vars="):
            variables |= _object(word.removeprefix("--vars="), "--vars")
        else:
            others.append(word)
    return [*others, "--vars", json.dumps(variables)]


def _object(text: str, what: str) -> dict[str, Any]:
    """Parse an object, as YAML, as dbt does."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        value = None
    if not isinstance(value, dict):
        raise SettingsError(f'{what} is not an object of variables, such as {{"as_of": "2026-01-31"}}')
    return value


def _nested(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return variables with objects within objects, which Meltano writes as one object with dotted names."""
    nested: dict[str, Any] = {}
    for name, value in variables.items():
        *outer, last = name.split(".")
        at = nested
        for part in outer:
            at = at.setdefault(part, {})
        at[last] = value
    return nested


def prepared(arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Return the arguments and the environment with which dbt is run.

    Args:
        arguments: The command line.
        environment: The environment variables.

    Raises:
        SettingsError: If there is no project, or no database that dbt can connect to.
    """
    project = Path(environment.get(_ROOT_VARIABLE) or Path.cwd()).resolve()
    folder = project / "transform"
    if not (folder / "dbt_project.yml").is_file():
        raise SettingsError(f"There is no transform/dbt_project.yml in {project}: go to the folder of meltano.yml")
    command = arguments_with_vars(arguments, environment)
    variables = connection_variables(loader_settings(project, environment))
    places = {"DBT_PROJECT_DIR": folder, "DBT_PROFILES_DIR": folder, "DBT_LOG_PATH": folder / "logs"}
    return command, {name: str(place) for name, place in places.items()} | dict(environment) | variables


def main() -> None:
    """Replace this process by dbt. Exits with 1 if the settings do not allow it."""
    try:
        arguments, environment = prepared(sys.argv[1:], os.environ)
    except SettingsError as error:
        sys.exit(str(error))
    dbt = str(Path(sys.executable).with_name("dbt"))
    os.execve(dbt, [dbt, *arguments], environment)  # noqa: S606 - the program itself


if __name__ == "__main__":
    main()
