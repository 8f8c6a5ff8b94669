"""Saved views, dashboards, and reports that are sent regularly."""

from __future__ import annotations

from tap_productive.client import ProductiveStream


class Filters(ProductiveStream):
    """Saved views and reports. Filter and sort are in the vendor's specification only."""

    name = "filters"
    evidence = "live"
    filter_times = (
        "created_at",
        "updated_at",
    )
    sort_times = (
        "created_at",
        "updated_at",
    )
    replication_key = "updated_at"
    references = (
        "creator",
        "memberships",
        "report_category",
    )


class Dashboards(ProductiveStream):
    """Dashboards."""

    name = "dashboards"
    evidence = "live"
    deleted_item_types = ("dashboard",)
    references = ("creator",)


class Widgets(ProductiveStream):
    """Widgets on dashboards."""

    name = "widgets"
    evidence = "live"
    references = (
        "dashboard",
        "filter",
    )


class Pulses(ProductiveStream):
    """Reports that are sent regularly. No attribute is documented."""

    name = "pulses"
    evidence = "inferred"


class ReportCategories(ProductiveStream):
    """Categories of reports. No attribute is documented."""

    name = "report_categories"
    evidence = "inferred"


STREAMS: tuple[type[ProductiveStream], ...] = (
    Filters,
    Dashboards,
    Widgets,
    Pulses,
    ReportCategories,
)
