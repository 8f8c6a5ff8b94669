"""tap-invoicetronic: its settings and its streams."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from requests.auth import HTTPBasicAuth
from singer_sdk import typing as th
from singer_sdk.streams.rest import HTTPRequest

from singer_rest_core import RestTap, settings_schema
from singer_rest_core.api import Bucket, Window
from singer_rest_core.documents.store import DOCUMENTS_URL, documents_url_errors
from tap_invoicetronic.account import Account
from tap_invoicetronic.client import HEADERS, LARGEST_PAGE
from tap_invoicetronic.library import Library
from tap_invoicetronic.periods import Period
from tap_invoicetronic.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    import requests

    from singer_rest_core.api import Rule
    from singer_rest_core.streams.base import RecordStream

_ENVIRONMENTS = {"ik_live_": "live", "ik_test_": "test"}

_INVOICES = "invoices"
_IN_BUCKET = frozenset({"receive", "update", "send", "log", "webhookhistory"})


class TapInvoicetronic(RestTap):
    """Singer tap for Invoicetronic: Italian e-invoices sent and received, their states, and their documents as rows."""

    name = "tap-invoicetronic"

    rate_limits: ClassVar[Mapping[str, Sequence[Rule]]] = {
        "": (Window(100, 1), Window(2000, 60), Window(100_000, 24 * 60 * 60)),
        # "Burst 200, sustained 60 a minute": whether the 60 come one by one or all at once is not documented.
        _INVOICES: (Bucket(200, 60, 60),),
    }

    refusal_hint = "Check api_key (Invoicetronic dashboard > API keys)"

    config_jsonschema: ClassVar[dict[str, Any]] = settings_schema(
        th.Property(
            "api_key",
            th.StringType,
            required=True,
            secret=True,
            title="API Key",
            description=(
                "ik_live_… or ik_test_…, which selects the environment. A restricted key with the preset Read only is "
                "enough."
            ),
        ),
        th.Property(
            "company_id",
            th.IntegerType(minimum=1),
            title="Company ID",
            description="Narrows every stream that has such a filter to one company; all by default.",
        ),
        th.Property(
            "lookback_minutes",
            th.NumberType(minimum=0, maximum=52_560_000),
            default=60,
            title="Lookback Minutes",
            description=(
                "How much before their bookmark incremental streams are read again, as rows may appear late, and "
                "whether the API's filters include their bounds is not documented."
            ),
        ),
        th.Property(
            "payloads",
            th.StringType(allowed_values=["none", "send", "receive", "both"]),
            default="none",
            title="Payloads",
            description=(
                "Whose documents are fetched, one by one. Each received one costs an operation and is marked as read; "
                "none by default."
            ),
        ),
        th.Property(
            "payload_limit",
            th.IntegerType(minimum=0),
            default=100,
            title="Payload Limit",
            description="The most documents a run fetches, and the most operations its exports may cost.",
        ),
        th.Property(
            "export_periods",
            th.ArrayType(th.StringType),
            title="Export Periods",
            description=(
                "Months and quarters like 2026-03 and 2026-Q1 to export, each once, when it is over. Each received "
                "invoice in them that is unread costs an operation and is marked as read; none by default."
            ),
        ),
        th.Property(
            "export_type",
            th.StringType(allowed_values=["send", "receive", "both"]),
            default="both",
            title="Export Type",
            description="Which invoices exports hold; sent ones only if they have come to their final state.",
        ),
        DOCUMENTS_URL,
        api_url="https://api.invoicetronic.com/v1",
        page_size=(LARGEST_PAGE, LARGEST_PAGE),
        start_date=(
            "Rows of incremental streams that are older, by their replication key, are not read, nor documents of "
            "invoices that were made before it; unset means all."
        ),
        quota_share=0.5,
    )

    def discover_streams(self) -> Sequence[RecordStream]:
        """Give every stream.

        Returns:
            One instance each.
        """
        return [stream(self) for stream in STREAMS]

    @cached_property
    def began(self) -> datetime:
        """When this run began."""
        return datetime.now(UTC)

    @property
    def environment(self) -> str:
        """Which environment the key selects: `live`, `test`, or `unknown` if it is of neither form."""
        key = str(self.config["api_key"])
        return next((name for prefix, name in _ENVIRONMENTS.items() if key.startswith(prefix)), "unknown")

    @cached_property
    def account(self) -> Account:
        """What may be spent."""
        return Account(self)

    @cached_property
    def library(self) -> Library | None:
        """The documents; None unless a setting asks for some."""
        return Library(self, self.logger) if _wants_documents(self.config) else None

    def before_streams(self) -> None:
        """Say which environment is read: the other one looks alike and holds other rows."""
        super().before_streams()
        if self.environment == "unknown":
            self.logger.warning(
                "api_key is neither ik_live_… nor ik_test_…: which environment it reads is not known, "
                "and what costs is taken to be charged"
            )
        else:
            self.logger.info("reading the %s environment", self.environment)

    def request(self, path: str, **params: str) -> HTTPRequest:
        """Make a request for something that is no list.

        Args:
            path: Below `api_url`.
            params: Its query.

        Returns:
            A request without credentials.
        """
        url = f"{str(self.config['api_url']).rstrip('/')}{path}"
        return HTTPRequest(url=url, headers=dict(HEADERS), params=dict(params))

    def authenticate(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put the key into a request: Basic, the key is the user, the password is empty.

        Args:
            request: A request to the configured origin.

        Returns:
            The same request.
        """
        HTTPBasicAuth(self.config["api_key"], "")(request)
        return request

    def route_group(self, request: HTTPRequest) -> str:
        """Say whether a request takes from the bucket of the busier lists, details included.

        Args:
            request: What is asked for.

        Returns:
            A group of `rate_limits`.
        """
        path = request.url.removeprefix(str(self.config["api_url"]).rstrip("/")).strip("/")
        return _INVOICES if path.partition("/")[0] in _IN_BUCKET else ""

    def settings_errors(self) -> list[str]:
        """Check what a JSON schema cannot: that there is a place for documents, and what periods are.

        Returns:
            A line for each fault.
        """
        config = self._config
        lines = super().settings_errors()
        periods = config.get("export_periods")
        for period in periods if isinstance(periods, list) else []:
            try:
                Period.of(str(period))
            except ValueError as fault:
                lines.append(f"Setting export_periods holds {fault}")
        if _wants_documents(config):
            if not config.get("documents_url"):
                lines.append(
                    "Setting documents_url is missing: payloads and export_periods need a folder or bucket, so that "
                    "no document is paid for twice"
                )
            lines += documents_url_errors(config)
        return lines


def _wants_documents(config: Mapping[str, Any]) -> bool:
    return config.get("payloads") in {"send", "receive", "both"} or bool(config.get("export_periods"))


if __name__ == "__main__":
    TapInvoicetronic.cli()
