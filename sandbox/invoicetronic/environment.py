"""One environment of the account, live or test: rows, balance, keys and behaviour."""

from __future__ import annotations

import base64
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlencode

from sandbox.credentials import credential_of
from sandbox.invoicetronic.billing import Account
from sandbox.invoicetronic.problems import not_permitted
from sandbox.invoicetronic.timestamps import TICKS_PER_SECOND, format_timestamp
from sandbox.invoicetronic.world import API_KEY_ID, API_VERSION, InvoicetronicWorld
from sandbox.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.clock import Clock
    from sandbox.gateway import ApiRequest
    from sandbox.invoicetronic.problems import Shape
    from sandbox.invoicetronic.resources import Row
    from sandbox.json_types import Json, JsonObject

LIVE = "live"
MAX_USER_AGENT_LENGTH = 512
SENT_SUMMARY_FIELDS = ("identifier", "prestatore", "meta_data", "documents", "date_sent", "latest_state")
"""The fields of its sent invoice that an update contains."""


@dataclass
class Behaviour:
    """Behaviour that the documentation leaves open and the admin can set.

    Attributes:
        refused_sorts: By resource, the fields that `sort` refuses with 400.
        ignored_sorts: By resource, the fields that `sort` accepts without effect.
        problem_shape: The format of errors.
        payload_left_out: The payload of a row if it was not requested: an empty string (as in the vendor's mocks),
            null, or no such field.
        updates_read_by_list: Whether listing updates sets their `is_read`.
        export_seconds: The duration of an export, during which a second one is answered with 429.
        export_names: Whether files in an export have their own name or the id of their invoice.
        export_members: Additional members of an export by name, with contents in base64.
    """

    refused_sorts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    ignored_sorts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    problem_shape: Shape = "problem"
    payload_left_out: Literal["empty", "null", "absent"] = "empty"
    updates_read_by_list: bool = False
    export_seconds: float = 0.05
    export_names: Literal["file_name", "id"] = "file_name"
    export_members: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Restriction:
    """What a restricted key may do.

    Attributes:
        permissions: Read or Write by resource; without an entry there is no access.
        company_ids: The companies it may see; all if None.
    """

    permissions: Mapping[str, Literal["Read", "Write"]]
    company_ids: Sequence[int] | None = None

    def check(self, resource: str) -> None:
        """Check that the key may read a resource; /subkey is for main keys alone, as documented.

        Raises:
            Refused: It may not.
        """
        if resource == "subkey" or resource not in self.permissions:
            raise not_permitted(resource)

    def sees(self, resource: str, row: Row) -> bool:
        """Return whether a row belongs to one of the key's companies, or to none."""
        company = row["id"] if resource == "company" else row.get("company_id")
        return self.company_ids is None or company is None or company in self.company_ids


class Environment:
    """Everything behind the keys of one prefix."""

    def __init__(self, name: str, clock: Clock, seed: int, scale: float, account: str = "") -> None:
        """Create the environment `live` or `test` of an account."""
        self.name = name
        self._account = account
        self._clock = clock
        self._world = InvoicetronicWorld(clock, f"{seed}:{name}", scale)
        self.tables = Tables(self._world)
        self.reset()

    def reset(self) -> None:
        """Restore the initial state."""
        self.tables.reset()
        self.account = Account(is_billed=self.name == LIVE)
        self.behaviour = Behaviour()
        self.restricted_keys: dict[str, Restriction] = {}
        self.payloads_read: dict[str, Counter[int]] = {"send": Counter(), "receive": Counter()}
        self.exports = 0

    @property
    def main_key(self) -> str:
        """The key without restrictions."""
        return credential_of(f"ik_{self.name}_sandbox", self._account)

    def accepts_key(self, key: str) -> bool:
        """Return whether a key is valid in this environment."""
        return key == self.main_key or key in self.restricted_keys

    def rows(self, resource: str, restriction: Restriction | None) -> list[Row]:
        """Return the rows of a resource that a key may see, with embedded objects."""
        rows: list[Row] = [dict(row) for row in self.tables.served_rows(resource)]
        if restriction is not None:
            rows = [row for row in rows if restriction.sees(resource, row)]
        if resource == "send":
            companies = {row["id"]: row for row in self.tables.stored_rows("company")}
            for row in rows:
                row["company"] = companies.get(row["company_id"])
        if resource == "update":
            sent = {row["id"]: row for row in self.tables.stored_rows("send")}
            for row in rows:
                found = sent.get(row["send_id"], {})
                row["send"] = {name: found.get(name) for name in SENT_SUMMARY_FIELDS}
        return rows

    def without_payload(self, row: Row) -> Row:
        """Return a row as it is served when its payload was not requested."""
        shown = {name: value for name, value in row.items() if name != "payload"}
        if self.behaviour.payload_left_out == "absent":
            return shown
        return {**shown, "payload": "" if self.behaviour.payload_left_out == "empty" else None}

    def payload(self, resource: str, row: Row) -> str:
        """Return the payload of an invoice: the one set by the admin, or the generated one."""
        if row["payload"] is not None:
            return str(row["payload"])
        generated = self._world.generated_invoice(resource, row["id"])
        return generated.text if row["encoding"] == "Xml" else generated.base64

    def file(self, resource: str, row: Row) -> bytes:
        """Return the file of an invoice."""
        if row["payload"] is None:
            return self._world.generated_invoice(resource, row["id"]).content
        payload = str(row["payload"])
        return payload.encode() if row["encoding"] == "Xml" else base64.b64decode(payload)

    def export_name(self, row: Row) -> str:
        """Return the name of an invoice's file in an export, which is not documented."""
        return str(row["file_name"]) if self.behaviour.export_names == "file_name" else f"{row['id']}.xml"

    def read_payloads(self, resource: str, rows: Sequence[Row]) -> None:
        """Record that payloads were read. Received invoices are charged and marked as read; sent ones are not.

        Raises:
            Refused: The balance does not cover them; nothing has changed.
        """
        if resource == "receive":
            is_free = self.account.repeated_reads == "free"
            self.account.charge([row["id"] for row in rows if not (is_free and row["is_read"])])
            self._mark_read("receive", rows)
        self.payloads_read[resource].update(row["id"] for row in rows)

    def mark_exported(self, rows: Sequence[Row]) -> None:
        """Charge the unread ones of the exported received invoices, and mark all as read.

        Raises:
            Refused: The balance does not cover them; nothing has changed.
        """
        self.account.charge([row["id"] for row in rows if not row["is_read"]])
        self._mark_read("receive", rows)

    def updates_listed(self, rows: Sequence[Row]) -> None:
        """Mark listed updates as read, if the admin has switched that on."""
        if self.behaviour.updates_read_by_list:
            self._mark_read("update", rows)

    def add_update(self, send_id: int, state: str, moment: str | None = None) -> JsonObject:
        """Add an SDI update of a sent invoice.

        Args:
            send_id: The invoice.
            state: Its new state.
            moment: The time of the update, as a date-time; now if None.

        Returns:
            The new update.

        Raises:
            KeyError: There is no such invoice.
        """
        sent = next((row for row in self.tables.stored_rows("send") if row["id"] == send_id), None)
        if sent is None:
            raise KeyError(f"there is no send {send_id}")
        update = self.tables.create("update", {"send_id": send_id, "company_id": sent["company_id"], "state": state})
        update["last_update"] = moment or update["last_update"]
        changes: dict[str, Json] = {"last_update": update["last_update"], "latest_state": state}
        if sent["date_sent"] is None:
            changes |= {"date_sent": update["last_update"], "identifier": str(9_900_000_000 + send_id)}
        self.tables.update("send", str(send_id), changes)
        return update

    def log(self, request: ApiRequest, status: int, error: str | None) -> None:
        """Add a request to /log, at the machine's time, so that a window closed when a run starts leaves it out.

        Args:
            request: The request.
            status: The status of the answer.
            error: The reason, if it is an error.
        """
        now = datetime.fromtimestamp(self._clock.wall(), UTC)
        moment = format_timestamp(now, now.microsecond * (TICKS_PER_SECOND // 1_000_000))
        user_agent = request.headers.get("user-agent")
        self.tables.create(
            "log",
            {
                "created": moment,
                "api_key_id": API_KEY_ID,
                "company_id": None,
                "method": request.method,
                "endpoint": request.route,
                "api_version": API_VERSION,
                "status_code": status,
                "date_time": moment,
                "error": error,
                "resource_id": None,
                "user_agent": None if user_agent is None else user_agent[:MAX_USER_AGENT_LENGTH],
                "success": error is None,
                "query": urlencode(request.query) or None,
                "response_body": None,
            },
        )

    def _mark_read(self, resource: str, rows: Sequence[Row]) -> None:
        read = {row["id"] for row in rows}
        for stored in self.tables.stored_rows(resource):
            if stored["id"] in read:
                stored["is_read"] = True
