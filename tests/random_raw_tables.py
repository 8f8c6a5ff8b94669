"""Raw tables of all that the model reads, with random rows, which a night changes in all the ways that loaders do."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, LiteralString

from psycopg import sql
from psycopg.types.json import Jsonb

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import psycopg

FIRST_NIGHT = datetime(2026, 3, 1, 2)  # noqa: DTZ001 - the loader writes times without a zone
ACCOUNTS = ("", "__north")
_KEYS = 9
"""Keys are small numbers, so that rows find one another."""
_ROWS = 14


@dataclass(frozen=True)
class RawTable:
    """What a staging model says of the tables that it reads."""

    tap: str
    name: str
    key: tuple[str, ...]
    columns: Mapping[str, str]
    """Columns and the types in which the model reads them."""


def raw_tables_of(manifest: Path) -> list[RawTable]:
    """Return what all staging models read, as dbt has parsed it."""
    nodes = json.loads(manifest.read_text(encoding="utf-8"))["nodes"].values()
    metas = [node["config"]["meta"] for node in nodes if node["config"]["materialized"] == "raw_accounts"]
    return [
        RawTable(meta["tap"], meta["raw_table"], tuple(meta["raw_key"]), dict(meta["raw_columns"])) for meta in metas
    ]


@dataclass
class RawTables:
    """The raw tables of two accounts of each system.

    Args:
        connection: The database; what is changed is committed at the end of a night.
        kinds: What the model reads.
        random: What decides.
    """

    connection: psycopg.Connection
    kinds: list[RawTable]
    random: random.Random
    now: datetime = FIRST_NIGHT
    there: dict[tuple[str, str], tuple[RawTable, list[str]]] = field(default_factory=dict)
    """By schema and table: what it is, and the columns that it has beside its key."""

    def begin(self) -> None:
        """Make most tables, most of them with all columns."""
        for kind in self.kinds:
            for account in ACCOUNTS:
                if self.random.random() < 0.9:
                    self._make(kind, kind.tap + account)
        self.connection.commit()

    def pass_a_night(self) -> list[str]:
        """Change some of all, a day later, and return what was done."""
        self.now += timedelta(days=1)
        done = []
        for at in list(self.there):
            if self.random.random() < 0.6:
                change = self.random.choice(self._CHANGES)
                done.append(f"{change.__name__.strip('_')} {'.'.join(at)}")
                change(self, at)
        if self.random.random() < 0.5:
            schema = self.random.choice(sorted({schema for schema, _ in self.there}))
            self._execute("drop schema {} cascade", schema)
            self.there = {at: what for at, what in self.there.items() if at[0] != schema}
            done.append(f"drop {schema}")
        self.connection.commit()
        return done

    def spoil(self) -> Callable[[], None]:
        """Write what no staging model can read into a column of numbers, and return what takes it away again."""
        candidates = [
            (at, column)
            for at, (kind, columns) in sorted(self.there.items(), key=lambda each: each[0])
            for column in columns
            if kind.columns[column] in {"numeric", "integer", "bigint", "date", "boolean"}
        ]
        at, column = self.random.choice(candidates)
        kind = self.there[at][0].columns[column]
        key = self.there[at][0].key[0]
        self._execute("alter table {}.{} alter column {} type text", *at, column)
        self._execute(
            "update {}.{} set {} = 'spoilt', _sdc_received_at = %s"
            " where {} = (select max({}) from {}.{} where _sdc_deleted_at is null)",
            *at, column, key, key, *at, values=[self.now],
        )  # fmt: skip
        self.connection.commit()

        def mend() -> None:
            self._execute("update {}.{} set {} = null where {} = 'spoilt'", *at, column, column)
            statement = f"alter table {{}}.{{}} alter column {{}} type {kind} using {{}}::{kind}"
            self._execute(statement, *at, column, column)
            self.connection.commit()

        return mend

    def _make(self, kind: RawTable, schema: str) -> None:
        self._execute("create schema if not exists {}", schema)
        lines = kind.name.endswith("line") or "lines" in kind.columns
        rest = [column for column in kind.columns if column not in kind.key]
        columns = [column for column in rest if lines or self.random.random() < 0.95]
        types = [(column, kind.columns[column]) for column in (*kind.key, *columns)]
        typed = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(type_)) for column, type_ in types
        )
        primary = sql.SQL(", ").join(map(sql.Identifier, kind.key))
        self.connection.execute(
            sql.SQL(
                "create table {} ({}, _sdc_received_at timestamp, _sdc_deleted_at timestamp, primary key ({}))"
            ).format(sql.Identifier(schema, kind.name), typed, primary)
        )
        self.there[schema, kind.name] = (kind, columns)
        for _ in range(_ROWS):
            self._write((schema, kind.name), self.now - timedelta(days=self.random.randrange(9)))

    def _write(self, at: tuple[str, str], received: datetime, key: list[object] | None = None) -> None:
        """Write a row as a loader does: a new one, or one in place of what has its key."""
        kind, columns = self.there[at]
        names = [*kind.key, *columns]
        values = key or [self._key(column, kind.columns[column]) for column in kind.key]
        values = [*values, *(self._value(column, kind.columns[column]) for column in columns), received, None]
        written = [*names, "_sdc_received_at", "_sdc_deleted_at"]
        row = sql.SQL("insert into {} ({}) values ({}) on conflict ({}) do update set {}").format(
            sql.Identifier(*at),
            sql.SQL(", ").join(map(sql.Identifier, written)),
            sql.SQL(", ").join([sql.Placeholder()] * len(written)),
            sql.SQL(", ").join(map(sql.Identifier, kind.key)),
            sql.SQL(", ").join(
                sql.SQL("{} = excluded.{}").format(sql.Identifier(name), sql.Identifier(name)) for name in written
            ),
        )
        self.connection.execute(row, values)

    def _keys(self, at: tuple[str, str], number: int, *, deleted: bool = False) -> list[list[object]]:
        """Return the keys of some rows."""
        kind = self.there[at][0]
        query = sql.SQL("select {} from {} where (_sdc_deleted_at is not null) = %s order by 1").format(
            sql.SQL(", ").join(map(sql.Identifier, kind.key)), sql.Identifier(*at)
        )
        found = sorted((list(row) for row in self.connection.execute(query, [deleted])), key=repr)
        return self.random.sample(found, min(number, len(found)))

    def _add_rows(self, at: tuple[str, str]) -> None:
        for _ in range(3):
            self._write(at, self.now)

    def _add_rows_that_are_committed_late(self, at: tuple[str, str]) -> None:
        # As long after they were received as the variable overlap_hours allows.
        self._write(at, self.now - timedelta(hours=23))

    def _change_rows(self, at: tuple[str, str]) -> None:
        for key in self._keys(at, 3):
            self._write(at, self.now, key)

    def _mark_rows_as_deleted(self, at: tuple[str, str]) -> None:
        for key in self._keys(at, 3):
            self._where_key("update {}.{} set _sdc_deleted_at = %s", at, key, [self.now])

    def _restore_rows(self, at: tuple[str, str]) -> None:
        for key in self._keys(at, 2, deleted=True):
            self._where_key("update {}.{} set _sdc_deleted_at = null, _sdc_received_at = %s", at, key, [self.now])

    def _delete_rows_and_add_others(self, at: tuple[str, str]) -> None:
        for key in self._keys(at, 2):
            self._where_key("delete from {}.{}", at, key, [])
        self._write(at, self.now)

    def _drop_a_table(self, at: tuple[str, str]) -> None:
        self._execute("drop table {}.{}", *at)
        del self.there[at]

    def _drop_and_load_again(self, at: tuple[str, str]) -> None:
        kind = self.there[at][0]
        self._drop_a_table(at)
        self._make(kind, at[0])

    def _drop_a_column(self, at: tuple[str, str]) -> None:
        columns = self.there[at][1]
        if columns:
            column = columns.pop(self.random.randrange(len(columns)))
            self._execute("alter table {}.{} drop column {}", *at, column)

    def _add_a_column(self, at: tuple[str, str]) -> None:
        """Add a column that is missing, with values in rows that were received before."""
        kind, columns = self.there[at]
        for column in sorted(kind.columns.keys() - {*columns, *kind.key}):
            type_ = kind.columns[column]
            self._execute(f"alter table {{}}.{{}} add column {{}} {type_}", *at, column)
            self._execute("update {}.{} set {} = %s", *at, column, values=[self._value(column, type_)])
            columns.append(column)

    _CHANGES = (
        _add_rows, _add_rows, _change_rows, _change_rows, _change_rows, _mark_rows_as_deleted, _mark_rows_as_deleted,
        _restore_rows, _restore_rows, _delete_rows_and_add_others, _add_rows_that_are_committed_late, _drop_a_table,
        _drop_and_load_again, _drop_a_column, _add_a_column,
    )  # fmt: skip

    def load_what_is_missing(self) -> None:
        """Make the tables that are not there."""
        for kind in self.kinds:
            for account in ACCOUNTS:
                if (kind.tap + account, kind.name) not in self.there:
                    self._make(kind, kind.tap + account)
        self.connection.commit()

    def _where_key(
        self, statement: LiteralString, at: tuple[str, str], key: list[object], values: list[object]
    ) -> None:
        columns = self.there[at][0].key
        condition = " and ".join(["{} = %s"] * len(columns))
        self._execute(f"{statement} where {condition}", *at, *columns, values=[*values, *key])

    def _execute(self, statement: LiteralString, *names: str, values: list[Any] | None = None) -> None:
        self.connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)), values)

    def _value(self, column: str, type_: str) -> object:  # noqa: PLR0911 - one for each kind of column
        """Return a value that such a column may hold."""
        pick = self.random.choice
        if column in _WORDS:
            return pick(_WORDS[column])
        if type_ == "jsonb":
            return Jsonb([self._element(column) for _ in range(self.random.randrange(3))])
        if type_ == "boolean":
            return pick([True, False, None])
        if type_ == "date":
            return date(2026, 1, 1) + timedelta(days=self.random.randrange(90))
        if type_ == "timestamp":
            return FIRST_NIGHT - timedelta(hours=self.random.randrange(2000))
        if column == "id" or column.endswith("_id"):
            return self._number(type_, _KEYS)
        if type_ == "numeric":
            return pick([None, Decimal(0), Decimal(self.random.randrange(-9999, 99999))])
        if type_ in {"integer", "bigint"}:
            return 1 + self.random.randrange(3)
        return pick(["Alpha", "beta", "O'Neil", "", None, str(self.random.randrange(99))])

    def _key(self, column: str, type_: str) -> object:
        """Return a value of a column that is part of a key."""
        return self._value(column, type_) if column in _WORDS else self._number(type_, _KEYS)

    def _number(self, type_: str, below: int) -> object:
        number = 1 + self.random.randrange(below)
        return str(number) if type_ == "text" else number

    def _element(self, column: str) -> object:
        """Return an element of a list in a JSON column."""
        number = str(self.random.randrange(1, 50))
        if column.endswith("details"):
            return {"label": self.random.choice(["Company", "VAT", "IBAN", "City"]), "value": number}
        return {
            "name": "Work", "qty": number, "price": number, "percentage": self.random.choice(["10", "20", ""]),
            "value": "3", "useValue": False, "number": number, "date": "2026-01-05", "code": "1",
            "description": "wrong",
            "quantity": number, "vat_percentage": 21, "total_without_vat": number, "total_vat": "2",
        }  # fmt: skip


_WORDS: Mapping[str, list[str | Decimal | None]] = {
    "currency": ["EUR", "JPY", "TND", None],
    "currency_default": ["EUR", "JPY"],
    "divisa": ["EUR", "USD"],
    "direction": ["send", "receive"],
    "tipo_documento": ["TD01", "TD04", "TD16"],
    "natura": ["N4", "N6.1", None],
    "esigibilita_iva": ["I", "S", None],
    "state": ["Inviato", "Scartato", "Consegnato"],
    "latest_state": ["Inviato", "Scartato", None],
    "tax_value": [Decimal(0), Decimal(10), Decimal(22), None],
    "aliquota_iva": [Decimal(0), Decimal(10), Decimal(22), None],
    "exchange_rate": ["1.25", "4.9", None],
    "total": ["121.12", "-12.10", "wrong", None],
    "total_vat": ["21.02", "-2.10", None],
    "total_without_vat": ["100.10", "-10.00", None],
}
