"""What an organization sets up once: taxes, documents, accounts, custom fields, integrations; and its recycle bin."""

from __future__ import annotations

from tap_productive.client import ProductiveStream
from tap_productive.deleted_items import DeletedItems


class TaxRates(ProductiveStream):
    """Tax rates, archived ones included. Without the feature "financials" the API answers 403: then skipped."""

    name = "tax_rates"
    evidence = "live"
    references = ("subsidiary",)


class DocumentTypes(ProductiveStream):
    """Templates of documents. No modification time exists: read completely."""

    name = "document_types"
    evidence = "live"
    references = (
        "attachments",
        "document_style",
        "subsidiary",
    )


class DocumentStyles(ProductiveStream):
    """Styles of documents."""

    name = "document_styles"
    references = ("attachments",)


class Subsidiaries(ProductiveStream):
    """The companies that issue invoices. No modification time exists: read completely."""

    name = "subsidiaries"
    evidence = "live"
    references = (
        "bill_from",
        "custom_domain",
        "default_tax_rate",
        "integration",
    )


class BankAccounts(ProductiveStream):
    """Bank accounts printed on invoices. No modification time exists: read completely."""

    name = "bank_accounts"
    sorts_by_id = True
    references = ("subsidiary",)


class ExchangeRates(ProductiveStream):
    """Exchange rates by day. `date` would find only new ones: read completely."""

    name = "exchange_rates"
    evidence = "live"
    filter_times = ("date",)
    sort_times = ("date",)


class CustomFields(ProductiveStream):
    """Definitions of custom fields. `updated_at` can be neither filtered nor sorted by: read completely."""

    name = "custom_fields"
    evidence = "live"
    reference_types = {"section": "custom_field_sections"}  # noqa: RUF012 - declared ClassVar in the base
    references = (
        "custom_field_people",
        "options",
        "project",
        "section",
        "survey",
    )


class CustomFieldOptions(ProductiveStream):
    """Options of custom fields that are selects. No modification time exists: read completely."""

    name = "custom_field_options"
    evidence = "live"
    references = ("custom_field",)


class CustomFieldSections(ProductiveStream):
    """Sections of custom fields."""

    name = "custom_field_sections"


class Tags(ProductiveStream):
    """Tags."""

    name = "tags"
    evidence = "live"


class CustomDomains(ProductiveStream):
    """Custom domains for e-mail."""

    name = "custom_domains"
    references = ("subsidiaries",)


class Integrations(ProductiveStream):
    """Integrations with other systems, without secrets. `created_at` would find only new ones: read completely."""

    name = "integrations"
    sort_times = ("created_at",)
    secret_fields = frozenset({"options", "redirect_uri", "request_token", "request_uri", "slack_options"})
    references = (
        "creator",
        "deal",
        "project",
        "subsidiary",
    )


class IntegrationTaskManagementConfigurations(ProductiveStream):
    """What integrations do with tasks, e.g. of Jira. `created_at` would find only new ones: read completely."""

    name = "integration_task_management_configurations"
    sort_times = ("created_at",)
    uncertainty = "in the vendor's specification since September 2026 only"
    references = (
        "deal",
        "default_person",
        "default_service",
        "integration",
        "project",
    )


class Webhooks(ProductiveStream):
    """Webhooks, without their addresses and secrets."""

    name = "webhooks"
    secret_fields = frozenset({"custom_headers", "secret", "signature_token", "target_url", "url"})
    references = ("creator",)


class WebhookLogs(ProductiveStream):
    """Calls of webhooks. No attribute is documented; its filters take a date: read completely."""

    name = "webhook_logs"
    evidence = "inferred"


class Agents(ProductiveStream):
    """Agents of the vendor's assistant.

    They can be sorted by `updated_at`, but not filtered: read newest first down to the bookmark (inferred).
    """

    name = "agents"
    filter_times = ("created_at",)
    sort_times = (
        "created_at",
        "updated_at",
    )
    replication_key = "updated_at"
    uncertainty = "in the vendor's specification since September 2026 only"
    references = (
        "agent_config",
        "custom_role",
        "manager",
    )


class AgentConfigs(ProductiveStream):
    """Instructions and tools of agents.

    They can be sorted by `updated_at`, but not filtered: read newest first down to the bookmark (inferred).
    """

    name = "agent_configs"
    sort_times = (
        "created_at",
        "updated_at",
    )
    replication_key = "updated_at"
    uncertainty = "in the vendor's specification since September 2026 only"
    references = ("agent",)


class Skills(ProductiveStream):
    """Instructions for the vendor's assistant. `created_at` would find only new ones: read completely."""

    name = "skills"
    filter_times = ("created_at",)
    uncertainty = "in the vendor's specification since September 2026 only"
    references = (
        "creator",
        "memberships",
    )


class Organizations(ProductiveStream):
    """The organizations of the token's person, also others than `organization_id`.

    No modification time exists: read completely.
    """

    name = "organizations"
    evidence = "live"
    ignores_organization = True
    secret_fields = frozenset({"email_key", "invitation_token", "scim_bearer_token"})
    references = (
        "company",
        "organization_subscription",
        "owner",
    )


class OrganizationMemberships(ProductiveStream):
    """The token's own memberships, of all its organizations.

    `updated_at` can be neither filtered nor sorted by: read completely.
    """

    name = "organization_memberships"
    evidence = "live"
    ignores_organization = True
    references = (
        "person",
        "time_tracking_policy",
        "user",
    )


STREAMS: tuple[type[ProductiveStream], ...] = (
    TaxRates,
    DocumentTypes,
    DocumentStyles,
    Subsidiaries,
    BankAccounts,
    ExchangeRates,
    CustomFields,
    CustomFieldOptions,
    CustomFieldSections,
    Tags,
    CustomDomains,
    Integrations,
    IntegrationTaskManagementConfigurations,
    Webhooks,
    WebhookLogs,
    Agents,
    AgentConfigs,
    Skills,
    DeletedItems,
    Organizations,
    OrganizationMemberships,
)
