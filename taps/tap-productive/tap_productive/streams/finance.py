"""Invoices and what belongs to them: lines, payments, expenses, purchase orders, invoicing rules, overheads."""

from __future__ import annotations

from tap_productive.change_feed import Feed
from tap_productive.client import ProductiveStream


class Invoices(ProductiveStream):
    """Invoices and credit notes, drafts included.

    The list can be filtered and sorted by `last_activity_at`, not by `updated_at`; it does not move on every write.
    """

    name = "invoices"
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
    deleted_item_types = ("invoice",)
    references = (
        "attachment",
        "bank_account",
        "bill_from",
        "bill_to",
        "company",
        "creator",
        "custom_field_attachments",
        "custom_field_people",
        "document_type",
        "invoice_attributions",
        "issuer",
        "parent_invoice",
        "subsidiary",
    )


class LineItems(ProductiveStream):
    """Lines of invoices. No modification time exists: read completely."""

    name = "line_items"
    is_often_long = True
    evidence = "live"
    feed = Feed("invoice_id", column="invoice_id", item_type="Invoice", row_type="LineItem")
    references = (
        "expense",
        "invoice",
        "kpd_code",
        "service",
        "service_type",
        "tax_rate",
    )


class InvoiceAttributions(ProductiveStream):
    """How the amount of an invoice is distributed over budgets. No modification time exists: read completely."""

    name = "invoice_attributions"
    is_often_long = True
    evidence = "live"
    feed = Feed("invoice_id", column="invoice_id", item_type="Invoice")
    references = (
        "budget",
        "invoice",
    )


class Payments(ProductiveStream):
    """Money received against an invoice, or written off. No modification time exists: read completely."""

    name = "payments"
    is_often_long = True
    evidence = "live"
    filter_times = ("paid_on",)
    sort_times = ("paid_on",)
    feed = Feed("invoice_id", column="invoice_id", item_type="Invoice", row_type="Payment")
    references = ("invoice",)


class PaymentReminders(ProductiveStream):
    """Reminders sent or scheduled for invoices.

    The list is not in the documentation; Airbyte's connector reads it, and the vendor's Ruby client knows it.
    """

    name = "payment_reminders"
    evidence = "live"
    uncertainty = "not in the documentation"
    references = (
        "creator",
        "invoice",
        "payment_reminder_sequence",
        "updater",
    )


class PaymentReminderSequences(ProductiveStream):
    """Which reminders are sent, and when."""

    name = "payment_reminder_sequences"
    evidence = "live"
    references = (
        "creator",
        "payment_reminders",
        "updater",
    )


class Expenses(ProductiveStream):
    """Expenses. `created_at` would find only new ones: read completely."""

    name = "expenses"
    evidence = "live"
    filter_times = ("created_at",)
    sort_times = ("created_at",)
    required_filters = (("with_draft", "true"),)
    deleted_item_types = ("expense",)
    feed = Feed("id", item_type="Expense")
    references = (
        "approval_statuses",
        "approver",
        "attachment",
        "creator",
        "custom_field_attachments",
        "custom_field_people",
        "deal",
        "expense_line_items",
        "invoice_attribution",
        "person",
        "purchase_order",
        "rejecter",
        "service",
        "service_type",
        "tax_rate",
        "vendor",
    )


class ExpenseLineItems(ProductiveStream):
    """Lines of expenses. No modification time exists: read completely."""

    name = "expense_line_items"
    sorts_by_id = True
    uncertainty = "in the vendor's specification since October 2026 only"
    references = (
        "expense",
        "tax_rate",
    )


class PurchaseOrders(ProductiveStream):
    """Purchase orders. `created_at` would find only new ones: read completely."""

    name = "purchase_orders"
    filter_times = ("created_at",)
    sort_times = ("created_at",)
    secret_fields = frozenset({"email_key"})
    deleted_item_types = ("purchase_order",)
    feed = Feed("id", column="purchase_order_id", item_type="PurchaseOrder")
    references = (
        "attachment",
        "bill_from",
        "bill_to",
        "creator",
        "deal",
        "document_type",
        "vendor",
    )


class InvoiceTemplates(ProductiveStream):
    """Templates of recurring invoices. `created_at` would find only new ones: read completely."""

    name = "invoice_templates"
    sort_times = ("created_at",)
    references = (
        "bank_account",
        "budget",
        "creator",
        "document_type",
        "issuer",
        "subsidiary",
    )


class AutomaticInvoicingRules(ProductiveStream):
    """When invoices are created automatically. `created_at` would find only new ones: read completely."""

    name = "automatic_invoicing_rules"
    sort_times = ("created_at",)
    references = (
        "budget",
        "creator",
    )


class RevenueDistributions(ProductiveStream):
    """How the revenue of a budget is distributed over time. `created_at` would find only new ones: read completely."""

    name = "revenue_distributions"
    filter_times = ("created_at",)
    sort_times = ("created_at",)
    references = ("deal",)


class Overheads(ProductiveStream):
    """Overhead costs by period and subsidiary."""

    name = "overheads"
    references = (
        "subsidiary",
        "updater",
    )


class DealCostRates(ProductiveStream):
    """Hourly cost of a person on a budget."""

    name = "deal_cost_rates"
    references = (
        "deal",
        "person",
    )


class EinvoiceIdentities(ProductiveStream):
    """Identities for electronic invoices. No attribute is documented."""

    name = "einvoice_identities"
    evidence = "inferred"


class IntegrationExporterConfigurations(ProductiveStream):
    """What is exported where. No attribute is documented."""

    name = "integration_exporter_configurations"
    evidence = "inferred"


STREAMS: tuple[type[ProductiveStream], ...] = (
    Invoices,
    LineItems,
    InvoiceAttributions,
    Payments,
    PaymentReminders,
    PaymentReminderSequences,
    Expenses,
    ExpenseLineItems,
    PurchaseOrders,
    InvoiceTemplates,
    AutomaticInvoicingRules,
    RevenueDistributions,
    Overheads,
    DealCostRates,
    EinvoiceIdentities,
    IntegrationExporterConfigurations,
)
