"""What the page says of systems: their names, and which of them fill a part that is empty."""

from __future__ import annotations

SYSTEMS = {
    "productive": "Productive",
    "invoicetronic": "Invoicetronic",
    "invobi": "Invobi",
    "2invoice": "2invoice",
    "covage": "Covage",
}
"""The name of each system, as its vendor writes it."""

MISSING_PARTS: dict[str, list[str]] = {
    "turnover": [
        "tap-productive: the stream invoices",
        "tap-invobi: the stream invoice_details (setting details, changed or all)",
        "tap-invoicetronic: sent documents (payloads: send or both, with documents_url), from which it makes rows",
        "tap-2invoice: the stream invoices, once its columns are named in transform/dbt_project.yml",
    ],
    "receivables": [
        "tap-productive: the streams invoices and payments",
        "tap-invobi: the stream invoice_details (setting details, changed or all)",
        "tap-2invoice: the stream invoices, once its columns are named in transform/dbt_project.yml",
    ],
    "payables": [
        "tap-productive: the streams bills and expenses",
        "tap-invoicetronic: received documents (payloads: receive or both; one operation each), with documents_url",
    ],
    "vat": [
        "tap-invoicetronic: documents (payloads: both, with documents_url), which fattura_vat_summary is made of",
        "tap-productive: the streams invoices and line_items",
        "tap-invobi: the stream invoice_details (setting details, changed or all)",
    ],
    "budgets": ["tap-productive: the stream deals, of which budgets are a part"],
    "payments": ["tap-productive: the streams invoices and payments"],
    "rejected": ["tap-invoicetronic: the streams send and update; both are free"],
    "freshness": ["orchestrate load tap-productive, or any other tap: it keeps a record of each run"],
    "invoices": ["any of the five taps, then meltano run dbt:build"],
}
"""For each part of the page, what fills it: tap, streams and settings."""
