"""Deals and budgets, what they sell, and at which price."""

from __future__ import annotations

from tap_productive.client import ProductiveStream


class Deals(ProductiveStream):
    """Deals and budgets; the column `budget` says which.

    `last_activity_at` can be filtered and sorted by; it does not move on every write.
    """

    name = "deals"
    replication_key = "last_activity_at"
    references = (
        "approval_policy_assignment",
        "automatic_invoicing_rule",
        "company",
        "contact",
        "contract",
        "creator",
        "custom_field_attachments",
        "custom_field_people",
        "deal_status",
        "document_type",
        "expense_approval_workflow",
        "invoice_template",
        "lost_reason",
        "next_todo",
        "origin_deal",
        "pipeline",
        "project",
        "proposal_document_type",
        "responsible",
        "subsidiary",
        "tax_rate",
        "template",
        "time_approval_workflow",
    )


class Services(ProductiveStream):
    """What a deal or budget sells. Its filter `updated_at` has no matching attribute: read whole."""

    name = "services"
    references = ("custom_field_attachments", "custom_field_people", "deal", "person", "section", "service_type")


class ServiceTypes(ProductiveStream):
    """Kinds of services. No modification time exists: read whole."""

    name = "service_types"
    references = ("assignees",)


class Prices(ProductiveStream):
    """Prices on rate cards. `updated_at` can be neither filtered nor sorted by: read whole."""

    name = "prices"
    references = ("company", "custom_field_attachments", "custom_field_people", "rate_card", "service_type", "updater")


STREAMS: tuple[type[ProductiveStream], ...] = (Deals, Services, ServiceTypes, Prices)
