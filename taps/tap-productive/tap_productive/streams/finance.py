"""Invoices and what belongs to them: lines, payments, expenses, purchase orders."""

from __future__ import annotations

from tap_productive.client import ProductiveStream


class Invoices(ProductiveStream):
    """Invoices and credit notes, drafts included.

    `last_activity_at` can be filtered and sorted by, `updated_at` can not; and it does not move on every write.
    """

    name = "invoices"
    replication_key = "last_activity_at"
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
    """Lines of invoices. No modification time exists: read whole."""

    name = "line_items"
    references = ("expense", "invoice", "kpd_code", "service", "service_type", "tax_rate")


class InvoiceAttributions(ProductiveStream):
    """How the amount of an invoice spreads over budgets. No modification time exists: read whole."""

    name = "invoice_attributions"
    references = ("budget", "invoice")


class Payments(ProductiveStream):
    """Money received against an invoice, or written off. No modification time exists: read whole."""

    name = "payments"
    references = ("invoice",)


class PaymentReminders(ProductiveStream):
    """Reminders sent or scheduled for invoices.

    The list is not in the documentation; Airbyte's connector reads it, and the vendor's Ruby client knows it.
    """

    name = "payment_reminders"
    documented = False
    references = ("creator", "invoice", "payment_reminder_sequence", "updater")


class Expenses(ProductiveStream):
    """Expenses. `created_at` would find only new ones: read whole."""

    name = "expenses"
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


class PurchaseOrders(ProductiveStream):
    """Purchase orders. `created_at` would find only new ones: read whole."""

    name = "purchase_orders"
    references = ("attachment", "bill_from", "bill_to", "creator", "deal", "document_type", "vendor")


STREAMS: tuple[type[ProductiveStream], ...] = (
    Invoices,
    LineItems,
    InvoiceAttributions,
    Payments,
    PaymentReminders,
    Expenses,
    PurchaseOrders,
)
