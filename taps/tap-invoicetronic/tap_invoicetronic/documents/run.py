"""What the streams of documents share in one run, put together from the settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_invoicetronic.documents.backlog import Backlogs
from tap_invoicetronic.documents.balance import OperationsBudget
from tap_invoicetronic.documents.exports import Exports, ExportSettings
from tap_invoicetronic.documents.fetch import DocumentFetcher
from tap_invoicetronic.documents.paid_requests import PaidRequests
from tap_invoicetronic.documents.periods import Period
from tap_invoicetronic.documents.rows import DocumentRows
from tap_invoicetronic.documents.store import InvoiceStore
from tap_invoicetronic.documents.warn_once import WarnOnce
from tap_invoicetronic.environments import environment_of

if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping, Sequence
    from datetime import date
    from typing import Any

    from tap_invoicetronic.api import InvoicetronicApi
    from tap_invoicetronic.documents.invoice_list import Direction, InvoiceLists
    from tap_invoicetronic.environments import Environment

_DIRECTIONS: dict[str, tuple[Direction, ...]] = {
    "send": ("send",),
    "receive": ("receive",),
    "both": ("send", "receive"),
}


@dataclass(frozen=True)
class DocumentSettings:
    """The settings that are about documents.

    Args:
        documents_url: Where documents are stored.
        environment: What the API key selects.
        payloads: The lists whose documents are fetched one by one.
        payload_limit: The most documents a run fetches, and the most operations its exports cost.
        exports: Which exports are made.
    """

    documents_url: str
    environment: Environment
    payloads: tuple[Direction, ...]
    payload_limit: int
    exports: ExportSettings

    @staticmethod
    def ask_for_documents(config: Mapping[str, Any]) -> bool:
        """Return whether any setting asks for documents; by default none does.

        Args:
            config: The settings of the tap, valid or not.
        """
        return config.get("payloads") in _DIRECTIONS or bool(config.get("export_periods"))

    @classmethod
    def of(cls, config: Mapping[str, Any], *, today: date) -> DocumentSettings:
        """Return the settings about documents.

        Args:
            config: The settings of the tap, which are valid.
            today: The day the run started.
        """
        return cls(
            documents_url=config["documents_url"],
            environment=environment_of(config["api_key"]),
            payloads=_DIRECTIONS.get(config["payloads"], ()),
            payload_limit=config["payload_limit"],
            exports=ExportSettings(
                periods=[Period.parse(text) for text in config.get("export_periods", [])],
                type=config["export_type"],
                company_id=config.get("company_id"),
                today=today,
            ),
        )


@dataclass(frozen=True)
class DocumentRun:
    """What the streams of documents share.

    Args:
        payloads: The lists whose documents are fetched one by one.
        exports: The exports of the run.
        backlogs: The invoices that exist.
        fetcher: Fetches documents one by one.
        rows: Makes the rows of documents.
    """

    payloads: tuple[Direction, ...]
    exports: Exports
    backlogs: Backlogs
    fetcher: DocumentFetcher
    rows: DocumentRows

    @classmethod
    def start(
        cls,
        settings: DocumentSettings,
        *,
        api: InvoicetronicApi,
        lists: InvoiceLists,
        streams: Sequence[str],
        logger: logging.Logger,
    ) -> DocumentRun:
        """Put the parts together; nothing is requested yet.

        Args:
            settings: The settings.
            api: Sends single requests.
            lists: Reads a list.
            streams: The selected streams of documents, in the order they are written.
            logger: Where costs are announced.
        """
        warn = WarnOnce(logger)
        store = InvoiceStore(settings.documents_url, settings.environment)
        budget = OperationsBudget(api, limit=settings.payload_limit, is_charged=settings.environment != "test")
        paid_requests = PaidRequests(api)
        return cls(
            payloads=settings.payloads,
            exports=Exports(
                settings.exports,
                api=api,
                lists=lists,
                store=store,
                budget=budget,
                paid_requests=paid_requests,
                warn=warn,
            ),
            backlogs=Backlogs(lists, warn),
            fetcher=DocumentFetcher(api, store=store, budget=budget, paid_requests=paid_requests, warn=warn),
            rows=DocumentRows(
                store, streams, warn, is_repeated=bool(settings.payloads) and bool(settings.exports.periods)
            ),
        )

    def close(self) -> None:
        """Drop what is only for this run."""
        self.rows.close()
