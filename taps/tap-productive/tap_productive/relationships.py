"""The types of related records: the vendor names relationships after their role, not after the type."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_TYPES_BY_NAME = {
    **dict.fromkeys(
        (
            "actor",
            "actual_approver",
            "approver",
            "approvers",
            "assignee",
            "assignees",
            "bcc_recipients",
            "canceler",
            "cc_recipients",
            "contact",
            "creator",
            "custom_field_people",
            "deal_creator",
            "default_person",
            "deleter",
            "issuer",
            "last_actor",
            "manager",
            "members",
            "owner",
            "person",
            "person_manager",
            "pinned_by",
            "primary_contact",
            "project_manager",
            "recipients",
            "rejecter",
            "resolver",
            "responsible",
            "subscribers",
            "to_recipients",
            "updater",
        ),
        "people",
    ),
    **dict.fromkeys(("client", "parent_company", "vendor"), "companies"),
    **dict.fromkeys(("budget", "origin_deal", "template"), "deals"),
    **dict.fromkeys(("bill_from", "bill_to", "proposal_from", "proposal_to"), "contact_entries"),
    **dict.fromkeys(("deal_subsidiary", "default_subsidiary", "person_subsidiary"), "subsidiaries"),
    **dict.fromkeys(("dependent_task", "parent_task", "repeated_task"), "tasks"),
    **dict.fromkeys(("parent_page", "root_page"), "pages"),
    **dict.fromkeys(
        (
            "budgets_favorite_filter",
            "deals_favorite_filter",
            "docs_favorite_filter",
            "favorite_filter",
            "invoices_favorite_filter",
        ),
        "filters",
    ),
    **dict.fromkeys(("expense_approval_workflow", "time_approval_workflow"), "approval_workflows"),
    "custom_field_attachments": "attachments",
    "custom_role": "roles",
    "default_service": "services",
    "default_tax_rate": "tax_rates",
    "next_todo": "todos",
    "options": "custom_field_options",
    "origin": "bookings",
    "origin_field": "survey_fields",
    "parent_invoice": "invoices",
    "proposal_document_type": "document_types",
    "reverse_dependency": "task_dependencies",
    "thread": "emails",
}
"""The type of the related records, where it is not simply the plural of the relationship's name."""


def related_type(name: str, own_types: Mapping[str, str] | None = None) -> str:
    """Return the type of the records that a relationship leads to.

    Args:
        name: The relationship.
        own_types: Types of relationships that mean something else in a stream than in others.

    Returns:
        A type of the API, e.g. `people` for `creator`.
    """
    return (own_types or {}).get(name) or _TYPES_BY_NAME.get(name) or _plural(name)


def _plural(name: str) -> str:
    if name.endswith("y") and not name.endswith("ey"):
        return f"{name[:-1]}ies"
    if name.endswith("status"):
        return f"{name}es"
    return name if name.endswith("s") else f"{name}s"
