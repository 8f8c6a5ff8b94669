"""A report's metrics: sums and averages over the rows of one group.

Money is summed in the organization's currency, and in the rows' own if they share one. Without any values, a sum is 0
and an average is null.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.productive.money import ORGANIZATION_CURRENCY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.json_types import Json
    from sandbox.productive.records import Dataset, Record
    from sandbox.productive.reports.definitions import Report

MINUTES_A_DAY = 480
WORKING_DAYS = 5
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

# Metrics that have another name than the attribute they sum.
_ATTRIBUTES = {
    "total_base_cost": "cost",
    "total_credited": "amount_credited",
    "total_expense_cost": "expense_amount",
    "total_hourly_cost": "hourly_rate",
    "total_monthly_cost": "cost",
    "total_price": "price",
    "total_tax_amount": "amount_tax",
    "average_retainer_interval_count": "",
    "time": "total_time",
    "worked_time": "time",
    "total_worked_time": "worked_time",
}

# Lists whose metrics are sums over related rows.
_SUMMED_ROWS = {"projects": ("deals", "project")}


def metrics(dataset: Dataset, report: Report, rows: Sequence[Record]) -> dict[str, Json]:
    """Return all metrics of a report for one group's rows, by name, with the variants of amounts of money."""
    summed = _summed(dataset, report, rows)
    shared = {row.attributes.get("currency") for row in summed}
    own = len(shared) == 1 and None not in shared
    answer: dict[str, Json] = {}
    if report.has_currencies:
        answer = {
            "currency": ORGANIZATION_CURRENCY,
            "currency_default": ORGANIZATION_CURRENCY,
            "currency_normalized": shared.pop() if own else ORGANIZATION_CURRENCY,
        }
    for name in report.attributes:
        if name == "mandays":
            answer[name] = str(round(float(_sum(summed, "total_time")) / MINUTES_A_DAY, 2))
        elif name in {"start_date", "end_date"}:
            answer[name] = _bound(report, rows, last=name == "end_date")
        elif name.rpartition("_")[0] in WEEKDAYS:
            answer[name] = _weekday(rows, *name.split("_"))
        elif name.startswith(("total_", "average_")) or _ATTRIBUTES.get(name):
            answer |= _metric(name, summed, own=own)
    return answer


def _summed(dataset: Dataset, report: Report, rows: Sequence[Record]) -> Sequence[Record]:
    if report.page.name not in _SUMMED_ROWS:
        return rows
    resource, relationship = _SUMMED_ROWS[report.page.name]
    return [further for row in rows for further in dataset.referrers(resource, relationship, row.id)]


def _metric(name: str, rows: Sequence[Record], *, own: bool) -> dict[str, Json]:
    stem = name.removeprefix("total_").removeprefix("average_")
    attribute = _ATTRIBUTES.get(name, stem)
    average = name.startswith("average_")
    base = attribute.removesuffix("_minutes") if attribute.endswith("_minutes") else attribute
    money = any(f"{base}_default" in row.attributes for row in rows[:1])
    if not money:
        value = _sum(rows, base) * (MINUTES_A_DAY if base != attribute else 1)
        return {name: _average(rows, base) if average else _json_number(value)}
    default = _average(rows, f"{base}_default") if average else _json_number(_sum(rows, f"{base}_default"))
    normalized = f"{base}_normalized" if own else f"{base}_default"
    return {
        name: default,
        f"{name}_default": default,
        f"{name}_normalized": _average(rows, normalized) if average else _json_number(_sum(rows, normalized)),
    }


def _numbers(rows: Sequence[Record], attribute: str) -> list[Decimal]:
    found = []
    for row in rows:
        value = row.attributes.get(attribute)
        if isinstance(value, int | float | str) and not isinstance(value, bool) and value != "":
            found.append(Decimal(str(value)))
    return found


def _sum(rows: Sequence[Record], attribute: str) -> Decimal:
    return sum(_numbers(rows, attribute), Decimal(0))


def _json_number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _average(rows: Sequence[Record], attribute: str) -> str | None:
    """Return an average: a decimal in a string, as `average_recognized_margin` was seen live."""
    numbers = _numbers(rows, attribute)
    return str(round(sum(numbers) / len(numbers), 2)) if numbers else None


def _bound(report: Report, rows: Sequence[Record], *, last: bool) -> str | None:
    days = sorted(str(value) for row in rows if (value := row.attributes.get(report.date)))
    return (days[-1] if last else days[0])[:10] if days else None


def _weekday(rows: Sequence[Record], weekday: str, what: str) -> int:
    """Return a weekday's tracked minutes, its capacity, or what is left of it."""
    place = WEEKDAYS.index(weekday)
    theirs = [row for row in rows if date.fromisoformat(row.text("date")).weekday() == place]
    tracked = sum(row.integer("time") for row in theirs)
    if what == "time":
        return tracked
    people = {(row.one("person"), row.text("date")[:10]) for row in theirs}
    capacity = MINUTES_A_DAY * len(people) if place < WORKING_DAYS else 0
    return capacity if what == "capacity" else capacity - tracked


def common_values(values: Mapping[str, Sequence[Json]]) -> dict[str, Json]:
    """Return the values that all rows share; None where they differ."""
    return {
        name: found[0] if found and all(value == found[0] for value in found) else None
        for name, found in values.items()
    }
