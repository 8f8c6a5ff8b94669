"""tap-invoicetronic: its settings and its streams."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from requests.auth import HTTPBasicAuth
from singer_sdk import typing as th
from typing_extensions import override

from singer_rest_core import RestTap, settings_schema
from singer_rest_core.api import Bucket, Window
from singer_rest_core.documents import DOCUMENTS_URL, documents_url_errors
from tap_invoicetronic.api import InvoicetronicApi
from tap_invoicetronic.client import LARGEST_PAGE
from tap_invoicetronic.documents import (
    DOCUMENT_STREAMS,
    DocumentRun,
    DocumentSettings,
    DocumentStream,
    InvoiceLists,
    Period,
)
from tap_invoicetronic.documents.rows import DOCUMENT
from tap_invoicetronic.environments import environment_of
from tap_invoicetronic.fattura import KEYS
from tap_invoicetronic.refusals import Refusals
from tap_invoicetronic.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from typing import Any

    import requests
    from singer_sdk.streams.rest import HTTPRequest

    from singer_rest_core.api import Rule
    from singer_rest_core.streams import BaseStream

_INVOICES = "invoices"
_IN_BUCKET = frozenset({"receive", "update", "send", "log", "webhookhistory"})
"""The busier lists, which share a bucket of requests, those for single rows included."""


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
            description="Limits every stream that can be filtered by company to one company. Default: all companies.",
        ),
        th.Property(
            "lookback_minutes",
            th.NumberType(minimum=0, maximum=52_560_000),
            default=60,
            title="Lookback Minutes",
            description=(
                "How far before their bookmark incremental streams are read again, as rows may appear late, and it is "
                "not documented whether the API's filters include their bounds."
            ),
        ),
        th.Property(
            "payloads",
            th.StringType(allowed_values=["none", "send", "receive", "both"]),
            default="none",
            title="Payloads",
            description=(
                "Which documents are fetched, one by one. Each received one costs an operation and is marked as read."
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
                "Months and quarters like 2026-03 and 2026-Q1 to export, each once, when it is over. Each unread "
                "received invoice in them costs an operation and is marked as read. Default: none."
            ),
        ),
        th.Property(
            "export_type",
            th.StringType(allowed_values=["send", "receive", "both"]),
            default="both",
            title="Export Type",
            description="Which invoices exports contain; sent ones only once they have reached their final state.",
        ),
        th.Property(
            "attachments",
            th.BooleanType,
            default=False,
            title="Attachments",
            description=(
                "Put the content of attachments of up to 64 KiB into the column allegati of fattura, in base64. Their "
                "names, sizes and digests are there in any case, and all of them are in the stored documents."
            ),
        ),
        DOCUMENTS_URL,
        api_url="https://api.invoicetronic.com/v1",
        page_size=(LARGEST_PAGE, LARGEST_PAGE),
        start_date=(
            "Rows of incremental streams that are older by their replication key, and documents of invoices created "
            "before it, are not read. Default: all are read."
        ),
        quota_share=0.5,
    )

    _documents: DocumentRun | None = None

    @override
    def discover_streams(self) -> Sequence[BaseStream]:
        return [
            *(stream(self, self._refusals) for stream in STREAMS),
            *(stream(self, self._open_documents) for stream in DOCUMENT_STREAMS),
        ]

    @cached_property
    def _refusals(self) -> Refusals:
        """What the API has refused in this run."""
        return Refusals()

    @cached_property
    def began(self) -> datetime:
        """When this run began."""
        return self.clock.now()

    def _open_documents(self) -> DocumentRun | None:
        """Return what the streams of documents share in this run; None unless a setting asks for documents."""
        if self._documents is None and DocumentSettings.ask_for_documents(self.config):
            bookmarks = self.state.get("bookmarks", {})
            self._documents = DocumentRun.start(
                DocumentSettings.of(self.config, version=self.plugin_version, now=self.began),
                api=InvoicetronicApi(self.run.client, self.config["api_url"], self._refusals),
                lists=InvoiceLists(
                    self.run, self.config, started=self.began, refusals=self._refusals, logger=self.logger
                ),
                states=[bookmarks.get(name, {}) for name in (DOCUMENT, *KEYS)],
                streams=[
                    stream.name
                    for stream in self.streams.values()
                    if isinstance(stream, DocumentStream) and stream.selected
                ],
                logger=self.logger,
            )
        return self._documents

    @override
    def before_streams(self) -> None:
        """Log which environment is read: the other one looks alike and holds other rows."""
        super().before_streams()
        environment = environment_of(str(self.config["api_key"]))
        if environment == "unknown":
            self.logger.warning(
                "api_key starts with neither ik_live_ nor ik_test_: which environment it reads is not known, "
                "so what costs operations is taken to be charged"
            )
        else:
            self.logger.info("reading the %s environment", environment)

    @override
    def stop(self) -> None:
        super().stop()
        if self._documents is not None:
            self._documents.close()

    @override
    def authenticate(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        HTTPBasicAuth(self.config["api_key"], "")(request)  # documented: the key is the user, the password is empty
        return request

    @override
    def route_group(self, request: HTTPRequest) -> str:
        path = request.url.removeprefix(str(self.config["api_url"]).rstrip("/")).strip("/")
        return _INVOICES if path.partition("/")[0] in _IN_BUCKET else ""

    @override
    def settings_errors(self) -> list[str]:
        config = self._config
        lines = super().settings_errors()
        periods = config.get("export_periods")
        for period in periods if isinstance(periods, list) else []:
            try:
                Period.parse(str(period))
            except ValueError as fault:
                lines.append(f"Setting export_periods: {fault}")
        if DocumentSettings.ask_for_documents(config):
            if not config.get("documents_url"):
                lines.append(
                    "Setting documents_url is missing: payloads and export_periods need a folder or bucket, so that "
                    "no document is paid for twice"
                )
            lines += documents_url_errors(config, self.name)
        return lines
