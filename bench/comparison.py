"""Whether what two readers wrote is the same, and the same as what the API returned."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import TYPE_CHECKING, Any

from bench.server.invoice_rows import FIRST_ID, sum_of_amounts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True)
class Totals:
    """What must be the same for all readers.

    Args:
        records: How many records were written.
        ids: How many different ids they have.
        digest: Of the sorted ids.
        amount_with_tax: Its sum, in cents of whatever currency.
    """

    records: int
    ids: int
    digest: str
    amount_with_tax: int


def totals(rows: Iterable[tuple[str, int | None]]) -> Totals:
    """Return the totals of records; they do not depend on the records' order.

    Args:
        rows: id and amount_with_tax of each record.
    """
    count = amount_with_tax = 0
    ids = set()
    for row_id, amount in rows:
        count += 1
        amount_with_tax += amount or 0
        ids.add(row_id)
    return Totals(count, len(ids), _digest(sorted(ids)), amount_with_tax)


@cache
def expected_totals(invoices: int) -> Totals:
    """Return the totals of the list that the server serves.

    Args:
        invoices: Its length.
    """
    ids = (str(FIRST_ID + index) for index in range(invoices))
    return Totals(invoices, invoices, _digest(ids), sum_of_amounts(invoices))


def differing_columns(one: Mapping[str, Mapping[str, Any]], other: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Return the columns in which two readers' records differ; a column that a record lacks counts as null.

    Args:
        one: Records by id.
        other: The same records, by another reader.

    Returns:
        Names of columns; `id` alone if one of them lacks a record.
    """
    if one.keys() != other.keys():
        return {"id"}
    return {
        name
        for row_id, record in one.items()
        for name in record.keys() | other[row_id].keys()
        if not same_value(record.get(name), other[row_id].get(name))
    }


def same_value(one: object, other: object) -> bool:
    """Return whether two values of JSON mean the same.

    Args:
        one: A value.
        other: Another.

    Returns:
        True for equal values, for the same instant written in two time zones, and for a number and its digits as text.
    """
    if one == other and isinstance(one, bool) == isinstance(other, bool):
        return True
    if isinstance(one, bool) or isinstance(other, bool) or not _are_scalars(one, other):
        return False
    if isinstance(one, str) and isinstance(other, str):
        try:
            return datetime.fromisoformat(one) == datetime.fromisoformat(other)
        except (ValueError, TypeError):
            return False
    try:
        return Decimal(str(one)) == Decimal(str(other))
    except InvalidOperation:
        return False


def _are_scalars(*values: object) -> bool:
    return all(isinstance(value, str | int | Decimal) for value in values)


def _digest(sorted_ids: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted_ids).encode()).hexdigest()
