"""What an organization sets up once: taxes, documents, accounts, custom fields, members; and its recycle bin."""

from __future__ import annotations

from tap_productive.client import ProductiveStream


class TaxRates(ProductiveStream):
    """Tax rates, archived ones included. Without the feature "financials" the API answers 403: then skipped."""

    name = "tax_rates"
    references = ("subsidiary",)


class DocumentTypes(ProductiveStream):
    """Templates of documents. No modification time exists: read whole."""

    name = "document_types"
    references = ("attachments", "document_style", "subsidiary")


class Subsidiaries(ProductiveStream):
    """The companies that issue invoices. No modification time exists: read whole."""

    name = "subsidiaries"
    references = ("bill_from", "custom_domain", "default_tax_rate", "integration")


class BankAccounts(ProductiveStream):
    """Bank accounts printed on invoices. No modification time exists: read whole."""

    name = "bank_accounts"
    references = ("subsidiary",)


class ExchangeRates(ProductiveStream):
    """Exchange rates by day. `date` would find only new ones: read whole."""

    name = "exchange_rates"


class CustomFields(ProductiveStream):
    """Definitions of custom fields. `updated_at` can be neither filtered nor sorted by: read whole."""

    name = "custom_fields"
    reference_types = {"section": "custom_field_sections"}  # noqa: RUF012 - declared ClassVar in the base
    references = ("custom_field_people", "options", "project", "section", "survey")


class CustomFieldOptions(ProductiveStream):
    """Options of custom fields that are selects. No modification time exists: read whole."""

    name = "custom_field_options"
    references = ("custom_field",)


class DeletedItems(ProductiveStream):
    """The recycle bin: what was deleted, of 14 types. Rows are only added, until restored or deleted for good."""

    name = "deleted_items"
    replication_key = "created_at"  # filter documented; sort in the vendor's OpenAPI document and CLI only
    references = ("deleter",)


class Organizations(ProductiveStream):
    """The organizations of the token's person. No modification time exists: read whole."""

    name = "organizations"
    references = ("company", "organization_subscription", "owner")


class OrganizationMemberships(ProductiveStream):
    """The token's own memberships. `updated_at` can be neither filtered nor sorted by: read whole."""

    name = "organization_memberships"
    references = ("person", "time_tracking_policy", "user")


STREAMS: tuple[type[ProductiveStream], ...] = (
    TaxRates,
    DocumentTypes,
    Subsidiaries,
    BankAccounts,
    ExchangeRates,
    CustomFields,
    CustomFieldOptions,
    DeletedItems,
    Organizations,
    OrganizationMemberships,
)
