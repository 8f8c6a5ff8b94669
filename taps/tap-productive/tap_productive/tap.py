"""tap-productive: its settings and its streams."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from singer_sdk import typing as th
from singer_sdk.exceptions import ConfigValidationError
from typing_extensions import override

from singer_rest_core import RestTap, settings_schema
from singer_rest_core.api import Window
from singer_rest_core.cli import schema_errors
from tap_productive.account_check import AccountCheck
from tap_productive.change_feed import ChangeFeed
from tap_productive.client import LARGEST_PAGE, ProductiveStream
from tap_productive.custom_field_values import CustomFieldValues
from tap_productive.deleted_items import DeletedItems
from tap_productive.report_setting import Report, reports_errors
from tap_productive.reports import ReportStream
from tap_productive.server_time import ServerTime, seconds_to_next_period
from tap_productive.streams import NAMES, STREAMS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    import requests
    from singer_sdk.streams.rest import HTTPRequest

    from singer_rest_core import RequestFailed, StreamUnavailable
    from singer_rest_core.api import Rule


class TapProductive(RestTap):
    """Singer tap for Productive: invoices, payments, budgets, time and what belongs to them."""

    name = "tap-productive"

    rate_limits: ClassVar[Mapping[str, Sequence[Rule]]] = {
        "": (Window(100, 10), Window(4000, 30 * 60)),
        "reports": (Window(10, 30),),
    }

    header_settings = frozenset({"user_agent", "organization_id"})

    refusal_hint = "Check auth_token (Productive: Settings > API integrations)"

    config_jsonschema: ClassVar[dict[str, Any]] = settings_schema(
        th.Property(
            "auth_token",
            th.StringType,
            required=True,
            secret=True,
            title="Auth Token",
            description="API token: Productive, Settings > API integrations > Generate new token; read-only is enough.",
        ),
        th.Property(
            "organization_id",
            th.StringType,
            required=True,
            title="Organization ID",
            description="The number in Productive's URLs: app.productive.io/<organization_id>-name/.",
        ),
        th.Property(
            "lookback_days",
            th.NumberType(minimum=0, maximum=36_500),
            default=1,
            title="Lookback Days",
            description=(
                "Streams read by last_activity_at or last_action_at (invoices, companies, deals, projects, …) start "
                "this many days before their bookmark, as that time may be written late."
            ),
        ),
        th.Property(
            "full_refresh_interval_days",
            th.NumberType(minimum=0, maximum=36_500),
            default=7,
            title="Full Refresh Interval Days",
            description=(
                "After this many days these streams, and those read by change_detection, are read completely, as that "
                "time does not move on every write. A part of a request that the API refused is left out as long, and "
                "with skip_unchanged a list is not written again as long."
            ),
        ),
        th.Property(
            "tombstones",
            th.BooleanType,
            default=False,
            title="Tombstones",
            description=(
                "Report rows in the recycle bin (deleted_items) as deleted in incremental streams: write a record of "
                "the key and _sdc_deleted_at for each."
            ),
        ),
        th.Property(
            "change_detection",
            th.StringType(allowed_values=["none", "activities"]),
            default="none",
            title="Change Detection",
            description=(
                "activities: of lists without a time of change (line_items, payments, services, expenses, …) read only "
                "the rows that the stream activities names as changed, and every full_refresh_interval_days all of "
                "them. Inferred from the documentation, not tried on a live account."
            ),
        ),
        th.Property(
            "reports",
            th.ArrayType(
                th.ObjectType(
                    th.Property("name", th.StringType, required=True, description="E.g. time_entry_reports."),
                    th.Property(
                        "group",
                        th.CustomType({"type": ["array", "string", "null"], "items": {"type": "string"}}),
                        description="What rows are grouped by: a list, or a text as in the API: person,date:month.",
                    ),
                    th.Property(
                        "filter",
                        th.ObjectType(additional_properties=True),
                        description='Filters of the report, e.g. {"after": "2026-01-01"} or {"date": {"gt_eq": "…"}}.',
                    ),
                    th.Property(
                        "stream",
                        th.StringType,
                        description="A name for its stream, and with that for its table, instead of one of the groups.",
                    ),
                    additional_properties=False,
                )
            ),
            default=[],
            title="Reports",
            description=(
                "Reports to read, one stream each: objects of name (e.g. time_entry_reports), group (e.g. "
                '["person", "date:month"]), filter (e.g. {"after": "2026-01-01"}) and stream, a name of your own for '
                "the stream."
            ),
        ),
        api_url="https://api.productive.io/api/v2",
        page_size=(LARGEST_PAGE, LARGEST_PAGE),
        start_date=(
            "Rows of incremental streams that last changed before this date are not read, nor rows without a time of "
            "change. Unset means all."
        ),
    )

    @override
    def discover_streams(self) -> Sequence[ProductiveStream | CustomFieldValues]:
        """Return every stream.

        Raises:
            ConfigValidationError: If the setting `reports` is wrong; `--discover` does not check settings before.
        """
        lines = self._reports_schema_errors() or self._reports_errors()
        if lines:
            raise ConfigValidationError("; ".join(lines), errors=lines, schema=self.config_jsonschema)
        reports = [ReportStream(self, Report.from_setting(entry)) for entry in self.config["reports"]]
        return [*(stream(self) for stream in STREAMS), *reports, CustomFieldValues(self)]

    @cached_property
    def server_time(self) -> ServerTime:
        """The server time of this run."""
        return ServerTime()

    @cached_property
    def account_check(self) -> AccountCheck:
        """What tells a refused organization from a refused list."""
        global_lists = [each.name for each in self.lists if each.ignores_organization]
        return AccountCheck(self.config["api_url"], self.config["organization_id"], global_lists)

    @cached_property
    def lists(self) -> Sequence[ProductiveStream]:
        """The streams that are lists of the API, in the order they are read."""
        return [stream for stream in self.streams.values() if isinstance(stream, ProductiveStream)]

    @override
    def before_streams(self) -> None:
        """Warn of settings without effect, and let streams observe each other's pages."""
        super().before_streams()
        selected = [each for each in self.lists if each.selected]
        if selected and all(each.ignores_organization for each in selected):
            self.account_check.check_organization(self.run.client)
        needs = {"activities": self.config["change_detection"] != "none", "deleted_items": self.config["tombstones"]}
        for name, setting in (("activities", "change_detection"), ("deleted_items", "tombstones")):
            if needs[name] and not self.streams[name].selected:
                self.logger.warning("Setting %s has no effect, as the stream %s is not selected", setting, name)
        values = self.streams["custom_field_values"]
        if isinstance(values, CustomFieldValues) and values.selected:
            values.observe(self.lists)
        bin_stream = self.streams["deleted_items"]
        if isinstance(bin_stream, DeletedItems):
            bin_stream.lists = self.lists
            bin_stream.read_before = frozenset(each.name for each in self.lists if each.state_at_start)
        if self.config["change_detection"] == "activities":
            self._follow_activities()

    def _follow_activities(self) -> None:
        """Let the lists after the stream of activities use what it names as changed."""
        activities = next(each for each in self.lists if each.name == "activities")
        if not activities.selected:
            return
        feeds = [each.feed for each in self.lists if each.feed is not None]
        interval = timedelta(days=self.config["full_refresh_interval_days"])
        feed = ChangeFeed(activities, feeds, full_refresh_interval=interval)
        activities.observers.append(feed)
        for each in self.lists:
            each.change_feed = feed

    @override
    def settings_errors(self) -> list[str]:
        """Check the requested reports, too."""
        return super().settings_errors() + ([] if self._reports_schema_errors() else self._reports_errors())

    def _reports_schema_errors(self) -> list[str]:
        """Check the form of the setting `reports`: core reports such errors, but not before `--discover`."""
        schema = {"properties": {"reports": self.config_jsonschema["properties"]["reports"]}}
        return schema_errors(schema, {"reports": self._config.get("reports", [])}, plugin=self.name)

    def _reports_errors(self) -> list[str]:
        taken = NAMES | {str(vars(CustomFieldValues)["name"])}
        return reports_errors(self._config.get("reports", []), taken)

    @override
    def route_group(self, request: HTTPRequest) -> str:
        return "reports" if "/reports/" in request.url else ""

    @override
    def on_response(self, answer: requests.Response) -> None:
        """Add up the server time, which is limited too."""
        self.server_time.add(answer.headers.get("x-runtime", ""))

    @override
    def retry_after(self, refusal: requests.Response) -> float | None:
        """Return how long until there is server time again, where the header does not say it."""
        return seconds_to_next_period(refusal, now=self.clock.now())

    @override
    def summary(self) -> str:
        """Return one line about what the run did, and its server time."""
        return f"{super().summary()}; {self.server_time}"

    @override
    def authenticate(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["X-Auth-Token"] = self.config["auth_token"]
        request.headers["X-Organization-Id"] = self.config["organization_id"]
        return request

    @override
    def account_refusal(self, body: object) -> str:
        return self.account_check.remedy(body)

    @override
    def proves_access(self, request: HTTPRequest) -> bool:
        return self.account_check.is_proof(request)

    @override
    def verify_access(self, refusal: StreamUnavailable | RequestFailed) -> None:
        self.account_check.verify(self.run.client, refusal)
