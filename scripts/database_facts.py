"""What is worth knowing of a database before a loader writes to it: version, rights, time zone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from invoicing_orchestrate.connection import unreachable, url_fault

if TYPE_CHECKING:
    from invoicing_orchestrate.destination import Destination

_OLDEST = 14
"""The oldest version of PostgreSQL that its project maintains, until November 2026 ends."""
_TIMEOUT = 10

_FACTS = """
    select current_setting('server_version_num')::integer / 10000,
           current_setting('server_version'),
           current_user,
           current_database(),
           current_setting('TimeZone'),
           coalesce(
               (select has_schema_privilege(oid, 'create') and has_schema_privilege(oid, 'usage')
                from pg_namespace where nspname = %s),
               has_database_privilege(current_database(), 'create')
           )
"""


def database_facts(destination: Destination) -> tuple[list[str], str]:
    """Connect to a database and look at it; nothing is changed there.

    Args:
        destination: The database, and the schema that a tap's tables are in.

    Returns:
        Lines to read, and in one line what is wrong; empty if nothing is.
    """
    wrong = url_fault(destination.connection)
    if wrong:
        return [], f"What was given for the database {wrong}"
    try:
        with psycopg.connect(destination.connection, connect_timeout=_TIMEOUT) as connection:
            row = connection.execute(_FACTS, [destination.schema]).fetchone()
    except psycopg.Error as error:
        return [], unreachable("The database", destination.connection, error)
    if row is None:
        return [], "The database says nothing of itself"
    major, version, user, name, zone, may_create = row
    said = [f"PostgreSQL {version}, database {name}, user {user}, time zone {zone}"]
    if major < _OLDEST:
        said.append(f"Version {major} is no longer maintained; {_OLDEST} or later is")
    if zone not in {"UTC", "Etc/UTC", "GMT"}:
        said.append("Times are loaded in UTC all the same: meltano.yml sets PGTZ for the loader")
    if not may_create:
        return said, (
            f"User {user} may not create tables in the schema {destination.schema}: as the owner of the database, "
            f"run: grant create on database {name} to {user}"
        )
    return said, ""
