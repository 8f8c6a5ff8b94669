"""Reports: totals that Productive calculates from its records; each report in the setting `reports` is a stream."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from singer_sdk import StreamSchema
from singer_sdk.schema.source import SchemaDirectory
from typing_extensions import override

from tap_productive.client import ProductiveStream
from tap_productive.report_groups import RECORDS
from tap_productive.report_setting import Report

if TYPE_CHECKING:
    from singer_sdk import Stream, Tap
    from singer_sdk.streams.rest import HTTPRequest

    from singer_rest_core import PageParams
    from tap_productive.query import ProductiveQuery

__all__ = ["Report", "ReportStream"]

_SCHEMAS = SchemaDirectory(files("tap_productive") / "schemas" / "reports")


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
    def query(self) -> ProductiveQuery:
        """Read by number: reports have no cursor."""
        return replace(super().query(), by_number=True)

    @override
    def count_request(self, query: ProductiveQuery) -> None:
        """Return none: each page states how many rows the report has."""

    @override
    def request_for(self, query: ProductiveQuery, token: PageParams | None) -> HTTPRequest:
        request = super().request_for(query, token)
        group = {"group": ",".join(self.report.group)} if self.report.group else {}
        request.params |= group | {f"filter[{name}]": value for name, value in self.report.filter.items()}
        return request
