"""Reports: totals that Productive calculates from its records; each report in the setting `reports` is a stream."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from singer_sdk import StreamSchema
from singer_sdk.schema.source import SchemaDirectory
from typing_extensions import override

from tap_productive.client import ProductiveStream
from tap_productive.paging import numbered_paginator
from tap_productive.report_groups import GROUPS, PERIODS, RECORDS, is_date

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from singer_sdk import Stream, Tap
    from singer_sdk.pagination import BaseAPIPaginator
    from singer_sdk.streams.rest import HTTPRequest

    from singer_rest_core import PageParams
    from tap_productive.query import ProductiveQuery

_SCHEMAS = SchemaDirectory(files("tap_productive") / "schemas" / "reports")


@dataclass(frozen=True)
class Report:
    """A report as the setting `reports` requests it.

    Args:
        name: Its name in the API, e.g. `time_entry_reports`.
        group: What its rows are grouped by, e.g. `person` and `date:month`.
        filter: Values of the parameters `filter[…]`, by what is in the brackets: `after`, `date][gt_eq`.
    """

    name: str
    group: tuple[str, ...]
    filter: Mapping[str, str]

    @classmethod
    def from_setting(cls, setting: Mapping[str, Any]) -> Report:
        """Read one entry of the setting.

        Args:
            setting: An object of `name`, `group` (a list of names, or one text with commas) and `filter`.

        Returns:
            The report.
        """
        group = setting.get("group") or []
        names = group.split(",") if isinstance(group, str) else group
        return cls(
            name=setting["name"],
            group=tuple(name.strip() for name in names),
            filter=dict(_flat(setting.get("filter") or {})),
        )

    @property
    def stream_name(self) -> str:
        """The name of its stream, e.g. `time_entry_reports_by_person_and_date_month`."""
        group = "_and_".join(name.replace(":", "_") for name in self.group)
        return f"{self.name}_by_{group}" if group else self.name

    def errors(self) -> list[str]:
        """Check name and groups.

        Returns:
            A line for each error.
        """
        known = GROUPS.get(self.name)
        if known is None:
            return [
                f"Setting reports names {self.name!r}, which is not a report; there are: {', '.join(sorted(GROUPS))}"
            ]
        lines = []
        for name in self.group:
            base, colon, period = name.partition(":")
            if base not in known:
                lines.append(
                    f"Setting reports groups {self.name} by {base!r}; it can be grouped by: {', '.join(sorted(known))}"
                )
            elif colon and not is_date(base):
                lines.append(
                    f"Setting reports groups {self.name} by {name!r}, but {base} is not a date that can be rounded"
                )
            elif colon and period not in PERIODS:
                lines.append(
                    f"Setting reports groups {self.name} by {name!r}; a date can be rounded to: "
                    f"{', '.join(sorted(PERIODS))}"
                )
        return lines


def reports_errors(reports: Iterable[Mapping[str, Any]]) -> list[str]:
    """Check the setting `reports`.

    Args:
        reports: Its entries, of the right form.

    Returns:
        A line for each error.
    """
    requested = [Report.from_setting(entry) for entry in reports]
    names = [report.stream_name for report in requested]
    repeated = sorted({name for name in names if names.count(name) > 1})
    return [line for report in requested for line in report.errors()] + [
        f"Setting reports requests {name} twice: a report and its groups make one stream" for name in repeated
    ]


class _ReportSchema(StreamSchema[str]):
    """The schema of a report, whatever it is grouped by."""

    @override
    def get_stream_schema(self, stream: Stream, stream_class: type[Stream]) -> dict[str, Any]:
        return self.schema_source.get_schema(stream.report.name if isinstance(stream, ReportStream) else "")


class ReportStream(ProductiveStream):
    """A report, grouped and filtered as the setting `reports` says. Ids of its rows are derived from the group."""

    name = "report"
    schema = _ReportSchema(_SCHEMAS)

    def __init__(self, tap: Tap, report: Report) -> None:
        """Make the stream of a tap.

        Args:
            tap: The tap.
            report: The report.
        """
        self.report = report
        self.name = report.stream_name
        self.references = tuple(sorted(name for name in report.group if name in RECORDS))
        super().__init__(tap, path=f"/reports/{report.name}")

    @override
    def paginator(self, query: ProductiveQuery) -> BaseAPIPaginator[PageParams]:
        return numbered_paginator()

    @override
    def steady_paginator(self, query: ProductiveQuery) -> None:
        """Return none: reports have no cursor."""

    @override
    def request_for(self, query: ProductiveQuery, token: PageParams | None) -> HTTPRequest:
        request = super().request_for(query, token)
        group = {"group": ",".join(self.report.group)} if self.report.group else {}
        request.params |= group | {f"filter[{name}]": value for name, value in self.report.filter.items()}
        return request


def _flat(filters: Mapping[str, Any], within: str = "") -> Iterable[tuple[str, str]]:
    """Return nested filters as the API names them: `{"date": {"gt_eq": "2026-01-01"}}` is `date][gt_eq`."""
    for name, value in filters.items():
        path = f"{within}][{name}" if within else name
        if isinstance(value, dict):
            yield from _flat(value, path)
        elif isinstance(value, list):
            yield path, ",".join(str(item) for item in value)
        else:
            yield path, str(value).lower() if isinstance(value, bool) else str(value)
