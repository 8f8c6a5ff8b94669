"""What the documented names of filters and sorts mean where the name alone does not say it.

A name that is neither here nor derivable (`fields.py`) is answered with 400: no filter may be passed over in silence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from sandbox.productive.fields import (
    Field,
    Kind,
    attribute_field,
    derived_filter,
    derived_sort,
    display_name,
    ids_along,
    name_along,
    refs_along,
    values_along,
)
from sandbox.productive.moments import day
from sandbox.productive.paths import (
    FILTER_ALIASES,
    FILTER_ATTRIBUTES,
    FILTER_PATHS,
    SORT_ALIASES,
    SORT_NUMBERS,
    SORT_PATHS,
    WINDOWS,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sandbox.json_types import Json
    from sandbox.productive.catalogue import Resource
    from sandbox.productive.records import Dataset, Record

ROWS_BY_TAG = {
    "company_id": "companies",
    "deal_id": "deals",
    "invoice_id": "invoices",
    "person_id": "people",
    "task_id": "tasks",
}
"""Filters of `tags`, and the rows that are tagged; those of projects are the tags of their tasks."""

TAGGABLE_TYPES = {"companies": "company", "invoices": "invoice", "people": "person", "tasks": "task"}
"""What `taggable_type` calls them; deals are `deal` or `budget`."""


def _one_or_two(attribute: str) -> Callable[[Dataset, Record], int]:
    """1 while the attribute is null or false, else 2."""
    return lambda _dataset, record: 2 if record.value(attribute) else 1


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


def _booking_approval(_dataset: Dataset, record: Record) -> int:
    """1 approved, 2 pending, 3 rejected, 5 canceled."""
    if record.attributes.get("canceled"):
        return 5
    if record.attributes.get("rejected"):
        return 3
    return 1 if record.attributes.get("approved") else 2


def _email_status(_dataset: Dataset, record: Record) -> int:
    """1 unresolved, 2 resolved, 3 dismissed; resolved is read as linked to something."""
    if record.attributes.get("dismissed_at"):
        return 3
    return 2 if record.attributes.get("linked_id") else 1


def _activity_type(_dataset: Dataset, record: Record) -> int:
    """1 comment, 2 changeset, 3 email."""
    if record.one("comment"):
        return 1
    return 3 if record.one("email") else 2


def _along(relationship: str, work_out: Callable[[Dataset, Record], int]) -> Callable[[Dataset, Record], int]:
    """The code of the row where a relationship leads; 0, which is no code, where it leads nowhere."""

    def read(dataset: Dataset, record: Record) -> int:
        target = dataset.get(record.one(relationship))
        return work_out(dataset, target) if target else 0

    return read


# What 1 active, 2 archived are read from; on a list without `archived_at` all rows are active.
_ARCHIVABLE = (
    "approval_policies",
    "bank_accounts",
    "boards",
    "companies",
    "custom_field_sections",
    "folders",
    "projects",
    "rate_cards",
    "service_types",
    "subsidiaries",
    "task_lists",
    "tax_rates",
    "time_tracking_policies",
)

# (resource, filter): the code that a row has, by the documented value lists.
_CODES: dict[tuple[str, str], Callable[[Dataset, Record], int]] = {
    **{(resource, "status"): _one_or_two("archived_at") for resource in _ARCHIVABLE},
    ("activities", "type"): _activity_type,
    ("agents", "status"): _one_or_two("deactivated_at"),
    ("bookings", "approval_status"): _booking_approval,
    ("bookings", "person_type"): _along("person", _person_type),
    # 1 tentative, 2 confirmed.
    ("bookings", "status"): _two_or_one("draft"),
    ("comments", "budget_status"): _along("deal", _one_or_two("closed_at")),
    ("discussions", "status"): _one_or_two("resolved_at"),
    ("emails", "status"): _email_status,
    ("integrations", "project_status"): _along("project", _one_or_two("archived_at")),
    ("prices", "rate_card_status"): _along("rate_card", _one_or_two("archived_at")),
    ("services", "budget_status"): _along("deal", _one_or_two("delivered_on")),
    ("services", "stage_type"): _along("deal", _one_or_two("budget")),
    ("tasks", "board_status"): _along("task_list", _one_or_two("archived_at")),
    ("tasks", "folder_status"): _along("task_list", _one_or_two("archived_at")),
    ("tasks", "task_list_status"): _along("task_list", _one_or_two("archived_at")),
    ("todos", "status"): _one_or_two("closed"),
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

# (resource, filter): the attribute that is set where the flag is true.
_FLAGS = {
    ("companies", "has_parent_company"): "parent_company_id",
    **{
        (resource, "archived"): "archived_at"
        for resource in ("custom_fields", "custom_field_options", "survey_fields", "survey_field_options", "workflows")
    },
}

# (resource, filter): other yes-or-no questions.
_QUESTIONS: dict[tuple[str, str], Callable[[Dataset, Record], bool]] = {
    ("activities", "has_attachments"): lambda dataset, record: bool(refs_along(dataset, record, "comment/attachments")),
    ("activities", "pinned"): lambda dataset, record: any(
        row.attributes["pinned_at"] for ref in record.all("comment") if (row := dataset.get(ref))
    ),
    ("events", "limited"): lambda _dataset, record: record.integer("limitation_type_id") != _UNLIMITED,
    ("filters", "pulse"): lambda _dataset, record: record.integer("pulse_count") > 0,
    ("team_memberships", "active"): lambda dataset, record: any(
        not row.attributes["deactivated_at"] for ref in record.all("person") if (row := dataset.get(ref))
    ),
    ("tasks", "subtask"): lambda _dataset, record: record.one("parent_task") is not None,
    ("time_entries", "billable"): lambda _dataset, record: record.integer("billable_time") > 0,
}

_UNLIMITED = 4

# Filters of activities: the type of item that they name the id of.
_ITEM_IDS = {"expense_id": "Expense", "proposal_id": "Proposal", "resource_request_id": "ResourceRequest"}

# Both "any" and what else applies: filter[due_date]=1 keeps every task.
_CODE_OF_ALL = {("tasks", "due_date"): 1}


def _code_field(place: tuple[str, str]) -> Field:
    work_out, of_all = _CODES[place], _CODE_OF_ALL.get(place)

    def read(dataset: Dataset, record: Record) -> Sequence[Json]:
        code = work_out(dataset, record)
        return (code,) if of_all is None or of_all == code else (of_all, code)

    return Field(Kind.NUMBER, read)


def _item_field(item_type: str, side: str = "item") -> Field:
    """The id of an activity's item, or root, where it is of this type."""

    def read(_dataset: Dataset, record: Record) -> Sequence[Json]:
        attributes = record.attributes
        return (str(attributes[f"{side}_id"]),) if attributes[f"{side}_type"] == item_type else ()

    return Field(Kind.ID, read)


def _tagged(dataset: Dataset, resource: str) -> dict[Json, list[Record]]:
    """The rows of a resource by their tags."""

    def index() -> dict[Json, list[Record]]:
        found: dict[Json, list[Record]] = {}
        for row in dataset.rows(resource):
            for tag in cast("list[Json]", row.attributes["tag_list"]):
                found.setdefault(tag, []).append(row)
        return found

    return dataset.kept(("tagged", resource), index)


def _tag_field(name: str) -> Field | None:
    """A filter of `tags` by what is tagged."""
    if name == "taggable_type":

        def types(dataset: Dataset, record: Record) -> Sequence[Json]:
            tag = record.attributes["name"]
            found = {kind for resource, kind in TAGGABLE_TYPES.items() if tag in _tagged(dataset, resource)}
            deals = _tagged(dataset, "deals").get(tag, ())
            return [*found, *("budget" if row.attributes["budget"] else "deal" for row in deals)]

        return Field(Kind.TEXT, types)
    if name == "project_id":

        def projects(dataset: Dataset, record: Record) -> Sequence[Json]:
            return [
                ref.id
                for row in _tagged(dataset, "tasks").get(record.attributes["name"], ())
                for ref in row.all("project")
            ]

        return Field(Kind.ID, projects)
    if name not in ROWS_BY_TAG:
        return None

    def ids(dataset: Dataset, record: Record) -> Sequence[Json]:
        return [row.id for row in _tagged(dataset, ROWS_BY_TAG[name]).get(record.attributes["name"], ())]

    return Field(Kind.ID, ids)


QUERY_FIELD = Field(Kind.TEXT, lambda _dataset, record: (display_name(record),), bound="contains")
"""`query`: read as a part of the row's name, title or number."""


_SINGLE = {
    **{("activities", name): _item_field(item) for name, item in _ITEM_IDS.items()},
    ("activities", "project_id"): _item_field("Workspace", "root"),
    ("team_memberships", "person_name"): name_along("person"),
}


def filter_field(resource: Resource, name: str) -> Field | None:
    """What a documented filter looks at, or nothing where the documentation does not say."""
    place = (resource.name, name)
    if place in _CODES:
        return _code_field(place)
    if place in FILTER_PATHS:
        return ids_along(FILTER_PATHS[place])
    if place in FILTER_ATTRIBUTES:
        return values_along(*FILTER_ATTRIBUTES[place])
    if place in FILTER_ALIASES:
        return attribute_field(resource, FILTER_ALIASES[place])
    if place in WINDOWS:
        attribute, bound = WINDOWS[place]
        return attribute_field(resource, attribute, bound=bound)
    return _special_filter(resource, name) or derived_filter(resource, name)


def _special_filter(resource: Resource, name: str) -> Field | None:
    """What is neither a code nor in the tables of `paths.py`."""
    place = (resource.name, name)
    if place in _FLAGS:
        attribute = _FLAGS[place]
        return Field(Kind.BOOLEAN, lambda _dataset, record: (record.attributes.get(attribute) is not None,))
    if place in _QUESTIONS:
        question = _QUESTIONS[place]
        return Field(Kind.BOOLEAN, lambda dataset, record: (question(dataset, record),))
    if resource.name == "tags" and name != "name":
        return _tag_field(name)
    return QUERY_FIELD if name == "query" else _SINGLE.get(place)


def sort_field(resource: Resource, name: str) -> Field | None:
    """What a documented sort looks at, or nothing where the documentation does not say."""
    place = (resource.name, name)
    if place in SORT_PATHS:
        return name_along(*SORT_PATHS[place])
    if place in SORT_NUMBERS:
        path, attribute = SORT_NUMBERS[place]
        return values_along(path, attribute, Kind.NUMBER) if attribute else ids_along(path)
    if place == ("people", "name"):
        return Field(Kind.TEXT, lambda _dataset, record: (display_name(record),), own=True)
    return derived_sort(resource, SORT_ALIASES.get(place, name))
