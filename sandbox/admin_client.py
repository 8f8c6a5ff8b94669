"""The admin over HTTP, for the demo and for tests in whatever process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypedDict, cast

import requests

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.json_types import Json

TIMEOUT_SECONDS = 30


class StoredRecord(TypedDict):
    """A row as the sandbox keeps it."""

    id: str
    type: str
    attributes: dict[str, Any]
    relationships: dict[str, str | list[str] | None]


class LoggedRequest(TypedDict):
    """A request as the sandbox logged it; `query` is a list of [name, value]."""

    method: str
    path: str
    query: list[list[str]]
    authenticated: bool
    organization: str | None
    user_agent: str | None
    feature_flags: str | None
    status: int
    content_length: int


class WindowOrder(TypedDict):
    """A request window: so many requests per `period` seconds, for one `token` or one `organization`."""

    scope: str
    limit: int
    period: int


class AdminRefused(Exception):
    """The admin could not carry out an order; the message says why."""


class AdminClient:
    """Orders to a running sandbox."""

    def __init__(self, url: str) -> None:
        """Talk to the sandbox at the root `url`."""
        self._url = f"{url}/admin"
        self._session = requests.Session()
        # A proxy of the machine must not come between.
        self._session.trust_env = False

    def __enter__(self) -> Self:
        """Use it in a block."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close its connections."""
        self._session.close()

    def create(
        self,
        resource: str,
        attributes: Mapping[str, Json] | None = None,
        relationships: Mapping[str, Json] | None = None,
        *,
        touch_last_activity: bool = True,
    ) -> StoredRecord:
        """Add a row; `relationships` maps names to an id, a list of ids, or null.

        A new line or payment is also a write of its invoice, whose `last_activity_at` moves unless told not to.
        """
        payload = {
            "attributes": attributes or {},
            "relationships": relationships or {},
            "touch_last_activity": touch_last_activity,
        }
        return cast("StoredRecord", self._send("POST", f"productive/records/{resource}", payload))

    def update(
        self,
        resource: str,
        record_id: str,
        attributes: Mapping[str, Json] | None = None,
        relationships: Mapping[str, Json] | None = None,
        *,
        touch_last_activity: bool = True,
    ) -> StoredRecord:
        """Change a row; without `touch_last_activity` only `updated_at` moves."""
        payload = {
            "attributes": attributes or {},
            "relationships": relationships or {},
            "touch_last_activity": touch_last_activity,
        }
        return cast("StoredRecord", self._send("PATCH", f"productive/records/{resource}/{record_id}", payload))

    def delete(self, resource: str, record_id: str) -> StoredRecord | None:
        """Remove a row; returns its row in the recycle bin, if it goes there."""
        answer = self._send("DELETE", f"productive/records/{resource}/{record_id}")
        return cast("StoredRecord | None", answer["deleted_item"])

    def archive(self, resource: str, record_id: str) -> StoredRecord:
        """Set a row's `archived_at`."""
        return cast("StoredRecord", self._send("POST", f"productive/records/{resource}/{record_id}/archive"))

    def records(self, resource: str) -> list[StoredRecord]:
        """All rows of a resource as stored, whatever the API refuses or adds."""
        return cast("list[StoredRecord]", self._send("GET", f"productive/records/{resource}"))

    def script_changes(self, path: str, *, after_request: int, changes: Sequence[Mapping[str, Json]]) -> None:
        """Have changes carried out right after the n-th request from now to a path that ends like this.

        Each change is an object of `action` (create, update, archive, delete), `resource`, and what the action takes.
        """
        payload = {"path": path, "after_request": after_request, "changes": list(changes)}
        self._send("POST", "productive/scripted_changes", payload)

    def set_features(self, **features: bool) -> None:
        """Switch paid features, e.g. `financials=False`; features not named are on."""
        self._send("PUT", "productive/features", features)

    def set_refusals(
        self,
        *,
        includes: Mapping[str, Sequence[str]] | None = None,
        filters: Mapping[str, Sequence[str]] | None = None,
        sorts: Mapping[str, Sequence[str]] | None = None,
        keyset_sorts: Mapping[str, Sequence[str]] | None = None,
        routes: Sequence[str] = (),
    ) -> None:
        """Have the API refuse what is documented, in the place of what it refused before; `keyset_sorts` takes `*`."""
        payload = {
            "includes": includes or {},
            "filters": filters or {},
            "sorts": sorts or {},
            "keyset_sorts": keyset_sorts or {},
            "routes": list(routes),
        }
        self._send("PUT", "productive/refusals", payload)

    def set_extra_attributes(self, extra: Mapping[str, Mapping[str, Json]]) -> None:
        """Put attributes on, or over, every served record of a resource, in the place of those put before."""
        self._send("PUT", "productive/extra_attributes", extra)

    def advance_clock(self, seconds: float) -> None:
        """Let time pass, for the world and for request windows."""
        self._send("POST", "clock", {"advance_seconds": seconds})

    def set_limits(self, windows: Sequence[WindowOrder]) -> None:
        """Count requests by other windows, in every system; by none if there are none."""
        self._send("PUT", "limits", {"windows": list(windows)})

    def add_fault(self, path: str, *, query: str = "", times: int = 1, skip: int = 0, **kind: Json) -> None:
        """Have something go wrong.

        Args:
            path: Which requests, as a glob over the path, e.g. `*/invoices`.
            query: Only those whose decoded query string contains this.
            times: How many of them.
            skip: How many of them pass unharmed before.
            kind: One of `status=503` (with `body`, `headers`), `truncate=True`, `drop=True`, `not_json=True`,
                `delay_ms=200`, `redirect_to="http://…"`.
        """
        self._send("POST", "faults", {"path": path, "query": query, "times": times, "skip": skip, **kind})

    def clear_faults(self) -> None:
        """Forget the faults that have not happened."""
        self._send("DELETE", "faults")

    def requests(self) -> list[LoggedRequest]:
        """What the APIs were asked since the start, or since it was last cleared."""
        return cast("list[LoggedRequest]", self._send("GET", "requests"))

    def clear_requests(self) -> None:
        """Forget what they were asked."""
        self._send("DELETE", "requests")

    def reset(self) -> None:
        """Everything as at the start."""
        self._send("POST", "reset")

    def _send(self, method: str, path: str, payload: object = None) -> dict[str, Any]:
        response = self._session.request(method, f"{self._url}/{path}", json=payload, timeout=TIMEOUT_SECONDS)
        if not response.ok:
            raise AdminRefused(response.text)
        return cast("dict[str, Any]", response.json())
