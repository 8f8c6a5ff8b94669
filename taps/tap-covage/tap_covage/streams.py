"""The lists of the Covage client API, except invoices, which have a module of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_covage.client import CovageList

if TYPE_CHECKING:
    from singer_rest_core import Record


class Orders(CovageList):
    """Orders. No filter or sort by `modification_date` is documented: read completely."""

    name = "orders"
    path = "/order/"
    primary_keys = ("order_reference",)


class Quotes(CovageList):
    """Quotation baskets. No time of change exists: read completely."""

    name = "quotes"
    path = "/quote/"
    primary_keys = ("id",)


class Projects(CovageList):
    """Projects, which orders and quotes refer to. No time of change exists: read completely."""

    name = "projects"
    path = "/referential/project"
    primary_keys = ("code",)


class Ennis(CovageList):
    """Points of interconnection (ENNI), which orders name by `reference`. No time of change exists: read completely."""

    name = "ennis"
    path = "/referential/enni/"
    primary_keys = ("reference",)

    @override
    def records_in(self, body: Any) -> list[Record]:
        """Return the rows of a page with `code`: the documentation has `Code` in its table and `code` in its sample."""
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
