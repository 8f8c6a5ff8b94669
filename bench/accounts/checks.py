"""What must be true after the run: complete and equal tables, no quota overrun, no account loaded twice at once."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from scripts.all_taps import tap_classes, unconnected_tap
from scripts.system_changes import rows_in_sandbox
from singer_rest_core.records import instant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bench.accounts.fleet import FleetAccount
    from sandbox.admin_client import AdminClient

REFUSED = 429
_UNCOMPARED = frozenset({"jsonb", "ARRAY"})
"""Types of columns that hold JSON, whose texts may differ though their values do not."""


@dataclass(frozen=True)
class TableChecks:
    """The tables that were compared.

    Args:
        tables: How many.
        rows: Their rows.
        values: Values of columns that were compared.
        differences: A line for each table that is not as its source.
    """

    tables: int
    rows: int
    values: int
    differences: Sequence[str]


def compare_tables(database_url: str, admin: AdminClient, accounts: Sequence[FleetAccount]) -> TableChecks:
    """Compare every table of every account with its source.

    Args:
        database_url: PostgreSQL.
        admin: The sandbox's admin.
        accounts: The accounts.
    """
    keys = _keys()
    tables = rows = values = 0
    differences: list[str] = []
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        types = _column_types(connection)
        for account in accounts:
            of_account = admin.account(account.name)
            for stream in account.system.streams:
                key = keys[account.system.tap, stream]
                source = {_key_of(row, key): row for row in rows_in_sandbox(of_account, account.system.tap, stream)}
                columns = types.get((account.schema, stream))
                loaded = {} if columns is None else _loaded(connection, account.schema, stream, key)
                compared, wrong = _differences(source, loaded, columns or {})
                tables += columns is not None
                rows += len(loaded)
                values += compared
                differences += [f"{account.schema}.{stream}: {each}" for each in wrong]
    return TableChecks(tables, rows, values, differences)


def overruns(admin: AdminClient) -> dict[str, int]:
    """Return how many requests of each account were refused for a rate limit.

    Args:
        admin: The sandbox's admin.
    """
    return dict(Counter(request["account"] for request in admin.requests() if request["status"] == REFUSED))


def overlaps(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a line for each two runs of one account that were at the same time.

    Args:
        runs: Rows of `invoicing_runs`.
    """
    by_account = defaultdict(list)
    for run in runs:
        by_account[run["account"]].append(run)
    return [
        f"{account}: {first['started']:%H:%M:%S} to {first['ended']:%H:%M:%S}, and from {second['started']:%H:%M:%S}"
        for account, of_account in by_account.items()
        for first, second in pairwise(sorted(of_account, key=lambda run: run["started"]))
        if second["started"] < first["ended"]
    ]


def most_at_once(runs: Sequence[Mapping[str, Any]]) -> int:
    """Return how many runs were going on at the same time, at most.

    Args:
        runs: Rows of `invoicing_runs`.
    """
    # An end goes before a start of the same instant.
    moments = sorted([(run["started"], 1) for run in runs] + [(run["ended"], -1) for run in runs])
    most = now = 0
    for _, change in moments:
        now += change
        most = max(most, now)
    return most


def _keys() -> dict[tuple[str, str], Sequence[str]]:
    return {
        (tap, name): stream.primary_keys
        for tap, tap_class in tap_classes().items()
        for name, stream in unconnected_tap(tap_class).streams.items()
    }


def _column_types(connection: psycopg.Connection[dict[str, Any]]) -> dict[tuple[str, str], dict[str, str]]:
    query = "select table_schema, table_name, column_name, data_type from information_schema.columns"
    found: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for row in connection.execute(query):
        found[row["table_schema"], row["table_name"]][row["column_name"]] = row["data_type"]
    return dict(found)


def _loaded(
    connection: psycopg.Connection[dict[str, Any]], schema: str, stream: str, key: Sequence[str]
) -> dict[tuple[str, ...], dict[str, Any]]:
    query = sql.SQL("select * from {} where _sdc_deleted_at is null").format(sql.Identifier(schema, stream))
    return {_key_of(row, key): row for row in connection.execute(query)}


def _key_of(row: Mapping[str, Any], key: Sequence[str]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in key)


def _differences(
    source: Mapping[tuple[str, ...], Mapping[str, Any]],
    loaded: Mapping[tuple[str, ...], Mapping[str, Any]],
    types: Mapping[str, str],
) -> tuple[int, list[str]]:
    """Return how many values were compared, and what differs."""
    missing, surplus = source.keys() - loaded.keys(), loaded.keys() - source.keys()
    wrong = [f"{len(missing)} rows are missing"] if missing else []
    wrong += [f"{len(surplus)} rows are not in the source"] if surplus else []
    compared, unequal = 0, set()
    for key in source.keys() & loaded.keys():
        for name, expected, found in _comparable(source[key], loaded[key], types):
            compared += 1
            if expected != found:
                unequal.add(name)
    return compared, [*wrong, *(f"column {name} differs" for name in sorted(unequal))]


def _comparable(
    source: Mapping[str, Any], loaded: Mapping[str, Any], types: Mapping[str, str]
) -> Iterator[tuple[str, object, object]]:
    for name, value in source.items():
        if name in types and types[name] not in _UNCOMPARED and not isinstance(value, dict | list):
            yield name, _value(value, types[name]), _value(loaded[name], types[name])


def _value(value: object, type_name: str) -> object:
    """Return what is compared: an amount as the number that it is, a time as its instant, all else as text."""
    if value is None or isinstance(value, bool):
        return value
    if type_name == "numeric":
        return Decimal(str(value))
    if type_name.startswith("timestamp"):
        moment = value if isinstance(value, datetime) else instant(str(value))
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return str(value)
