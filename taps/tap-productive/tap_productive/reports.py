"""Reports: sums that Productive makes of its records, each a stream for whoever asks for it (setting `reports`)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from singer_sdk import StreamSchema
from singer_sdk.schema.source import SchemaDirectory
from typing_extensions import override

from tap_productive.client import ProductiveStream
from tap_productive.report_groups import GROUPS, PERIODS, RECORDS, is_date

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from singer_sdk import Stream, Tap
    from singer_sdk.streams.rest import HTTPRequest

    from singer_rest_core import PageParams
    from tap_productive.client import ProductiveQuery

_SCHEMAS = SchemaDirectory(files("tap_productive") / "schemas" / "reports")


@dataclass(frozen=True)
class Report:
    """A report as a user asks for it.

    Args:
        name: Its name in the API, e.g. `time_entry_reports`.
        group: What its rows are grouped by, e.g. `person` and `date:month`.
        filter: Parameters `filter[…]` by what stands in the brackets, e.g. `after` or `date][gt_eq`.
    """

    name: str
    group: tuple[str, ...]
    filter: Mapping[str, str]

    @classmethod
    def of(cls, setting: Mapping[str, Any]) -> Report:
        """Read one entry of the setting.

        Args:
            setting: An object of `name`, `group` (names in a text, or a list of them) and `filter`.

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

    def faults(self) -> list[str]:
        """Check names and groups.

        Returns:
            A line for each fault.
        """
        known = GROUPS.get(self.name)
        if known is None:
            return [f"Setting reports names {self.name!r}, which is no report; there are: {', '.join(sorted(GROUPS))}"]
        lines = []
        for name in self.group:
            base, colon, period = name.partition(":")
            if base not in known:
                lines.append(
                    f"Setting reports groups {self.name} by {base!r}; it can be grouped by: {', '.join(sorted(known))}"
                )
            elif colon and not is_date(base):
                lines.append(f"Setting reports groups {self.name} by {name!r}, but {base} is no date to be rounded")
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
        A line for each fault.
    """
    asked = [Report.of(entry) for entry in reports]
    names = [report.stream_name for report in asked]
    twice = sorted({name for name in names if names.count(name) > 1})
    return [line for report in asked for line in report.faults()] + [
        f"Setting reports asks twice for {name}: a report and its groups make one stream" for name in twice
    ]


class _ReportSchema(StreamSchema[str]):
    """The schema of a report, whatever it is grouped by."""

    def get_stream_schema(self, stream: Stream, stream_class: type[Stream]) -> dict[str, Any]:  # noqa: ARG002 - the SDK's hook
        """Find the schema.

        Args:
            stream: A `ReportStream`.
            stream_class: Its class.

        Returns:
            A JSON schema.
        """
        return self.schema_source.get_schema(stream.report.name if isinstance(stream, ReportStream) else "")


class ReportStream(ProductiveStream):
    """A report, grouped and filtered as the setting `reports` says. Rows have ids that the API makes of their group."""

    name = "report"
    schema = _ReportSchema(_SCHEMAS)

    def __init__(self, tap: Tap, report: Report) -> None:
        """Bind the stream to its tap.

        Args:
            tap: The tap.
            report: What is asked for.
        """
        self.report = report
        self.name = report.stream_name
        self.references = tuple(sorted(name for name in report.group if name in RECORDS))
        super().__init__(tap, path=f"/reports/{report.name}")

    @override
    def query(self) -> ProductiveQuery:
        """Read by number: reports have no cursor."""
        return replace(super().query(), by_number=True)

    @override
    def request_for(self, query: ProductiveQuery, token: PageParams | None) -> HTTPRequest:
        request = super().request_for(query, token)
        group = {"group": ",".join(self.report.group)} if self.report.group else {}
        request.params |= group | {f"filter[{name}]": value for name, value in self.report.filter.items()}
        return request


def _flat(filters: Mapping[str, Any], within: str = "") -> Iterable[tuple[str, str]]:
    """Write nested filters as the API names them: `{"date": {"gt_eq": "2026-01-01"}}` is `date][gt_eq`."""
    for name, value in filters.items():
        path = f"{within}][{name}" if within else name
        if isinstance(value, dict):
            yield from _flat(value, path)
        elif isinstance(value, list):
            yield path, ",".join(str(item) for item in value)
        else:
            yield path, str(value).lower() if isinstance(value, bool) else str(value)
