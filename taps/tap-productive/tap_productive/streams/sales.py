"""Deals and budgets, what they sell, at which price, and how they were won."""

from __future__ import annotations

from tap_productive.change_feed import Feed
from tap_productive.client import ProductiveStream


class Deals(ProductiveStream):
    """Deals and budgets; the column `budget` says which.

    `last_activity_at` can be filtered and sorted by; it does not move on every write.
    """

    name = "deals"
    evidence = "live"
    filter_times = (
        "created_at",
        "last_activity_at",
    )
    sort_times = (
        "created_at",
        "last_activity_at",
    )
    replication_key = "last_activity_at"
    secret_fields = frozenset({"email_key"})
    deleted_item_types = (
        "budget",
        "deal",
    )
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
        "primary_contact",
        "project",
        "proposal_document_type",
        "responsible",
        "subsidiary",
        "tax_rate",
        "template",
        "time_approval_workflow",
    )


class Services(ProductiveStream):
    """What a deal or budget sells.

    Its filter `updated_at` has no matching attribute, so no bookmark can be made: read completely.
    """

    name = "services"
    is_often_long = True
    evidence = "live"
    filter_times = ("updated_at",)
    deleted_item_types = ("service",)
    feed = Feed("deal_id", column="deal_id", item_type="Deal", row_type="Service")
    references = (
        "custom_field_attachments",
        "custom_field_people",
        "deal",
        "person",
        "section",
        "service_type",
    )


class ServiceTypes(ProductiveStream):
    """Types of services. No modification time exists: read completely."""

    name = "service_types"
    evidence = "live"
    references = ("assignees",)


class ServiceTypeAssignments(ProductiveStream):
    """Which people provide which types of services."""

    name = "service_type_assignments"
    references = (
        "person",
        "service_type",
    )


class ServiceAssignments(ProductiveStream):
    """Which people may work on which services."""

    name = "service_assignments"
    references = (
        "person",
        "service",
    )


class Sections(ProductiveStream):
    """Sections of deals and budgets."""

    name = "sections"
    evidence = "live"
    references = ("deal",)


class Prices(ProductiveStream):
    """Prices on rate cards. `updated_at` can be neither filtered nor sorted by: read completely."""

    name = "prices"
    evidence = "live"
    references = (
        "company",
        "custom_field_attachments",
        "custom_field_people",
        "rate_card",
        "service_type",
        "updater",
    )


class RateCards(ProductiveStream):
    """Price lists, archived ones included. `created_at` would find only new ones: read completely."""

    name = "rate_cards"
    evidence = "live"
    filter_times = ("created_at",)
    sort_times = ("created_at",)
    references = (
        "company",
        "creator",
    )


class Contracts(ProductiveStream):
    """Contracts: when budgets recur."""

    name = "contracts"
    references = ("template",)


class DealStatuses(ProductiveStream):
    """Stages of pipelines, archived ones included. `created_at` would find only new ones: read completely."""

    name = "deal_statuses"
    evidence = "live"
    sort_times = ("created_at",)
    references = ("pipeline",)


class Pipelines(ProductiveStream):
    """Pipelines of deals and of production."""

    name = "pipelines"
    evidence = "live"
    references = (
        "creator",
        "updater",
    )


class LostReasons(ProductiveStream):
    """Why deals were lost."""

    name = "lost_reasons"
    evidence = "live"


class Proposals(ProductiveStream):
    """Proposals sent to clients.

    Their `updated_at` can be filtered, but not sorted by: the bookmark moves at the end (inferred).
    """

    name = "proposals"
    filter_times = (
        "created_at",
        "updated_at",
    )
    replication_key = "updated_at"
    secret_fields = frozenset({"audit_pdf_url", "original_pdf_url", "pdf_url", "public_uuid", "signed_pdf_url"})
    references = (
        "client",
        "contact",
        "creator",
        "deal",
        "deal_creator",
        "document_type",
        "project",
        "proposal_from",
        "proposal_to",
        "responsible",
        "subsidiary",
        "tax_rate",
    )


STREAMS: tuple[type[ProductiveStream], ...] = (
    Deals,
    Services,
    ServiceTypes,
    ServiceTypeAssignments,
    ServiceAssignments,
    Sections,
    Prices,
    RateCards,
    Contracts,
    DealStatuses,
    Pipelines,
    LostReasons,
    Proposals,
)
