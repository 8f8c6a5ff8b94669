"""tap-productive: its settings and its streams."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, ClassVar

from singer_sdk import typing as th
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.streams.rest import HTTPRequest
from typing_extensions import override

from singer_rest_core import AccessRefused, RequestFailed, RestTap, StreamUnavailable, body_of, settings_schema
from singer_rest_core.api import Window
from singer_rest_core.cli import schema_errors
from singer_rest_core.records.row_layout import ResourceRows
from tap_productive.change_feed import ChangeFeed
from tap_productive.client import LARGEST_PAGE, MEDIA_TYPE, ProductiveStream
from tap_productive.custom_field_values import CustomFieldValues
from tap_productive.deleted_items import DeletedItems
from tap_productive.refusals import refusal_words
from tap_productive.reports import Report, ReportStream, reports_errors
from tap_productive.server_time import ServerTime, seconds_to_next_period
from tap_productive.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    import requests

    from singer_rest_core.api import Rule


class TapProductive(RestTap):
    """Singer tap for Productive: invoices, payments, budgets, time and what belongs to them."""

    name = "tap-productive"

    rate_limits: ClassVar[Mapping[str, Sequence[Rule]]] = {
        "": (Window(100, 10), Window(4000, 30 * 60)),
        "reports": (Window(10, 30),),
    }

    header_settings = frozenset({"user_agent", "organization_id"})

    @cached_property
    def server_time(self) -> ServerTime:
        """What the run has cost the server."""
        return ServerTime()

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
                "How much before their bookmark streams are read again that are read by last_activity_at or "
                "last_action_at (invoices, companies, deals, projects, …), as it may be written late."
            ),
        ),
        th.Property(
            "full_refresh_interval_days",
            th.NumberType(minimum=0, maximum=36_500),
            default=7,
            title="Full Refresh Interval Days",
            description=(
                "How often these streams are read whole, as that time does not move on every write; and those read by "
                "change_detection. As long, what the API refused of a request is not asked for again."
            ),
        ),
        th.Property(
            "tombstones",
            th.BooleanType,
            default=False,
            title="Tombstones",
            description=(
                "Tell the loader of rows in the recycle bin (deleted_items) that streams read by their changes lose: "
                "the key with _sdc_deleted_at."
            ),
        ),
        th.Property(
            "change_detection",
            th.StringType(allowed_values=["none", "activities"]),
            default="none",
            title="Change Detection",
            description=(
                "activities: read lists without a time of change (line_items, payments, services, expenses, …) only as "
                "far as the stream activities tells of changes, and whole every full_refresh_interval_days. Inferred "
                "from the documentation, not tried on a live account."
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
                        description="What rows are grouped by: a list, or a text as the API has it: person,date:month.",
                    ),
                    th.Property(
                        "filter",
                        th.ObjectType(additional_properties=True),
                        description='Filters of the report, e.g. {"after": "2026-01-01"} or {"date": {"gt_eq": "…"}}.',
                    ),
                    additional_properties=False,
                )
            ),
            default=[],
            title="Reports",
            description=(
                "Reports to read, each a stream: objects of name (e.g. time_entry_reports), group (e.g. "
                '["person", "date:month"]) and filter (e.g. {"after": "2026-01-01"}).'
            ),
        ),
        api_url="https://api.productive.io/api/v2",
        page_size=(LARGEST_PAGE, LARGEST_PAGE),
        start_date=(
            "Rows of incremental streams that last changed before it are not read, nor those without a time of change; "
            "unset means all."
        ),
    )

    def discover_streams(self) -> Sequence[ProductiveStream | CustomFieldValues]:
        """Give every stream.

        Returns:
            One instance each.

        Raises:
            ConfigValidationError: If there is no such report; `--discover` does not check settings before.
        """
        lines = self._faults_of_form() or self._faults_of_reports()
        if lines:
            raise ConfigValidationError("; ".join(lines), errors=lines, schema=self.config_jsonschema)
        reports = [ReportStream(self, Report.of(entry)) for entry in self.config["reports"]]
        return [*(stream(self) for stream in STREAMS), *reports, CustomFieldValues(self)]

    @cached_property
    def lists(self) -> Sequence[ProductiveStream]:
        """The streams that are lists of the API, in the order they are read."""
        return [stream for stream in self.streams.values() if isinstance(stream, ProductiveStream)]

    @override
    def before_streams(self) -> None:
        """Warn of settings without effect, and let streams observe each other's pages."""
        super().before_streams()
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
        if self.config["change_detection"] == "activities":
            self._follow_activities()

    def _follow_activities(self) -> None:
        """Let the stream of activities tell the lists after it which of their rows have changed."""
        activities = next(each for each in self.lists if each.name == "activities")
        if not activities.selected:
            return
        feeds = [each.feed for each in self.lists if each.feed is not None]
        whole_every = timedelta(days=self.config["full_refresh_interval_days"])
        feed = ChangeFeed(activities, feeds, whole_every=whole_every)
        activities.observers.append(feed)
        for each in self.lists:
            each.change_feed = feed

    def settings_errors(self) -> list[str]:
        """Check what core checks, and the reports asked for.

        Returns:
            A line for each fault.
        """
        return super().settings_errors() + ([] if self._faults_of_form() else self._faults_of_reports())

    def _faults_of_form(self) -> list[str]:
        schema = {"properties": {"reports": self.config_jsonschema["properties"]["reports"]}}
        return schema_errors(schema, {"reports": self._config.get("reports", [])}, plugin=self.name)

    def _faults_of_reports(self) -> list[str]:
        return reports_errors(self._config.get("reports", []))

    def route_group(self, request: HTTPRequest) -> str:
        """Say which limits hold for a request beside those for all: reports have their own.

        Args:
            request: What is asked for.

        Returns:
            A group of `rate_limits`.
        """
        return "reports" if "/reports/" in request.url else ""

    def on_response(self, answer: requests.Response) -> None:
        """Sum up the server's time, which is limited as well.

        Args:
            answer: Any answer.
        """
        self.server_time.add(answer.headers.get("x-runtime", ""))

    def retry_after(self, refusal: requests.Response) -> float | None:
        """Find out when there will be server's time again, where the header does not say it.

        Args:
            refusal: A 429.

        Returns:
            Seconds; None if it was not the server's time that was used up.
        """
        return seconds_to_next_period(refusal, now=datetime.now(UTC))

    def summary(self) -> str:
        """Say what the run did, and what it cost in time of the server.

        Returns:
            One line.
        """
        return f"{super().summary()}; {self.server_time}"

    def authenticate(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put token and organization into a request.

        Args:
            request: A request to the configured origin.

        Returns:
            The same request.
        """
        request.headers["X-Auth-Token"] = self.config["auth_token"]
        request.headers["X-Organization-Id"] = self.config["organization_id"]
        return request

    def verify_access(self, refusal: StreamUnavailable | RequestFailed) -> None:
        """Find out whether a first refusal is of one stream or of the whole organization.

        What the API answers to a wrong organization is not documented. The list of the token's own memberships needs
        no permission, so it tells. A feature that is off says so itself.

        Args:
            refusal: What the API said.

        Raises:
            AccessRefused: If the organization is not one of the token's person.
        """
        if "_unavailable" in refusal_words(refusal.body, "code"):
            return
        organization = self.config["organization_id"]
        hint = f"Check organization_id {organization}, and that the token's person belongs to that organization"
        request = HTTPRequest(
            url=f"{self.config['api_url'].rstrip('/')}/organization_memberships",
            headers={"Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE},
            params={"include": "organization", "fields[organizations]": "id", "page[size]": str(LARGEST_PAGE)},
        )
        try:
            rows = body_of(self.run.client.send(request, thorough=True)).get("data") or []
        except StreamUnavailable:
            raise AccessRefused(f"{refusal}. {hint}") from refusal
        except RequestFailed as failure:
            if failure.status == HTTPStatus.NOT_FOUND and isinstance(refusal, RequestFailed):
                raise AccessRefused(f"{refusal}. Check api_url {self.config['api_url']}. {hint}") from refusal
            return  # it tells nothing
        organizations = {
            str(record["organization_id"]) for record in map(ResourceRows().flat, rows) if "organization_id" in record
        }
        if organizations and organization not in organizations:
            raise AccessRefused(f"{refusal}. {hint}; its organizations are: {', '.join(sorted(organizations))}")


if __name__ == "__main__":
    TapProductive.cli()
