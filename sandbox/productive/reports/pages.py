"""One page of a report."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, cast

from sandbox.productive import errors
from sandbox.productive.field_lookup import filter_field
from sandbox.productive.fields import Kind, display_name
from sandbox.productive.filters import compile_filters
from sandbox.productive.paging import Selection, numbered_page
from sandbox.productive.records import Record, Ref
from sandbox.productive.reports.definitions import BUDGETS
from sandbox.productive.reports.grouping import parse_groups
from sandbox.productive.reports.metrics import common_values, metrics
from sandbox.productive.timestamps import local_date

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.json_types import Json
    from sandbox.productive.fields import Field
    from sandbox.productive.filters import FilterRules
    from sandbox.productive.paging import Address, Page
    from sandbox.productive.query import Query, Sort
    from sandbox.productive.records import Dataset, Related
    from sandbox.productive.reports.definitions import Report
    from sandbox.productive.reports.grouping import Group


def report_page(dataset: Dataset, report: Report, query: Query, rules: FilterRules, address: Address) -> Page:
    """Return the requested page.

    Raises:
        ApiError: The request has a cursor, which reports do not support, or an unsupported group, filter or sort.
    """
    if query.after is not None:
        raise errors.keyset_unsupported_sort("")
    groups = parse_groups(report, query.group)
    linked = {"organization", *(group.name for group in groups if not group.attribute)}
    for name, below in query.includes.items():
        if name not in linked or below:
            raise errors.unsupported_include(name)
    keep = compile_filters(query.filters, rules)
    _check_sorts(report, query.sorts, groups)

    def select() -> list[Record]:
        grouped: dict[tuple[Ref | Json, ...], list[Record]] = {}
        for row in dataset.rows(report.page.name):
            if _belongs_to(report, row) and keep(dataset, row):
                grouped.setdefault(tuple(group.read(dataset, row) for group in groups), []).append(row)
        records = [_record(dataset, report, groups, key, rows) for key, rows in grouped.items()]
        records.sort(key=lambda record: record.id)
        for sort in reversed(query.sorts):
            _sort(dataset, records, sort)
        return records

    requested = tuple((key, value) for key, value in address.query if not key.startswith("page["))
    modifiers = (rules.to_the_second, *rules.ignored, local_date(dataset.clock.now))
    return numbered_page(Selection(dataset.cached((report.name, requested, modifiers), select), []), query, address)


def _belongs_to(report: Report, row: Record) -> bool:
    return report.name not in BUDGETS or row.attributes["budget"] is BUDGETS[report.name]


def _record(
    dataset: Dataset, report: Report, groups: Sequence[Group], key: Sequence[Ref | Json], rows: Sequence[Record]
) -> Record:
    values = {group.attribute: value for group, value in zip(groups, key, strict=True) if group.attribute}
    links = {group.name: value for group, value in zip(groups, key, strict=True) if not group.attribute}
    common = common_values(
        {
            name: [_report_value(next(iter(field.read(dataset, row)), None), field) for row in rows]
            for name in report.attributes
            if name not in values and (field := filter_field(report.page, name))
        }
    )
    attributes: dict[str, Json] = {
        **dict.fromkeys(report.attributes),
        "group": ",".join(group.name for group in groups),
        "count": len(rows),
        "formula_fields": {},
        **common,
        **metrics(dataset, report, rows),
        **values,
    }
    relationships: dict[str, Related] = {"organization": Ref("organizations", "1")}
    relationships |= {name: value if isinstance(value, Ref) else None for name, value in links.items()}
    return Record(
        type=report.name,
        id=_synthetic_id(report, groups, key),
        attributes=attributes,
        relationships=relationships,
        named=tuple(dict.fromkeys(("organization", *links))),
    )


def _report_value(value: Json, field: Field) -> Json:
    """Return a row's value as reports show it: only the day of an instant, as in the documented example."""
    return value[:10] if field.kind is Kind.INSTANT and isinstance(value, str) else value


def _synthetic_id(report: Report, groups: Sequence[Group], key: Sequence[Ref | Json]) -> str:
    """Return an id like the documented `booking-report-booking-130-<md5 of {}>`; what is hashed is inferred."""
    parts = [report.name.removesuffix("s").replace("_", "-")]
    hashed: dict[str, Json] = {}
    for group, value in zip(groups, key, strict=True):
        if isinstance(value, Ref):
            parts += [group.name.replace("_", "-"), value.id]
        else:
            hashed[group.name] = value
    # The hash serves as a name, not for security.
    parts.append(hashlib.md5(json.dumps(hashed, sort_keys=True).encode(), usedforsecurity=False).hexdigest())
    return "-".join(parts)


def _check_sorts(report: Report, sorts: Sequence[Sort], groups: Sequence[Group]) -> None:
    shown = {*report.attributes, *(group.name for group in groups), "count"}
    for sort in sorts:
        if sort.name not in report.page.sorts:
            raise errors.unsupported_sort(sort.name)
        if sort.name not in shown:
            detail = f"Sort {sort.name} needs a group that has it, or the documentation does not say what it means"
            raise errors.unsupported_sort(sort.name, detail)


def _sort(dataset: Dataset, records: list[Record], sort: Sort) -> None:
    """Sort by a metric, a value, or the name of a group's row; nulls last, as in lists."""

    def value(record: Record) -> Json:
        if sort.name in record.relationships:
            row = dataset.get(record.one(sort.name))
            return display_name(row).casefold() if row else None
        shown = record.attributes.get(sort.name, record.attributes.get(f"{sort.name}_period"))
        return float(shown) if isinstance(shown, str) and sort.name.startswith("average_") else shown

    known = [record for record in records if value(record) is not None]
    known.sort(key=lambda record: cast("str", value(record)), reverse=sort.descending)
    unknown = [record for record in records if value(record) is None]
    records[:] = [*unknown, *known] if sort.descending else [*known, *unknown]
