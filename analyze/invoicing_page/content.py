"""The content of the page, read from the marts at one instant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from invoicing_page.encoding import Choices, amounts, column, scale_of
from invoicing_page.errors import PageError
from invoicing_page.queries import AS_OF, DAYS_OF_SALES, OLDEST_MONTH, PARTIES, QUERIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from typing import LiteralString

    from invoicing_page.encoding import Kind

MOST_INVOICES = 100_000
"""Invoices that the page shows one by one; of more, the older months are summed."""
LATE_AFTER_HOURS = 36
"""Hours after which a system that is loaded every night counts as late."""
SCHEMA = "invoicing"
_CONNECT_TIMEOUT = 10


@dataclass(frozen=True)
class Limits:
    """What the page shows, and what it calls late.

    Args:
        most_invoices: Invoices that are shown one by one.
        late_after_hours: Hours since the last load after which a system is late.
    """

    most_invoices: int = MOST_INVOICES
    late_after_hours: float = LATE_AFTER_HOURS


def content(connection: str, schema: str, now: datetime, limits: Limits) -> dict[str, Any]:
    """Read the marts.

    Args:
        connection: The database, as libpq takes it.
        schema: The schema of the marts.
        now: The time, in UTC.
        limits: What is shown.

    Returns:
        What the page embeds, as JSON can hold it; amounts are scaled integers.

    Raises:
        PageError: If the database cannot be reached, has no marts, or holds what no page can show.
    """
    try:
        password = conninfo_to_dict(connection).get("password")
    except psycopg.ProgrammingError:
        # The message of libpq may show a part of the password.
        raise PageError(
            "sqlalchemy_url of target-postgres is not a PostgreSQL URL (in a password, @ is %40, / is %2F and % is %25)"
        ) from None
    try:
        with psycopg.connect(
            connection, connect_timeout=_CONNECT_TIMEOUT, application_name="invoicing-page"
        ) as session:
            # One instant for all queries: a build that ends meanwhile must not show in half of the page.
            session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            session.read_only = True
            return _Reader(session, schema, now, limits).content()
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn, psycopg.errors.InvalidSchemaName) as error:
        missing = str(error).partition("\n")[0]
        raise PageError(
            f"The model is not built, or by another version ({missing}): run meltano run dbt:build"
        ) from None
    except psycopg.Error as error:
        raise PageError(f"The database cannot be read: {_redacted(error, password)}") from None


class _Reader:
    """Reads the marts within one transaction."""

    def __init__(self, session: psycopg.Connection, schema: str, now: datetime, limits: Limits) -> None:
        self._session = session
        self._schema = sql.Identifier(schema)
        self._now = now
        self._limits = limits
        self._choices = {name: Choices() for name in ("system", "account", "currency", "party")}

    def content(self) -> dict[str, Any]:
        as_of = self._value(AS_OF, {"today": self._now.date()})
        oldest_month = self._value(OLDEST_MONTH, {"most": self._limits.most_invoices})
        parameters = {"as_of": as_of, "oldest_month": oldest_month, "days_of_sales": DAYS_OF_SALES}
        party_of = {row[0]: row[1:] for row in self._rows(PARTIES, {})}
        rows = {name: self._rows(query.sql, parameters) for name, query in QUERIES.items()}
        scale = max(
            scale_of(amounts(query.columns, rows[name]), f"The table of {name}") for name, query in QUERIES.items()
        )
        tables = {name: self._table(query.columns, rows[name], scale, party_of) for name, query in QUERIES.items()}
        names = dict(party_of.values())
        choices = {name: each.texts for name, each in self._choices.items()}
        return {
            "as_of": as_of,
            "made": int(self._now.timestamp()),
            "late_after": round(self._limits.late_after_hours * 3_600),
            "oldest_month": oldest_month,
            "days_of_sales": DAYS_OF_SALES,
            "scale": scale,
            "choices": choices | {"party": [[names.get(key, ""), key] for key in choices["party"]]},
            "tables": tables,
        }

    def _table(
        self,
        kinds: Mapping[str, Kind],
        rows: Sequence[Sequence[Any]],
        scale: int,
        party_of: Mapping[str, tuple[str, str]],
    ) -> dict[str, Any]:
        columns = dict(zip(kinds, zip(*rows, strict=True) if rows else [()] * len(kinds), strict=True))
        if "party" in columns:
            columns["party"] = tuple(party_of.get(key, (key, ""))[0] for key in columns["party"])
        if "currency" in columns:
            columns["currency"] = tuple(each or "" for each in columns["currency"])
        return {
            "rows": len(rows),
            "columns": {
                name: column(kind, columns[name], scale, self._choices.get(name, Choices()))
                for name, kind in kinds.items()
            },
        }

    def _rows(self, query: LiteralString, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        return self._session.execute(sql.SQL(query).format(marts=self._schema), parameters).fetchall()

    def _value(self, query: LiteralString, parameters: Mapping[str, Any]) -> str | None:
        ((value,),) = self._rows(query, parameters)
        return None if value is None else str(value)


def _redacted(error: psycopg.Error, password: object) -> str:
    """Return an error in one line, without the password."""
    # PostgreSQL's library asks a question behind what it says.
    said = (line for line in str(error).splitlines() if not line.strip().startswith("Is the server running"))
    text = " ".join(" ".join(said).split())
    return text.replace(str(password), "***") if password else text
