"""The lists of the Covage client API, without invoices, which have a module of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_covage.client import CovageList

if TYPE_CHECKING:
    from singer_rest_core import Record


class Orders(CovageList):
    """Orders. `modification_date` can be neither filtered nor sorted by, as far as is documented: read completely."""

    name = "orders"
    path = "/order/"
    primary_keys = ("order_reference",)


class Quotes(CovageList):
    """Quotation baskets. No time of change exists: read completely."""

    name = "quotes"
    path = "/quote/"
    primary_keys = ("id",)


class Projects(CovageList):
    """Projects that orders and quotes name. No time of change exists: read completely."""

    name = "projects"
    path = "/referential/project"
    primary_keys = ("code",)


class Ennis(CovageList):
    """Points of interconnection (ENNI) that orders name by `reference`. No time of change exists: read completely."""

    name = "ennis"
    path = "/referential/enni/"
    primary_keys = ("reference",)

    @override
    def records_in(self, body: Any) -> list[Record]:
        """Return the rows of a page with `code`; the documentation's table says `Code`, its sample `code`."""
        records = super().records_in(body)
        for record in records:
            if "Code" in record and "code" not in record:
                record["code"] = record.pop("Code")
        return records


class CatalogCategories(CovageList):
    """Families of offers. No time of change exists: read completely."""

    name = "catalog_categories"
    path = "/catalog/category/"
    primary_keys = ("name",)
