"""The documentation of each report, and the rows that it sums up.

`reports.json` has what is documented: filters, groups, sorts and attributes by name. The rest, e.g. that a report of
time is one of time entries and how their groups are found, is inferred from the names.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.productive.catalogue import load_catalogue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.productive.catalogue import Resource

SOURCES: dict[str, tuple[str, tuple[str, ...], str]] = {
    # Automations have no list: surveys, which have the same creators, projects and times, stand for them.
    "automation_reports": ("surveys", ("automation",), "created_at"),
    "booking_reports": ("bookings", ("booking",), "started_on"),
    "budget_reports": ("deals", ("budget",), "date"),
    "company_reports": ("companies", ("company",), "created_at"),
    "deal_funnel_reports": ("deals", ("deal_funnel",), "date"),
    "deal_reports": ("deals", ("deal",), "date"),
    "entitlement_reports": ("entitlements", ("entitlement",), "start_date"),
    "expense_reports": ("expenses", ("expense",), "date"),
    "financial_item_reports": ("time_entries", ("financial_item",), "date"),
    "invoice_reports": ("invoices", ("invoice",), "invoiced_on"),
    "line_item_reports": ("line_items", ("line_item",), ""),
    "page_reports": ("pages", ("page",), "created_at"),
    "payment_reports": ("payments", ("payment",), "paid_on"),
    "payroll_item_reports": ("salaries", ("payroll_item", "salary"), "started_on"),
    "person_reports": ("people", ("person",), "created_at"),
    "price_reports": ("prices", ("price",), ""),
    "project_reports": ("projects", ("project",), "created_at"),
    "proposal_reports": ("proposals", ("proposal",), "created_at"),
    "resource_request_reports": ("resource_requests", ("resource_request",), "started_on"),
    "salary_reports": ("salaries", ("salary",), "started_on"),
    "service_reports": ("services", ("service",), ""),
    "survey_reports": ("surveys", ("survey",), "created_at"),
    "task_reports": ("tasks", ("task",), "due_date"),
    "time_entry_reports": ("time_entries", ("time_entry",), "date"),
    "time_reports": ("time_entries", (), "date"),
    "timesheet_reports": ("time_entries", (), "date"),
}
"""By report: the list it sums up, the groups that are its rows themselves, and the date for periods without an
attribute."""

BUDGETS = {"budget_reports": True, "deal_reports": False, "deal_funnel_reports": False}
"""Deals and budgets share a list: whether a report is about budgets."""

GROUP_PATHS = {
    ("bookings", "responsible"): "service/deal/responsible",
    ("bookings", "service_type"): "service/service_type",
    ("deals", "primary_contact"): "contact",
    ("entitlements", "subsidiary"): "person/subsidiary",
    ("expenses", "deal"): "deal",
    ("people", "job_role"): "job_role",
    ("prices", "rate_card"): "rate_card",
    ("resource_requests", "service_type"): "service/service_type",
    ("resource_requests", "subsidiary"): "service/deal/subsidiary",
    ("salaries", "company"): "person/company",
    ("salaries", "role"): "person/custom_role",
    ("salaries", "subsidiary"): "person/subsidiary",
    ("services", "origin_deal"): "deal/origin_deal",
    ("time_entries", "job_role"): "person/job_role",
    ("time_entries", "manager"): "person/manager",
    ("time_entries", "origin_deal"): "service/deal/origin_deal",
    ("time_entries", "person_manager"): "person/manager",
    ("time_entries", "section"): "service/section",
    ("time_entries", "subsidiary"): "deal_subsidiary",
}
"""The path of a group that is neither a relationship nor a filter."""


@dataclass(frozen=True)
class Report:
    """One report.

    Attributes:
        name: Its name, e.g. `invoice_reports`; the type of its rows.
        page: The list it sums up, with the report's filters and sorts.
        groups: Its documented groups.
        attributes: The attributes of its rows, in the documented order.
        items: The groups that are the rows of the list themselves.
        date: The attribute that `week`, `month` and other periods use; empty if there is none.
    """

    name: str
    page: Resource
    groups: frozenset[str]
    attributes: tuple[str, ...]
    items: tuple[str, ...]
    date: str

    @property
    def default_group(self) -> str:
        """The group of a request without `group`: the rows themselves (inferred from the documented example)."""
        return self.items[0] if self.items else "person"

    @property
    def has_currencies(self) -> bool:
        """Whether its rows name currencies: where one is documented, or sums and averages are."""
        return any(name == "currency" or name.startswith(("total_", "average_")) for name in self.attributes)


@cache
def load_reports() -> Mapping[str, Report]:
    """Return all reports by name."""
    catalogue = load_catalogue()
    pages = json.loads(Path(__file__).with_name("reports.json").read_text())
    reports = {}
    for name, page in pages.items():
        resource, items, date = SOURCES[name]
        reports[name] = Report(
            name=name,
            page=replace(
                catalogue[resource], filters=frozenset(page["filters"]), sorts=frozenset(page["sorts"]), show=False
            ),
            groups=frozenset(page["groups"]),
            attributes=tuple(page["attributes"]),
            items=items,
            date=date,
        )
    return reports
