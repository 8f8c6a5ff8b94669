"""The streams of the Covage client API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_rest_core.records.row_layout import FlatRows
from tap_covage.client import CovageList
from tap_covage.invoices import InvoiceDocumentStream, InvoiceList
from tap_covage.orders import OrderStream

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import requests

    from singer_rest_core import Record
    from singer_rest_core.streams.base import RecordStream


class Invoices(InvoiceList):
    """Invoices, without amounts: the API gives none. Read by `accounting_date`, the last `lookback_days` again."""

    name = "invoices"
    path = "/invoice/"
    primary_keys = ("invoice_number",)
    replication_key = "accounting_date"


class InvoiceDocuments(InvoiceDocumentStream):
    """PDFs of invoices, kept below `documents_url`; none if that is not set. Fetched again if the row changes."""

    name = "invoice_documents"
    primary_keys = ("invoice_number",)
    replication_key = "accounting_date"


class Orders(CovageList):
    """Orders. `modification_date` can be neither filtered nor sorted by, as far as is documented: read whole."""

    name = "orders"
    path = "/order/"
    primary_keys = ("order_reference",)


class OrderDetails(OrderStream):
    """One order each, at a request each. Not selected by default. Fields that are not documented are rescued."""

    name = "order_details"
    primary_keys = ("order_reference",)
    row_keys = ("order_reference", "id")

    def records_of(self, reference: str, rows: Sequence[Any]) -> Iterator[Record]:
        """Make the record of an order.

        Args:
            reference: The order.
            rows: The order.

        Yields:
            Raw records.
        """
        for row in rows:
            yield {**FlatRows(None).flat(row), "order_reference": reference}


class OrderHistory(OrderStream):
    """The steps of each order, at a request each. Not selected by default. A step is kept as it came."""

    name = "order_history"
    below = ("historic",)
    primary_keys = ("order_reference", "position")

    def records_of(self, reference: str, rows: Sequence[Any]) -> Iterator[Record]:
        """Make the records of an order's steps.

        Args:
            reference: The order.
            rows: Its steps.

        Yields:
            Raw records.
        """
        for position, step in enumerate(rows, start=1):
            yield {"order_reference": reference, "position": position, "step": step}


class Quotes(CovageList):
    """Quotation baskets. No time of change exists: read whole."""

    name = "quotes"
    path = "/quote/"
    primary_keys = ("id",)


class Projects(CovageList):
    """Projects that orders and quotes name. No time of change exists: read whole."""

    name = "projects"
    path = "/referential/project"
    primary_keys = ("code",)


class Ennis(CovageList):
    """Points of interconnection (ENNI) that orders name by `reference`. No time of change exists: read whole."""

    name = "ennis"
    path = "/referential/enni/"
    primary_keys = ("reference",)

    def parse_response(self, response: requests.Response) -> Iterator[Record]:
        """Read the rows of a page; the documentation's table says `Code`, its sample `code`.

        Args:
            response: An answer.

        Yields:
            Raw records, with `code`.
        """
        for row in super().parse_response(response):
            if "Code" in row and "code" not in row:
                row["code"] = row.pop("Code")
            yield row


class CatalogCategories(CovageList):
    """Families of offers. No time of change exists: read whole."""

    name = "catalog_categories"
    path = "/catalog/category/"
    primary_keys = ("name",)


STREAMS: tuple[type[RecordStream], ...] = (
    CatalogCategories,
    Ennis,
    InvoiceDocuments,
    Invoices,
    OrderDetails,
    OrderHistory,
    Orders,
    Projects,
    Quotes,
)
