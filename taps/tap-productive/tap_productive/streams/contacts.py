"""Companies, people, and their addresses."""

from __future__ import annotations

from tap_productive.change_feed import Feed
from tap_productive.client import ProductiveStream


class Companies(ProductiveStream):
    """Clients and vendors, archived ones included.

    `last_activity_at` can be filtered and sorted by; it does not move on every write, and can be null.
    """

    name = "companies"
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
    references = (
        "custom_field_attachments",
        "custom_field_people",
        "default_subsidiary",
        "default_tax_rate",
        "einvoice_identity",
        "integration_exporter_configuration",
        "parent_company",
    )


class ContactEntries(ProductiveStream):
    """Addresses, e-mails, phones and websites. No modification time exists: read completely."""

    name = "contact_entries"
    evidence = "live"
    references = (
        "company",
        "invoice",
        "invoice_template",
        "person",
        "purchase_order",
        "subsidiary",
    )


class People(ProductiveStream):
    """Employees, contacts, clients and placeholders, deactivated ones included.

    `last_activity_at` is what a person did on the platform, not when the row was edited: read completely.
    """

    name = "people"
    evidence = "live"
    filter_times = (
        "created_at",
        "last_activity_at",
    )
    feed = Feed("id", column="person_id", item_type="Person")
    references = (
        "approval_policy_assignment",
        "company",
        "custom_field_attachments",
        "custom_field_people",
        "custom_role",
        "job_role",
        "manager",
        "service_types",
        "subsidiary",
        "teams",
        "time_tracking_policy",
    )


STREAMS: tuple[type[ProductiveStream], ...] = (
    Companies,
    ContactEntries,
    People,
)
