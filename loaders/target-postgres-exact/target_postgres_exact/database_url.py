"""Where the database is: the settings that say so are checked before anything is read; no message shows a secret."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from target_postgres_exact.errors import LoadFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

_DIALECTS = ("postgresql", "postgres")
_BEYOND_HOSTS = re.compile(r"[^\w.,:%-]")
"""A character that is in no name or address of a host."""
_FORM = "postgresql://user:password@host:5432/database"
_NEEDED = ("host", "port", "user", "password", "dialect+driver")


def check_database(config: Mapping[str, Any]) -> None:
    """Look at the settings that say where the database is.

    Args:
        config: The settings.

    Raises:
        LoadFailed: If one is missing or cannot be right.
    """
    if config.get("sqlalchemy_url"):
        parsed_url(config["sqlalchemy_url"])
        return
    missing = [name for name in _NEEDED if config.get(name) is None] + ["database"] * ("database" not in config)
    if missing:
        plural = len(missing) > 1
        raise LoadFailed(
            f"The setting{'s' * plural} {' and '.join(filter(None, [', '.join(missing[:-1]), missing[-1]]))}"
            f" {'are' if plural else 'is'} missing: set {'them' if plural else 'it'}, or sqlalchemy_url, which holds"
            " them all."
        )
    if not _is_postgres(config["dialect+driver"]):
        raise LoadFailed("The setting dialect+driver names another database than PostgreSQL: leave it out.")
    if not config["host"].startswith("/") and _BEYOND_HOSTS.search(config["host"]):
        raise LoadFailed("The setting host is not the name or address of a host: give it without user, port or path.")


def parsed_url(url: str | URL) -> URL:
    """Return a URL with its parts.

    Args:
        url: What the setting `sqlalchemy_url` holds, or what is made of the other settings.

    Raises:
        LoadFailed: If it is not the URL of a PostgreSQL database.
    """
    if isinstance(url, URL):
        return url
    scheme, separator, rest = url.strip().partition("://")
    if not separator:
        raise LoadFailed(f"The setting sqlalchemy_url is no URL: write it as {_FORM}.")
    if not _is_postgres(scheme):
        raise LoadFailed(f"The setting sqlalchemy_url is not the URL of a PostgreSQL database: write it as {_FORM}.")
    try:
        found = make_url(url.strip())
    except (ArgumentError, ValueError):
        found = None
    if _is_torn(rest, found):
        raise LoadFailed(
            "The setting sqlalchemy_url cannot be divided into its parts: write special characters in the user and the"
            " password as %40 for @, %23 for #, %2F for /, %3F for ? and %3A for a colon."
        )
    if found is None:
        raise LoadFailed(f"The port in the setting sqlalchemy_url is not a number: write the URL as {_FORM}.")
    return found


def _is_postgres(driver: str) -> bool:
    return driver.partition("+")[0].lower() in _DIALECTS


def _is_torn(rest: str, found: URL | None) -> bool:
    """Return whether a special character of the password has ended it early, so that its rest is taken for a host."""
    if re.split(r"[/?#]", rest, maxsplit=1)[0].count("@") > 1:
        return True
    if found is None:
        # What stands where the port is belongs to the password, if the host comes only after it.
        before_at = rest.rpartition("@")[0]
        return "@" in before_at or any(character in before_at for character in "/?#")
    in_query = "?" in rest and "@" in rest.partition("?")[2]
    return (
        bool(_BEYOND_HOSTS.search(found.host or ""))
        or "@" in (found.database or "")
        or (in_query and found.database is None)
    )
