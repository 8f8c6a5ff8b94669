"""`group`: what a report's rows are grouped by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from sandbox.productive import errors
from sandbox.productive.field_lookup import filter_field
from sandbox.productive.field_tables import FILTER_PATHS
from sandbox.productive.fields import attribute_field, refs_along
from sandbox.productive.records import Ref
from sandbox.productive.reports.definitions import GROUP_PATHS
from sandbox.productive.timestamps import parse_day

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.json_types import Json
    from sandbox.productive.records import Dataset, Record
    from sandbox.productive.reports.definitions import Report

PERIODS = ("day", "week", "month", "quarter", "year")

MONTHS_OF_A_QUARTER = 3


@dataclass(frozen=True)
class Group:
    """One of the names in `group`.

    Attributes:
        name: Its name, without a period.
        attribute: The attribute of the report's rows with the value; empty if a relationship has it.
        read: Returns the reference or value that a row is grouped by.
    """

    name: str
    attribute: str
    read: Callable[[Dataset, Record], Ref | Json]


def period_start(period: str, on: date) -> date:
    """Return the first day of the period that a day is in; weeks begin on Monday."""
    if period == "week":
        return on - timedelta(days=on.weekday())
    if period == "month":
        return on.replace(day=1)
    if period == "quarter":
        return on.replace(month=(on.month - 1) // MONTHS_OF_A_QUARTER * MONTHS_OF_A_QUARTER + 1, day=1)
    return on.replace(month=1, day=1) if period == "year" else on


def parse_groups(report: Report, text: str) -> list[Group]:
    """Parse `group=organization,created_at:month,task`; an empty text means the report's own rows.

    Raises:
        ApiError: The report does not have a group, or the sandbox does not support it.
    """
    return [_group(report, *part.partition(":")) for part in (text or report.default_group).split(",")]


def _group(report: Report, name: str, colon: str, period: str) -> Group:
    if name not in report.groups:
        raise errors.unsupported_group(name)
    if name == "organization" and not colon:
        return Group(name, "", lambda _dataset, record: record.one("organization") or Ref("organizations", "1"))
    if name in report.items and not colon:
        return Group(name, "", lambda _dataset, record: record.ref)
    path = group_path(report, name)
    if path is not None and not colon:
        return Group(name, "", lambda dataset, record: next(iter(refs_along(dataset, record, path)), None))
    dated = _period(report, name, period or "day" if colon else "")
    if dated is not None:
        return dated
    field = filter_field(report.page, name) or filter_field(report.page, f"{name}_id")
    if field is None or colon:
        detail = f"The documentation does not say what group {name}{colon}{period} means; the sandbox does not have it"
        raise errors.unsupported_group(name, detail)
    return Group(name, name, lambda dataset, record: next(iter(field.read(dataset, record)), None))


def group_path(report: Report, name: str) -> str | None:
    """Return the path of relationships to a group's rows, if the group is a row of another list."""
    place = (report.page.name, name)
    if place in GROUP_PATHS:
        return GROUP_PATHS[place]
    by_id = FILTER_PATHS.get((report.page.name, f"{name}_id"))
    return by_id if by_id is not None else name if name in report.page.relationships else None


def _period(report: Report, name: str, period: str) -> Group | None:
    """Return a group by date: one of the report's periods, or an attribute with a period suffix, else by day.

    Its value is the first day of the period. How the API writes it is not documented.
    """
    attribute, shown = (report.date, name) if name in PERIODS else (name, f"{name}_period")
    if name == "date" and report.date:
        attribute = report.date
    documented = report.page.attributes.get(attribute)
    if documented is None or documented.type not in {"date", "date-time"}:
        return None
    kind = name if name in PERIODS else period or "day"
    if kind not in PERIODS:
        raise errors.unsupported_group(f"{name}:{period}")
    field = attribute_field(report.page, attribute)

    def read(dataset: Dataset, record: Record) -> Json:
        values = field.read(dataset, record) if field else ()
        return period_start(kind, date.fromordinal(parse_day(str(values[0])))).isoformat() if values else None

    return Group(name, shown, read)
