"""Filters by a numeric code, e.g. `filter[status]=2`: the code of a row, by the documented value lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.productive.fields import Field, Kind
from sandbox.productive.timestamps import local_date

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sandbox.json_types import Json
    from sandbox.productive.records import Dataset, Record


def _one_unless_set(attribute: str) -> Callable[[Dataset, Record], int]:
    """Return a function that gives 1 while the attribute is null or false, else 2."""
    return lambda _dataset, record: 2 if record.value(attribute) else 1


def _one_if_set(attribute: str) -> Callable[[Dataset, Record], int]:
    """Return a function that gives 1 once the attribute is set, else 2."""
    return lambda _dataset, record: 1 if record.attributes.get(attribute) else 2


def _today(dataset: Dataset) -> str:
    return local_date(dataset.clock.now).isoformat()


def _is_paid(record: Record) -> bool:
    return record.integer("amount_unpaid") == 0 and record.integer("amount_with_tax") != 0


def _is_overdue(dataset: Dataset, record: Record) -> bool:
    pay_on = record.attributes.get("pay_on")
    return isinstance(pay_on, str) and not _is_paid(record) and pay_on < _today(dataset)


def _invoice_status(dataset: Dataset, record: Record) -> int:
    """Return 0 unsent, 1 paid, 2 overdue, 3 not overdue, 4 draft; which case takes precedence is not documented."""
    if record.attributes.get("finalized_on") is None:
        return 4
    if _is_paid(record):
        return 1
    if record.attributes.get("sent_on") is None:
        return 0
    return 2 if _is_overdue(dataset, record) else 3


def _payment_status(_dataset: Dataset, record: Record) -> int:
    """Return 1 paid, 2 unpaid, 3 partially paid."""
    if _is_paid(record):
        return 1
    return 3 if record.integer("amount_paid") else 2


def _overdue_task(dataset: Dataset, record: Record) -> bool:
    due = record.attributes.get("due_date")
    return isinstance(due, str) and not record.attributes.get("closed") and due < _today(dataset)


def _person_type(_dataset: Dataset, record: Record) -> int:
    """Return 1 user, 2 contact, 3 placeholder."""
    if record.attributes.get("placeholder"):
        return 3
    return 1 if record.attributes.get("is_user") else 2


def _approval_status(_dataset: Dataset, record: Record) -> int:
    """Return 1 approved, 2 not approved, 3 rejected; 4 (auto-approved) never occurs here."""
    if record.attributes.get("rejected"):
        return 3
    return 1 if record.attributes.get("approved") else 2


def _reimbursement(_dataset: Dataset, record: Record) -> int:
    """Return 1 not reimbursable, 2 needs reimbursing, 3 reimbursed."""
    if not record.attributes.get("reimbursable"):
        return 1
    return 3 if record.attributes.get("reimbursed_on") else 2


def _booking_approval(_dataset: Dataset, record: Record) -> int:
    """Return 1 approved, 2 pending, 3 rejected, 5 canceled."""
    if record.attributes.get("canceled"):
        return 5
    if record.attributes.get("rejected"):
        return 3
    return 1 if record.attributes.get("approved") else 2


def _email_status(_dataset: Dataset, record: Record) -> int:
    """Return 1 unresolved, 2 resolved, 3 dismissed; resolved is taken to mean linked to something."""
    if record.attributes.get("dismissed_at"):
        return 3
    return 2 if record.attributes.get("linked_id") else 1


def _activity_type(_dataset: Dataset, record: Record) -> int:
    """Return 1 comment, 2 changeset, 3 email."""
    if record.one("comment"):
        return 1
    return 3 if record.one("email") else 2


def _along(relationship: str, compute: Callable[[Dataset, Record], int]) -> Callable[[Dataset, Record], int]:
    """Return a function that gives the code of a related row, or 0, which is not a code, if there is none."""

    def read(dataset: Dataset, record: Record) -> int:
        target = dataset.get(record.one(relationship))
        return compute(dataset, target) if target else 0

    return read


# Resources whose status is 1 active, 2 archived; without `archived_at`, all rows are active.
_ARCHIVABLE = (
    "approval_policies",
    "bank_accounts",
    "boards",
    "companies",
    "custom_field_sections",
    "folders",
    "job_roles",
    "projects",
    "rate_cards",
    "service_types",
    "subsidiaries",
    "task_lists",
    "tax_rates",
    "time_tracking_policies",
)

# (resource, filter): the code of a row, by the documented value lists.
_CODES: dict[tuple[str, str], Callable[[Dataset, Record], int]] = {
    **{(resource, "status"): _one_unless_set("archived_at") for resource in _ARCHIVABLE},
    ("activities", "type"): _activity_type,
    ("agents", "status"): _one_unless_set("deactivated_at"),
    ("bookings", "approval_status"): _booking_approval,
    ("bookings", "person_type"): _along("person", _person_type),
    # 1 tentative, 2 confirmed.
    ("bookings", "status"): _one_if_set("draft"),
    ("comments", "budget_status"): _along("deal", _one_unless_set("closed_at")),
    ("discussions", "status"): _one_unless_set("resolved_at"),
    ("emails", "status"): _email_status,
    ("integrations", "project_status"): _along("project", _one_unless_set("archived_at")),
    ("prices", "rate_card_status"): _along("rate_card", _one_unless_set("archived_at")),
    ("services", "budget_status"): _along("deal", _one_unless_set("delivered_on")),
    ("services", "stage_type"): _along("deal", _one_unless_set("budget")),
    ("tasks", "board_status"): _along("task_list", _one_unless_set("archived_at")),
    ("tasks", "folder_status"): _along("task_list", _one_unless_set("archived_at")),
    ("tasks", "task_list_status"): _along("task_list", _one_unless_set("archived_at")),
    ("todos", "status"): _one_unless_set("closed"),
    ("people", "status"): _one_unless_set("deactivated_at"),
    ("people", "person_type"): _person_type,
    ("tasks", "status"): _one_unless_set("closed"),
    ("tasks", "due_date"): lambda dataset, record: 2 if _overdue_task(dataset, record) else 1,
    ("tasks", "overdue_status"): lambda dataset, record: 2 if _overdue_task(dataset, record) else 1,
    ("tasks", "task_type"): lambda _dataset, record: 2 if record.one("parent_task") else 1,
    ("deals", "status"): _one_unless_set("closed_at"),
    ("deals", "budget_status"): _one_unless_set("closed_at"),
    ("deals", "type"): _one_unless_set("budget"),
    ("invoices", "status"): _invoice_status,
    ("invoices", "invoice_status"): _invoice_status,
    ("invoices", "payment_status"): _payment_status,
    ("invoices", "invoice_state"): _one_unless_set("finalized_on"),
    ("invoices", "sent_status"): _one_if_set("sent_on"),
    ("invoices", "export_status"): _one_if_set("exported"),
    # Values 1 and 2 are not explained for invoices: taken as for tasks, 1 not overdue, 2 overdue.
    ("invoices", "overdue_status"): lambda dataset, record: 2 if _is_overdue(dataset, record) else 1,
    ("expenses", "status"): _one_if_set("paid_on"),
    ("expenses", "export_status"): _one_if_set("exported"),
    ("expenses", "approval_status"): _approval_status,
    ("expenses", "reimbursement"): _reimbursement,
}

# 1 means "any", and every row has it beside its own code: filter[due_date]=1 keeps every task.
_CODE_OF_ALL = {("tasks", "due_date"): 1}


def code_field(place: tuple[str, str]) -> Field | None:
    """Return the field of a filter by code, or None if the filter is not one.

    Args:
        place: The resource and the name of its filter.
    """
    if place not in _CODES:
        return None
    compute, of_all = _CODES[place], _CODE_OF_ALL.get(place)

    def read(dataset: Dataset, record: Record) -> Sequence[Json]:
        code = compute(dataset, record)
        return (code,) if of_all is None or of_all == code else (of_all, code)

    return Field(Kind.NUMBER, read)
