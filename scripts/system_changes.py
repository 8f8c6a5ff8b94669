"""Changes in each system of the sandbox between two runs, and the rows of the warehouse that must show them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandbox.admin_client import AdminClient


@dataclass(frozen=True)
class Change:
    """A change in a system.

    Args:
        what: The change in words.
        stream: The stream that shows it.
        key: The columns and values that identify the row.
        deleted: Whether the row was deleted; otherwise it is new or changed.
    """

    what: str
    stream: str
    key: Mapping[str, Any]
    deleted: bool = False


ADMIN_PATHS = {
    "tap-invoicetronic": "invoicetronic/test",
    "tap-invobi": "invobi",
    "tap-covage": "covage",
    "tap-2invoice": "2invoice",
}
"""Where the sandbox's admin has the rows of each tap; for Productive it has methods of its own."""


def rows_in_sandbox(admin: AdminClient, tap: str, stream: str) -> list[dict[str, Any]]:
    """Return the current rows of a list, as values by name.

    Args:
        admin: The sandbox's admin.
        tap: The tap that reads the list.
        stream: The list.
    """
    if tap == "tap-productive":
        return [{"id": row["id"], **row["attributes"]} for row in admin.records(stream)]
    return admin.system(ADMIN_PATHS[tap]).records(stream)


def productive(admin: AdminClient) -> list[Change]:
    """Change what an agency changes in three days.

    Args:
        admin: The sandbox's admin.

    Returns:
        The changes.
    """
    task = admin.update("tasks", admin.records("tasks")[7]["id"], {"title": "Send the invoice"})
    entry = admin.create("time_entries", {"time": 90})
    kept, gone = (record["id"] for record in admin.records("invoices")[10:12])
    admin.update("invoices", kept, {"subject": "Second reminder"})
    company = admin.archive("companies", admin.records("companies")[3]["id"])
    payment = admin.records("payments")[0]["id"]
    admin.delete("payments", payment)
    admin.delete("invoices", gone)
    return [
        Change(f"task {task['id']} changed", "tasks", {"id": task["id"]}),
        Change(f"time entry {entry['id']} new", "time_entries", {"id": entry["id"]}),
        Change(f"invoice {kept} changed", "invoices", {"id": kept}),
        Change(f"company {company['id']} archived", "companies", {"id": company["id"]}),
        Change(f"payment {payment} deleted", "payments", {"id": payment}, deleted=True),
    ]


def invoicetronic(admin: AdminClient) -> list[Change]:
    """Deliver a sent invoice, and receive one.

    Args:
        admin: The sandbox's admin.

    Returns:
        The changes.
    """
    account = admin.system(ADMIN_PATHS["tap-invoicetronic"])
    sent = account.records("send")[-1]["id"]
    update = account.post("sdi_updates", {"send_id": sent, "state": "Consegnato"})
    received = account.create("receive", {})
    return [
        Change(f"sent invoice {sent} delivered", "send", {"id": sent}),
        Change(f"update {update['id']} new", "update", {"id": update["id"]}),
        Change(f"received invoice {received['id']} new", "receive", {"id": received["id"]}),
    ]


def invobi(admin: AdminClient) -> list[Change]:
    """Create, change and delete invoices.

    Args:
        admin: The sandbox's admin.

    Returns:
        The changes.
    """
    account = admin.system(ADMIN_PATHS["tap-invobi"])
    changed, gone = (record["id"] for record in account.records("invoices")[3:5])
    account.update("invoices", changed, {"title": "Second reminder"})
    account.delete("invoices", gone)
    new = account.create("invoices", {"title": "New"})["id"]
    return [
        Change(f"invoice {new} new", "invoices", {"id": new}),
        Change(f"its detail {new} read", "invoice_details", {"id": new}),
        Change(f"invoice {changed} changed", "invoice_details", {"id": changed}),
        Change(f"invoice {gone} deleted", "invoices", {"id": gone}, deleted=True),
        Change(f"its detail {gone} deleted", "invoice_details", {"id": gone}, deleted=True),
    ]


def covage(admin: AdminClient) -> list[Change]:
    """Create an invoice, and complete an order.

    Args:
        admin: The sandbox's admin.

    Returns:
        The changes.
    """
    account = admin.system(ADMIN_PATHS["tap-covage"])
    invoice = account.create("invoices", {"accounting_date": "2026-03-18"})["invoice_number"]
    order = account.records("orders")[0]["order_reference"]
    account.update("orders", order, {"state": "completed"})
    return [
        Change(f"invoice {invoice} new", "invoices", {"invoice_number": invoice}),
        Change(f"order {order} completed", "orders", {"order_reference": order}),
    ]


def two_invoice(admin: AdminClient) -> list[Change]:
    """Rename a client, and delete a receipt.

    Args:
        admin: The sandbox's admin.

    Returns:
        The changes.
    """
    account = admin.system(ADMIN_PATHS["tap-2invoice"])
    client = account.records("clients")[2]["id"]
    account.update("clients", client, {"name": "Alba & Fiii SRL"})
    receipt = account.records("receipts")[5]["id"]
    account.delete("receipts", receipt)
    return [
        Change(f"client {client} renamed", "clients", {"id": client}),
        Change(f"receipt {receipt} deleted", "receipts", {"id": receipt}, deleted=True),
    ]


CHANGES_BY_TAP: Mapping[str, Callable[[AdminClient], list[Change]]] = {
    "tap-productive": productive,
    "tap-invoicetronic": invoicetronic,
    "tap-invobi": invobi,
    "tap-covage": covage,
    "tap-2invoice": two_invoice,
}
"""Makes the changes in the system of each tap."""
