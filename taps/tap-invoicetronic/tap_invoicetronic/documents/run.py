"""What the streams of documents share in one run, put together from the settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from singer_rest_core import RequestFailed, StreamUnavailable
from tap_invoicetronic.documents.backlog import Backlogs
from tap_invoicetronic.documents.balance import OperationsBudget
from tap_invoicetronic.documents.export_files import ExportFiles
from tap_invoicetronic.documents.exports import Exports, ExportSettings
from tap_invoicetronic.documents.failures import Failures
from tap_invoicetronic.documents.fetch import DocumentFetcher
from tap_invoicetronic.documents.paid_requests import PaidRequests
from tap_invoicetronic.documents.periods import Period
from tap_invoicetronic.documents.read_before import ReadBefore
from tap_invoicetronic.documents.refused import line_about_refused
from tap_invoicetronic.documents.rows import DocumentRows, RowSettings
from tap_invoicetronic.documents.store import InvoiceStore
from tap_invoicetronic.documents.warn_once import WarnOnce
from tap_invoicetronic.environments import environment_of

if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from singer_sdk.exceptions import FatalSyncError

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
        attachments: Whether rows hold the content of attachments.
        lookback: How late a row may appear in a list.
        version: The version of the tap.
        now: The start of the run.
    """

    documents_url: str
    environment: Environment
    payloads: tuple[Direction, ...]
    payload_limit: int
    exports: ExportSettings
    attachments: bool
    lookback: timedelta
    version: str
    now: datetime

    @staticmethod
    def ask_for_documents(config: Mapping[str, Any]) -> bool:
        """Return whether any setting asks for documents; by default none does.

        Args:
            config: The settings of the tap, valid or not.
        """
        return config.get("payloads") in _DIRECTIONS or bool(config.get("export_periods"))

    @classmethod
    def of(cls, config: Mapping[str, Any], *, version: str, now: datetime) -> DocumentSettings:
        """Return the settings about documents.

        Args:
            config: The settings of the tap, which are valid.
            version: The version of the tap.
            now: The start of the run.
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
                today=now.date(),
            ),
            attachments=config["attachments"],
            lookback=timedelta(minutes=config["lookback_minutes"]),
            version=version,
            now=now,
        )


@dataclass(frozen=True)
class DocumentRun:
    """What the streams of documents share.

    Args:
        settings: The settings about documents.
        payloads: The lists whose documents are fetched one by one.
        exports: The exports of the run.
        backlogs: The invoices that exist.
        fetcher: Fetches documents one by one.
        rows: Makes the rows of documents.
        failures: What failed in this run and in earlier ones.
        read_before: What earlier runs have read.
        refused_line: What to tell of documents that this version could not read in earlier runs; None if there is none.
        warn: Logs a line once, whatever streams there are.
    """

    settings: DocumentSettings
    payloads: tuple[Direction, ...]
    exports: Exports
    backlogs: Backlogs
    fetcher: DocumentFetcher
    rows: DocumentRows
    failures: Failures
    read_before: ReadBefore
    refused_line: str | None
    warn: WarnOnce

    @classmethod
    def start(  # noqa: PLR0913 - each is a part of its own
        cls,
        settings: DocumentSettings,
        *,
        api: InvoicetronicApi,
        lists: InvoiceLists,
        states: Sequence[Mapping[str, Any]],
        streams: Sequence[str],
        logger: logging.Logger,
    ) -> DocumentRun:
        """Put the parts together; nothing is requested yet.

        Args:
            settings: The settings.
            api: Sends single requests.
            lists: Reads a list.
            states: What the state holds of each stream of documents, selected or not.
            streams: The selected streams of documents, in the order they are written.
            logger: Where costs are announced.
        """
        warn = WarnOnce(logger)
        store = InvoiceStore(settings.documents_url, settings.environment)
        budget = OperationsBudget(api, limit=settings.payload_limit, is_charged=settings.environment != "test")
        failures = Failures(states, environment=settings.environment, now=settings.now)
        paid_requests = PaidRequests(api, budget=budget, failures=failures)
        read_before = ReadBefore(states, lookback=settings.lookback)
        return cls(
            settings=settings,
            payloads=settings.payloads,
            exports=Exports(
                settings.exports,
                api=api,
                store=store,
                files=ExportFiles(_DIRECTIONS[settings.exports.type], lists=lists, store=store, warn=warn),
                budget=budget,
                paid_requests=paid_requests,
                failures=failures,
                warn=warn,
            ),
            backlogs=Backlogs(lists, warn),
            fetcher=DocumentFetcher(
                api,
                store=store,
                budget=budget,
                paid_requests=paid_requests,
                failures=failures,
                read_before=read_before,
                warn=warn,
            ),
            rows=DocumentRows(
                store,
                streams,
                warn,
                settings=RowSettings(settings.version, settings.environment, settings.attachments),
                is_repeated=bool(settings.payloads) and bool(settings.exports.periods),
            ),
            failures=failures,
            read_before=read_before,
            refused_line=line_about_refused(states, version=settings.version, environment=settings.environment),
            warn=warn,
        )

    def warn_of_what_has_no_rows(self) -> None:
        """Log, once in a run, what streams have no rows of and what the user can do about it."""
        lines = [
            *self.failures.lines_about_left_out(),
            self.refused_line,
            self.read_before.line_about_missing(self.settings.environment),
        ]
        for line in filter(None, lines):
            self.warn(line)

    def raise_if_incomplete(self, errors: Sequence[FatalSyncError]) -> None:
        """Raise an error where a stream is not what the settings ask for; called when all that could be read was.

        Args:
            errors: What failed in this run.

        Raises:
            StreamUnavailable: If the key may read nothing of what the settings ask for.
            FatalSyncError: If something failed: the error, or one that counts them.
        """
        distinct = list({str(error): error for error in errors}.values())
        if len(distinct) == 1:
            raise distinct[0]
        if distinct:
            raise RequestFailed(f"{len(distinct)} requests for documents or exports failed; the first: {distinct[0]}")
        refusals = [self.backlogs.refusal(direction) for direction in self.payloads]
        if self.exports.settings.periods:
            refusals.append(self.exports.refusal)
        if all(refusals):
            raise StreamUnavailable("; ".join(dict.fromkeys(filter(None, refusals))))

    def close(self) -> None:
        """Drop what is only for this run."""
        self.rows.close()
