"""tap-invobi: its settings and its streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from singer_sdk import typing as th
from typing_extensions import override

from singer_rest_core import RestTap, settings_schema
from singer_rest_core.api import Window
from singer_rest_core.documents import DOCUMENTS_URL, documents_url_errors
from tap_invobi.details import ALL, CHANGED, NONE, InvoiceDetails, InvoiceDocuments
from tap_invobi.invoices import LARGEST_PAGE, STATUSES, Invoices
from tap_invobi.streams import PromptLabels, Prompts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    import requests

    from singer_rest_core.api import Rule
    from singer_rest_core.streams import BaseStream


class TapInvobi(RestTap):
    """Singer tap for Invobi: invoices with their details, prompts, and PDFs on request."""

    name = "tap-invobi"

    rate_limits: ClassVar[Mapping[str, Sequence[Rule]]] = {"": (Window(100, 60),)}

    refusal_hint = "Check api_token (Invobi: account settings)"

    config_jsonschema: ClassVar[dict[str, Any]] = settings_schema(
        th.Property(
            "api_token",
            th.StringType,
            required=True,
            secret=True,
            title="API Token",
            description="API token from Invobi's account settings; read permission is enough.",
        ),
        th.Property(
            "invoice_status",
            th.StringType,
            allowed_values=list(STATUSES),
            title="Invoice Status",
            description=(
                "Read only paid or only unpaid invoices. Then no invoice is marked as deleted, "
                "as it may only have changed its status. Unset means all."
            ),
        ),
        th.Property(
            "details",
            th.StringType,
            default=CHANGED,
            allowed_values=[CHANGED, ALL, NONE],
            title="Details",
            description=(
                "Which invoice_details to read, at one request each (100 a minute are allowed): those whose row in the "
                "list has changed or that are too old (changed, see detail_max_age_days), all, or none."
            ),
        ),
        th.Property(
            "detail_max_age_days",
            th.NumberType(minimum=0, maximum=36_500),
            default=30,
            title="Detail Max Age Days",
            description=(
                "A detail whose row in the list has not changed is read again at an age between half of these days and "
                "all of them: each at another one, so that not all are due in one night."
            ),
        ),
        DOCUMENTS_URL,
        api_url="https://invobi.com/api/v1",
        page_size=(LARGEST_PAGE, LARGEST_PAGE),
        start_date=None,
    )

    @override
    def discover_streams(self) -> Sequence[BaseStream]:
        """Return every stream."""
        invoices = Invoices(self)
        details = InvoiceDetails(self, invoices=invoices)
        documents = InvoiceDocuments(self, invoices=invoices, details=details)
        return [details, documents, invoices, PromptLabels(self), Prompts(self)]

    @override
    def authenticate(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.config['api_token']}"
        return request

    @override
    def settings_errors(self) -> list[str]:
        """Check `documents_url`, too."""
        return super().settings_errors() + documents_url_errors(self._config, self.name)
