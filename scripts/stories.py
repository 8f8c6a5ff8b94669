"""What happens in each system of the sandbox between two runs, and which rows of the warehouse have to show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandbox.admin_client import AdminClient


@dataclass(frozen=True)
class Event:
    """Something that happened.

    Args:
        what: In words.
        stream: Where it shows.
        key: The columns and values that find the row.
        deleted: Whether the row has vanished; otherwise it is new or changed.
    """

    what: str
    stream: str
    key: Mapping[str, Any]
    deleted: bool = False


ACCOUNTS = {
    "tap-invoicetronic": "invoicetronic/test",
    "tap-invobi": "invobi",
    "tap-covage": "covage",
    "tap-2invoice": "2invoice",
}
"""Where the sandbox's admin has the rows of each tap; those of Productive are its own."""


def rows(admin: AdminClient, tap: str, stream: str) -> list[dict[str, Any]]:
    """Give the rows of a list as the sandbox has them now.

    Args:
        admin: The sandbox's admin.
        tap: Whose.
        stream: The list.

    Returns:
        The values of each row by name.
    """
    if tap == "tap-productive":
        return [{"id": row["id"], **row["attributes"]} for row in admin.records(stream)]
    return admin.system(ACCOUNTS[tap]).records(stream)


def productive(admin: AdminClient) -> list[Event]:
    """Let the agency work on.

    Args:
        admin: The sandbox's admin.

    Returns:
        What happened.
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
        Event(f"task {task['id']} changed", "tasks", {"id": task["id"]}),
        Event(f"time entry {entry['id']} new", "time_entries", {"id": entry["id"]}),
        Event(f"invoice {kept} changed", "invoices", {"id": kept}),
        Event(f"company {company['id']} archived", "companies", {"id": company["id"]}),
        Event(f"payment {payment} deleted", "payments", {"id": payment}, deleted=True),
    ]


def invoicetronic(admin: AdminClient) -> list[Event]:
    """Let the exchange system answer, and a supplier send an invoice.

    Args:
        admin: The sandbox's admin.

    Returns:
        What happened.
    """
    account = admin.system(ACCOUNTS["tap-invoicetronic"])
    sent = account.records("send")[-1]["id"]
    update = account.post("sdi_updates", {"send_id": sent, "state": "Consegnato"})
    received = account.create("receive", {})
    return [
        Event(f"sent invoice {sent} delivered", "send", {"id": sent}),
        Event(f"update {update['id']} new", "update", {"id": update["id"]}),
        Event(f"received invoice {received['id']} new", "receive", {"id": received["id"]}),
    ]


def invobi(admin: AdminClient) -> list[Event]:
    """Let invoices be written, paid and deleted.

    Args:
        admin: The sandbox's admin.

    Returns:
        What happened.
    """
    account = admin.system(ACCOUNTS["tap-invobi"])
    changed, gone = (record["id"] for record in account.records("invoices")[3:5])
    account.update("invoices", changed, {"title": "Second reminder"})
    account.delete("invoices", gone)
    new = account.create("invoices", {"title": "New"})["id"]
    return [
        Event(f"invoice {new} new", "invoices", {"id": new}),
        Event(f"its detail {new} read", "invoice_details", {"id": new}),
        Event(f"invoice {changed} changed", "invoice_details", {"id": changed}),
        Event(f"invoice {gone} deleted", "invoices", {"id": gone}, deleted=True),
        Event(f"its detail {gone} deleted", "invoice_details", {"id": gone}, deleted=True),
    ]


def covage(admin: AdminClient) -> list[Event]:
    """Let the operator write an invoice and carry out an order.

    Args:
        admin: The sandbox's admin.

    Returns:
        What happened.
    """
    account = admin.system(ACCOUNTS["tap-covage"])
    invoice = account.create("invoices", {"accounting_date": "2026-03-18"})["invoice_number"]
    order = account.records("orders")[0]["order_reference"]
    account.update("orders", order, {"state": "completed"})
    return [
        Event(f"invoice {invoice} new", "invoices", {"invoice_number": invoice}),
        Event(f"order {order} completed", "orders", {"order_reference": order}),
    ]


def two_invoice(admin: AdminClient) -> list[Event]:
    """Let a client be renamed and a receipt be withdrawn.

    Args:
        admin: The sandbox's admin.

    Returns:
        What happened.
    """
    account = admin.system(ACCOUNTS["tap-2invoice"])
    client = account.records("clients")[2]["id"]
    account.update("clients", client, {"name": "Alba & Fiii SRL"})
    receipt = account.records("receipts")[5]["id"]
    account.delete("receipts", receipt)
    return [
        Event(f"client {client} renamed", "clients", {"id": client}),
        Event(f"receipt {receipt} deleted", "receipts", {"id": receipt}, deleted=True),
    ]


STORIES: Mapping[str, Callable[[AdminClient], list[Event]]] = {
    "tap-productive": productive,
    "tap-invoicetronic": invoicetronic,
    "tap-invobi": invobi,
    "tap-covage": covage,
    "tap-2invoice": two_invoice,
}
"""What happens in the system of each tap."""
