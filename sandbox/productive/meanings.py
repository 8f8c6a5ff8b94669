"""What the documented names of filters and sorts mean where the name alone does not say it.

A name that is neither here nor derivable (`fields.py`) is answered with 400: no filter may be passed over in silence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from sandbox.productive.fields import (
    Field,
    Kind,
    attribute_field,
    derived_filter,
    derived_sort,
    display_name,
    ids_along,
    name_along,
)
from sandbox.productive.moments import day

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sandbox.json_types import Json
    from sandbox.productive.catalogue import Resource
    from sandbox.productive.records import Dataset, Record

_BUDGETS = "~invoice_attributions.invoice/budget"

# (resource, filter): the path of relationships whose end the filter names.
_FILTER_PATHS = {
    ("invoices", "deal_id"): _BUDGETS,
    ("invoices", "project_id"): f"{_BUDGETS}/project",
    ("invoices", "parent_company_id"): "company/parent_company",
    ("payments", "company_id"): "invoice/company",
    ("payments", "subsidiary_id"): "invoice/subsidiary",
    ("payments", "budget_id"): f"invoice/{_BUDGETS}",
    ("payments", "project_id"): f"invoice/{_BUDGETS}/project",
    ("line_items", "company_id"): "invoice/company",
    ("companies", "company_id"): "",
    ("companies", "project_id"): "~projects.company",
    ("companies", "subsidiary_id"): "default_subsidiary",
    ("projects", "project_id"): "",
    ("projects", "budget_id"): "~deals.project",
    ("projects", "parent_company_id"): "company/parent_company",
    ("projects", "responsible_id"): "project_manager",
    ("deals", "parent_company_id"): "company/parent_company",
    ("services", "budget_id"): "deal",
    ("services", "project_id"): "deal/project",
    ("services", "company_id"): "deal/company",
    ("services", "responsible_id"): "deal/responsible",
    ("services", "subsidiary_id"): "deal/subsidiary",
    ("time_entries", "budget_id"): "service/deal",
    ("time_entries", "deal_id"): "service/deal",
    ("time_entries", "project_id"): "service/deal/project",
    ("time_entries", "company_id"): "service/deal/company",
    ("time_entries", "parent_company_id"): "service/deal/company/parent_company",
    ("time_entries", "responsible_id"): "service/deal/responsible",
    ("time_entries", "project_manager_id"): "service/deal/project/project_manager",
    ("time_entries", "service_type_id"): "service/service_type",
    ("time_entries", "task_list_id"): "task/task_list",
    ("time_entries", "invoice_id"): "invoice_attribution/invoice",
    ("tasks", "company_id"): "project/company",
    ("tasks", "project_manager_id"): "project/project_manager",
    ("tasks", "workflow_id"): "project/workflow",
    ("expenses", "company_id"): "deal/company",
    ("expenses", "project_id"): "deal/project",
    ("expenses", "responsible_id"): "deal/responsible",
    ("expenses", "invoice_id"): "invoice_attribution/invoice",
    ("purchase_orders", "project_id"): "deal/project",
    ("people", "service_type_id"): "service_types",
    ("people", "team"): "teams",
    ("tax_rates", "subsidiary"): "subsidiary",
}

# (resource, filter): another attribute's name.
_FILTER_ALIASES = {
    ("invoices", "tags"): "tag_list",
    ("companies", "tags"): "tag_list",
    ("people", "tags"): "tag_list",
    ("deals", "tags"): "tag_list",
    ("tasks", "tags"): "tag_list",
    ("companies", "subscriber_id"): "subscriber_ids",
    ("tasks", "subscriber_id"): "subscriber_ids",
}

# (resource, filter): the business date that `after` and `before` are a window on. Both ends count: not documented.
_WINDOWS: dict[tuple[str, str], tuple[str, Literal["gt_eq", "lt_eq"]]] = {
    ("time_entries", "after"): ("date", "gt_eq"),
    ("time_entries", "before"): ("date", "lt_eq"),
    ("tasks", "after"): ("due_date", "gt_eq"),
    ("tasks", "before"): ("due_date", "lt_eq"),
}


def _one_or_two(attribute: str) -> Callable[[Dataset, Record], int]:
    """1 while the attribute is null or false, else 2."""
    return lambda _dataset, record: 2 if record.attributes.get(attribute) else 1


def _two_or_one(attribute: str) -> Callable[[Dataset, Record], int]:
    """1 once the attribute is set, else 2."""
    return lambda _dataset, record: 1 if record.attributes.get(attribute) else 2


def _today(dataset: Dataset) -> str:
    return day(dataset.clock.now).isoformat()


def _is_paid(record: Record) -> bool:
    return record.integer("amount_unpaid") == 0 and record.integer("amount_with_tax") != 0


def _is_overdue(dataset: Dataset, record: Record) -> bool:
    pay_on = record.attributes.get("pay_on")
    return isinstance(pay_on, str) and not _is_paid(record) and pay_on < _today(dataset)


def _invoice_status(dataset: Dataset, record: Record) -> int:
    """0 unsent, 1 paid, 2 overdue, 3 not overdue, 4 draft; in which order the cases rule is not documented."""
    if record.attributes.get("finalized_on") is None:
        return 4
    if _is_paid(record):
        return 1
    if record.attributes.get("sent_on") is None:
        return 0
    return 2 if _is_overdue(dataset, record) else 3


def _payment_status(_dataset: Dataset, record: Record) -> int:
    """1 paid, 2 unpaid, 3 partially paid."""
    if _is_paid(record):
        return 1
    return 3 if record.integer("amount_paid") else 2


def _overdue_task(dataset: Dataset, record: Record) -> bool:
    due = record.attributes.get("due_date")
    return isinstance(due, str) and not record.attributes.get("closed") and due < _today(dataset)


def _person_type(_dataset: Dataset, record: Record) -> int:
    """1 user, 2 contact, 3 placeholder."""
    if record.attributes.get("placeholder"):
        return 3
    return 1 if record.attributes.get("is_user") else 2


def _approval_status(_dataset: Dataset, record: Record) -> int:
    """1 approved, 2 not approved, 3 rejected; 4 (auto-approved) never occurs here."""
    if record.attributes.get("rejected"):
        return 3
    return 1 if record.attributes.get("approved") else 2


def _reimbursement(_dataset: Dataset, record: Record) -> int:
    """1 not reimbursable, 2 needs reimbursing, 3 reimbursed."""
    if not record.attributes.get("reimbursable"):
        return 1
    return 3 if record.attributes.get("reimbursed_on") else 2


# (resource, filter): the code that a row has, by the documented value lists.
_CODES: dict[tuple[str, str], Callable[[Dataset, Record], int]] = {
    **{
        (resource, "status"): _one_or_two("archived_at")
        for resource in ("bank_accounts", "companies", "projects", "service_types", "subsidiaries", "tax_rates")
    },
    ("people", "status"): _one_or_two("deactivated_at"),
    ("people", "person_type"): _person_type,
    ("tasks", "status"): _one_or_two("closed"),
    ("tasks", "due_date"): lambda dataset, record: 2 if _overdue_task(dataset, record) else 1,
    ("tasks", "overdue_status"): lambda dataset, record: 2 if _overdue_task(dataset, record) else 1,
    ("tasks", "task_type"): lambda _dataset, record: 2 if record.one("parent_task") else 1,
    ("deals", "status"): _one_or_two("closed_at"),
    ("deals", "budget_status"): _one_or_two("closed_at"),
    ("deals", "type"): _one_or_two("budget"),
    ("invoices", "status"): _invoice_status,
    ("invoices", "invoice_status"): _invoice_status,
    ("invoices", "payment_status"): _payment_status,
    ("invoices", "invoice_state"): _one_or_two("finalized_on"),
    ("invoices", "sent_status"): _two_or_one("sent_on"),
    ("invoices", "export_status"): _two_or_one("exported"),
    # Values 1 and 2 are not explained for invoices: read as for tasks, 1 not overdue, 2 overdue.
    ("invoices", "overdue_status"): lambda dataset, record: 2 if _is_overdue(dataset, record) else 1,
    ("expenses", "status"): _two_or_one("paid_on"),
    ("expenses", "export_status"): _two_or_one("exported"),
    ("expenses", "approval_status"): _approval_status,
    ("expenses", "reimbursement"): _reimbursement,
}

_FLAGS = {
    ("custom_fields", "archived"): "archived_at",
    ("custom_field_options", "archived"): "archived_at",
}

# Both "any" and what else applies: filter[due_date]=1 keeps every task.
_CODE_OF_ALL = {("tasks", "due_date"): 1}


def _code_field(place: tuple[str, str]) -> Field:
    work_out, of_all = _CODES[place], _CODE_OF_ALL.get(place)

    def read(dataset: Dataset, record: Record) -> Sequence[Json]:
        code = work_out(dataset, record)
        return (code,) if of_all is None or of_all == code else (of_all, code)

    return Field(Kind.NUMBER, read)


def filter_field(resource: Resource, name: str) -> Field | None:
    """What a documented filter looks at, or nothing where the documentation does not say."""
    place = (resource.name, name)
    if place in _CODES:
        return _code_field(place)
    if place in _FILTER_PATHS:
        return ids_along(_FILTER_PATHS[place])
    if place in _FILTER_ALIASES:
        return attribute_field(resource, _FILTER_ALIASES[place])
    if place in _WINDOWS:
        attribute, bound = _WINDOWS[place]
        return attribute_field(resource, attribute, bound=bound)
    if place in _FLAGS:
        attribute = _FLAGS[place]
        return Field(Kind.BOOLEAN, lambda _dataset, record: (record.attributes.get(attribute) is not None,))
    return derived_filter(resource, name)


_SORT_PATHS = {
    ("payments", "invoice.number"): ("invoice", "number"),
    ("payments", "invoice_number"): ("invoice", "number"),
    ("payments", "invoice.deal.name"): (f"invoice/{_BUDGETS}", "name"),
    ("payments", "invoice.deal.company.name"): (f"invoice/{_BUDGETS}/company", "name"),
    ("payments", "invoice.deal.project.name"): (f"invoice/{_BUDGETS}/project", "name"),
    ("services", "budget"): ("deal", "name"),
    ("services", "company"): ("deal/company", "name"),
    ("services", "project_name"): ("deal/project", "name"),
    ("time_entries", "deal_name"): ("service/deal", "name"),
    ("tasks", "company_name"): ("project/company", "name"),
    ("expenses", "deal_company_name"): ("deal/company", "name"),
    ("expenses", "deal.company.name"): ("deal/company", "name"),
    ("expenses", "deal_project_name"): ("deal/project", "name"),
    ("expenses", "deal.project.name"): ("deal/project", "name"),
    ("expenses", "tax_rate_id"): ("tax_rate", "name"),
    ("purchase_orders", "deal_id"): ("deal", "name"),
    ("purchase_orders", "vendor_id"): ("vendor", "name"),
}

_SORT_ALIASES = {
    ("payments", "date"): "paid_on",
    ("tasks", "last_activity"): "last_activity_at",
}


def sort_field(resource: Resource, name: str) -> Field | None:
    """What a documented sort looks at, or nothing where the documentation does not say."""
    place = (resource.name, name)
    if place in _SORT_PATHS:
        return name_along(*_SORT_PATHS[place])
    if place == ("people", "name"):
        return Field(Kind.TEXT, lambda _dataset, record: (display_name(record),), own=True)
    return derived_sort(resource, _SORT_ALIASES.get(place, name))
