"""tap-productive: its settings and its streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from singer_sdk import typing as th
from singer_sdk.streams.rest import HTTPRequest

from singer_rest_core import AccessRefused, RequestFailed, RestTap, StreamUnavailable, body_of, settings_schema
from singer_rest_core.quota import Window
from singer_rest_core.row_layout import ResourceRows
from tap_productive.client import LARGEST_PAGE, MEDIA_TYPE
from tap_productive.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    import requests

    from singer_rest_core.quota import Rule
    from tap_productive.client import ProductiveStream


class TapProductive(RestTap):
    """Singer tap for Productive: invoices, payments, budgets, time and what belongs to them."""

    name = "tap-productive"

    quota_rules: ClassVar[Mapping[str, Sequence[Rule]]] = {"": (Window(100, 10), Window(4000, 30 * 60))}

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
                "How much before their bookmark invoices, companies and deals are read again, "
                "as their last_activity_at may be written late."
            ),
        ),
        th.Property(
            "full_refresh_interval_days",
            th.NumberType(minimum=0, maximum=36_500),
            default=7,
            title="Full Refresh Interval Days",
            description=(
                "How often invoices, companies and deals are read whole, as their last_activity_at "
                "does not move on every write."
            ),
        ),
        api_url="https://api.productive.io/api/v2",
        page_size=(LARGEST_PAGE, LARGEST_PAGE),
        start_date=(
            "Rows of incremental streams that last changed before it are not read, nor those without a time of change; "
            "unset means all."
        ),
    )

    def discover_streams(self) -> Sequence[ProductiveStream]:
        """Give every stream.

        Returns:
            One instance each.
        """
        return [stream(self) for stream in STREAMS]

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
        no permission, so it tells.

        Args:
            refusal: What the API said.

        Raises:
            AccessRefused: If the organization is not one of the token's person.
        """
        organization = self.config["organization_id"]
        hint = f"Check organization_id {organization}, and that the token's person belongs to that organization"
        request = HTTPRequest(
            url=f"{self.config['api_url'].rstrip('/')}/organization_memberships",
            headers={"Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE},
            params={"page[size]": str(LARGEST_PAGE)},
        )
        try:
            rows = body_of(self.transport.send(request, thorough=True)).get("data") or []
        except (StreamUnavailable, RequestFailed):
            raise AccessRefused(f"{refusal}. {hint}") from refusal
        organizations = {
            str(record["organization_id"]) for record in map(ResourceRows().flat, rows) if "organization_id" in record
        }
        if organizations and organization not in organizations:
            raise AccessRefused(f"{refusal}. {hint}; its organizations are: {', '.join(sorted(organizations))}")


if __name__ == "__main__":
    TapProductive.cli()
