"""Connections to PostgreSQL: what is wrong with a URL, and why a database cannot be reached; never with a password."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from invoicing_orchestrate.errors import ProjectError, Unreachable
from singer_rest_core.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Iterable

CONNECT_TIMEOUT = 10
"""Seconds."""
FORM = "postgresql://user:password@host:5432/database"
_SPECIAL = (
    f"cannot be read as {FORM}: write special characters in the user and the password as %40 (for @), %2F (for /),"
    " %3A (for :), %23 (for #), %3F (for ?) and %25 (for %), and behind ? only options of PostgreSQL"
)
_NO_URL = f"is not the URL of a PostgreSQL database, such as {FORM}"
_SCHEMES = ("postgresql://", "postgres://")
_HOST = re.compile(r"[\w.:%-]*|/.*")
_PORT = re.compile(r"[0-9]*")
_ATTEMPT = re.compile(r"(- host: .*?: )?connection (failed|is bad): ")
"""What psycopg writes before the words of PostgreSQL's library."""
_HINT = "Is the server running"
_LOGIN = re.compile(r"authentication failed|no password supplied|role .* does not exist", re.IGNORECASE)
_DATABASE = re.compile(r"database .* does not exist", re.IGNORECASE)
_NOT_THERE = re.compile(r"refused|timed? ?out|timeout|resolve host|No such file|unreachable|No route", re.IGNORECASE)


def url_fault(connection: str) -> str:
    """Return what is wrong with the URL of a database, without anything of it, as its host may be half a password.

    Args:
        connection: The database, as libpq takes it.

    Returns:
        What follows its name in a sentence; empty if nothing is wrong.
    """
    is_url = connection.startswith(_SCHEMES)
    if "://" in connection and not is_url and "=" not in connection.partition("://")[0]:
        return _NO_URL
    if is_url and _has_stray_at(connection.partition("://")[2]):
        return _SPECIAL
    try:
        parts = conninfo_to_dict(connection)
    except (psycopg.Error, ValueError):
        return _SPECIAL if is_url and re.search("[@%]", connection) else _NO_URL
    return _SPECIAL if is_url and not _has_possible_host(parts) else ""


def check_url(name: str, connection: str, *, or_else: str = "") -> None:
    """Check that the URL of a database can be one.

    Args:
        name: What it is called.
        connection: The database, as libpq takes it.
        or_else: What else may be there, as it ends the sentence.

    Raises:
        ProjectError: If it cannot.
    """
    fault = url_fault(connection)
    if fault:
        raise ProjectError(f"{name} {fault}{or_else if fault == _NO_URL else ''}")


def reason(error: psycopg.Error, secrets: Iterable[str] = ()) -> str:
    """Return why something failed in a database: one line, without the questions of PostgreSQL's library.

    Args:
        error: The error.
        secrets: Values that must not be in that line.
    """
    lines = [_ATTEMPT.sub("", line.strip()) for line in str(error).splitlines()]
    # Behind this line each attempt is told, behind which stands the last one of them.
    first = next((place for place, line in enumerate(lines, 1) if line.startswith("Multiple connection attempts")), 0)
    said = [line for line in lines[first:] if line and not line.startswith(_HINT)]
    return redact(" ".join("; ".join(dict.fromkeys(said)).split()), list(secrets)) or type(error).__name__


def unreachable(what: str, connection: str, error: psycopg.Error) -> str:
    """Return that a database cannot be reached, why, and what to check: one line.

    Args:
        what: What the database is, as it begins the sentence.
        connection: The database, as libpq takes it.
        error: The error.
    """
    why = reason(error, passwords(connection))
    if _LOGIN.search(why):
        advice = "Check its user and password"
    elif _DATABASE.search(why):
        advice = "Check its name, or create it"
    elif _NOT_THERE.search(why):
        advice = "Check its host and port, and that PostgreSQL runs there"
    else:
        advice = "Check its URL or settings"
    return f"{what} cannot be reached: {why.rstrip('.')}. {advice}"


def connected(what: str, connection: str, **options: Any) -> psycopg.Connection[Any]:  # noqa: ANN401 - psycopg's options
    """Connect to a database.

    Args:
        what: What the database is, as it begins a sentence.
        connection: The database, as libpq takes it.
        options: More arguments for psycopg.

    Raises:
        Unreachable: If it cannot be reached.
    """
    try:
        return psycopg.connect(connection, **{"connect_timeout": CONNECT_TIMEOUT, **options})
    except psycopg.Error as error:
        raise Unreachable(unreachable(what, connection, error)) from None


def passwords(connection: str) -> list[str]:
    """Return the password of a database; nothing if it has none, or cannot be read.

    Args:
        connection: The database, as libpq takes it.
    """
    try:
        password = conninfo_to_dict(connection).get("password")
    except (psycopg.Error, ValueError):
        return []
    return [str(password)] if password else []


def _has_stray_at(text: str) -> bool:
    """Return whether a URL has an @ behind the one that ends its login, where libpq takes the rest for the host."""
    login, _, rest = text.partition("@")
    # With a / before it libpq sees no login at all.
    return "@" in (text if "/" in login and "?" not in login else rest).partition("?")[0]


def _has_possible_host(parts: dict[str, Any]) -> bool:
    hosts, ports = (str(parts.get(name) or "").split(",") for name in ("host", "port"))
    return all(map(_HOST.fullmatch, hosts)) and all(map(_PORT.fullmatch, ports))
