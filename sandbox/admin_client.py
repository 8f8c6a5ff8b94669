"""HTTP client of the admin, for the demo and for tests in any process."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, NotRequired, Self, TypedDict, cast

import requests

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.json_types import Json

TIMEOUT_SECONDS = 30


class StoredRecord(TypedDict):
    """A row of Productive as the sandbox stores it."""

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
    account: str
    at: float


class WindowSettings(TypedDict):
    """A limit of `limit` requests per `period` seconds, counted per `scope` (e.g. `token`).

    With a `burst` it is a token bucket of that capacity, refilled by `limit` per `period`.
    """

    scope: str
    limit: int
    period: float
    burst: NotRequired[int]


class AdminError(Exception):
    """The admin refused a request; the message is its answer."""


class AdminClient:
    """Client of a running sandbox's admin: for all systems, for Productive and, by `system`, for each other system."""

    def __init__(self, url: str) -> None:
        """Use the sandbox at the root `url`."""
        self._url = f"{url}/admin"
        self._session = requests.Session()
        # Ignore proxies configured on the machine: the sandbox listens on loopback.
        self._session.trust_env = False

    def add_accounts(self, *accounts: str | Mapping[str, Json]) -> None:
        """Add further accounts: names, or objects with `name`, `scale`, `scales` and `quota_group`."""
        entries = [{"name": account} if isinstance(account, str) else dict(account) for account in accounts]
        self.send("POST", "accounts", {"accounts": entries})

    def account(self, name: str) -> AdminClient:
        """Return the admin of a further account: for its rows and faults; the rest is that of the whole sandbox."""
        other = copy.copy(self)
        other._url = f"{self._url}/accounts/{name}"  # noqa: SLF001 - of this class
        return other

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close the connections."""
        self._session.close()

    def create(
        self,
        resource: str,
        attributes: Mapping[str, Json] | None = None,
        relationships: Mapping[str, Json] | None = None,
        *,
        touch_last_activity: bool = True,
    ) -> StoredRecord:
        """Create a row; `relationships` maps names to an id, a list of ids, or null.

        A new line or payment also updates its invoice, whose `last_activity_at` moves by default.
        """
        payload = {
            "attributes": attributes or {},
            "relationships": relationships or {},
            "touch_last_activity": touch_last_activity,
        }
        return cast("StoredRecord", self.send("POST", f"productive/records/{resource}", payload))

    def update(
        self,
        resource: str,
        record_id: str,
        attributes: Mapping[str, Json] | None = None,
        relationships: Mapping[str, Json] | None = None,
        *,
        touch_last_activity: bool = True,
    ) -> StoredRecord:
        """Update a row; without `touch_last_activity` only `updated_at` moves."""
        payload = {
            "attributes": attributes or {},
            "relationships": relationships or {},
            "touch_last_activity": touch_last_activity,
        }
        return cast("StoredRecord", self.send("PATCH", f"productive/records/{resource}/{record_id}", payload))

    def delete(self, resource: str, record_id: str) -> StoredRecord | None:
        """Delete a row, and return its row in the recycle bin, if it goes there."""
        answer = self.send("DELETE", f"productive/records/{resource}/{record_id}")
        return cast("StoredRecord | None", answer["deleted_item"])

    def archive(self, resource: str, record_id: str) -> StoredRecord:
        """Archive a row: set its `archived_at`."""
        return cast("StoredRecord", self.send("POST", f"productive/records/{resource}/{record_id}/archive"))

    def records(self, resource: str) -> list[StoredRecord]:
        """Return all rows of a resource as stored, before refusals and extra attributes apply."""
        return cast("list[StoredRecord]", self.send("GET", f"productive/records/{resource}"))

    def script_changes(self, path: str, *, after_request: int, changes: Sequence[Mapping[str, Json]]) -> None:
        """Schedule changes for right after the n-th request from now to a path that ends in `path`.

        Each change is an object with `action` (create, update, archive, delete), `resource`, and the arguments of the
        action.
        """
        payload = {"path": path, "after_request": after_request, "changes": list(changes)}
        self.send("POST", "productive/scripted_changes", payload)

    def set_features(self, **features: bool) -> None:
        """Switch paid features on or off, e.g. `financials=False`; features that are not named are on."""
        self.send("PUT", "productive/features", features)

    def set_refusals(  # noqa: PLR0913 - one keyword for each kind of refusal
        self,
        *,
        includes: Mapping[str, Sequence[str]] | None = None,
        filters: Mapping[str, Sequence[str]] | None = None,
        sorts: Mapping[str, Sequence[str]] | None = None,
        keyset_sorts: Mapping[str, Sequence[str]] | None = None,
        routes: Sequence[str] = (),
        ignored_filters: Mapping[str, Sequence[str]] | None = None,
        ignored_sorts: Mapping[str, Sequence[str]] | None = None,
        operations: Mapping[str, Sequence[str]] | None = None,
        organization: str = "",
    ) -> None:
        """Make the API refuse what is documented. Replaces earlier refusals; `keyset_sorts` accepts `*`.

        Ignored filters and sorts are accepted without effect: the answer has too many rows, or the wrong order.
        Operations are those of filters; `organization` is the code with which all of it is refused.
        """
        payload = {
            "includes": includes or {},
            "filters": filters or {},
            "sorts": sorts or {},
            "keyset_sorts": keyset_sorts or {},
            "routes": list(routes),
            "ignored_filters": ignored_filters or {},
            "ignored_sorts": ignored_sorts or {},
            "operations": operations or {},
            "organization": organization,
        }
        self.send("PUT", "productive/refusals", payload)

    def set_runtimes(self, runtimes: Mapping[str, float]) -> None:
        """Set the seconds that `x-runtime` reports, by glob over the route, e.g. `/invoices`."""
        self.send("PUT", "productive/runtimes", dict(runtimes))

    def set_server_time(self, *, limit: float, period: int = 3600) -> None:
        """Grant `limit` seconds of server time per `period` seconds, instead of the documented budgets."""
        self.send("PUT", "productive/server_time", {"budgets": [{"limit": limit, "period": period}]})

    def set_extra_attributes(self, extra: Mapping[str, Mapping[str, Json]]) -> None:
        """Add attributes to every served record of a resource, or override its own. Replaces earlier ones."""
        self.send("PUT", "productive/extra_attributes", extra)

    def advance_clock(self, seconds: float) -> None:
        """Advance the time of the world and of the request windows."""
        self.send("POST", "clock", {"advance_seconds": seconds})

    def follow_calendar(self) -> None:
        """Let headers have the time of the calendar instead of the machine's, as a real API's do."""
        self.send("POST", "clock", {"wall_is_calendar": True})

    def schedule(self, system: str, steps: Sequence[Mapping[str, object]]) -> None:
        """Let rows change between requests, in the order of `after_request`. Replaces what was scheduled before.

        Args:
            system: A path of `sandbox.systems.SYSTEMS`, e.g. `invobi`.
            steps: Objects with `after_request` (the number of answers from now on, of any path) and `changes`, which
                happen together: objects with `action`, `resource`, `place` and `attributes` (`schedule.Change`).
        """
        self.send("PUT", f"schedules/{system}", {"steps": list(steps)})

    def applied(self, system: str) -> list[dict[str, Any]]:
        """Return the scheduled changes that have happened: `after_request`, `action`, `resource` and `key`."""
        return cast("list[dict[str, Any]]", self.send("GET", f"schedules/{system}"))

    def set_limits(self, windows: Sequence[WindowSettings], *, system: str | None = None) -> None:
        """Replace the request windows, in one system or in all; an empty list removes them."""
        chosen = {} if system is None else {"system": system}
        self.send("PUT", "limits", {"windows": list(windows), **chosen})

    def add_fault(self, path: str, *, query: str = "", times: int = 1, skip: int = 0, **kind: Json) -> None:
        """Make requests fail.

        Args:
            path: A glob over the request's path, e.g. `*/invoices`.
            query: A text that the decoded query string must contain.
            times: How many matching requests fail.
            skip: How many matching requests succeed before.
            kind: One of `status=503` (with `body`, `headers`), `truncate=True`, `drop=True`, `not_json=True`,
                `delay_ms=200`, `drip_ms=50`, `redirect_to="http://…"`, `broken_gzip=True`, `media_type="text/plain"`,
                `answer_of="first"` (or `"previous"`: that of another request to the path), `no_rows=True`,
                `added_to_total=1`; with `carried_out=True` the API carries the request out before
                its answer is replaced or dropped.
        """
        self.send("POST", "faults", {"path": path, "query": query, "times": times, "skip": skip, **kind})

    def clear_faults(self) -> None:
        """Remove the faults that have not happened yet."""
        self.send("DELETE", "faults")

    def requests(self) -> list[LoggedRequest]:
        """Return the requests since the start, or since the log was last cleared."""
        return cast("list[LoggedRequest]", self.send("GET", "requests"))

    def clear_requests(self) -> None:
        """Clear the request log."""
        self.send("DELETE", "requests")

    def reset(self) -> None:
        """Restore the initial state of all systems."""
        self.send("POST", "reset")

    def system(self, name: str) -> SystemAdmin:
        """Return the admin of another system, by its path, e.g. `invobi`, `2invoice` or `invoicetronic/live`."""
        return SystemAdmin(self, name)

    def send(self, method: str, path: str, payload: object = None) -> Any:  # noqa: ANN401 - any JSON
        """Send a request to a path below `/admin`, and return its JSON answer.

        Raises:
            AdminError: The admin refused it.
        """
        response = self._session.request(method, f"{self._url}/{path}", json=payload, timeout=TIMEOUT_SECONDS)
        if not response.ok:
            raise AdminError(response.text)
        return response.json()


class SystemAdmin:
    """Client of the admin of one system whose rows are plain JSON objects."""

    def __init__(self, admin: AdminClient, name: str) -> None:
        """Use the system `name` over the connections of `admin`."""
        self._admin = admin
        self._name = name

    def records(self, resource: str) -> list[dict[str, Any]]:
        """Return all rows of a resource as stored, without extra attributes."""
        return cast("list[dict[str, Any]]", self.get(f"records/{resource}"))

    def create(self, resource: str, attributes: Mapping[str, Json] | None = None) -> dict[str, Any]:
        """Create a row; attributes that are not given get generated values."""
        return cast("dict[str, Any]", self.post(f"records/{resource}", attributes or {}))

    def update(self, resource: str, record_id: object, attributes: Mapping[str, Json]) -> dict[str, Any]:
        """Update a row's attributes, or add new ones; values may be of any type."""
        path = f"{self._name}/records/{resource}/{record_id}"
        return cast("dict[str, Any]", self._admin.send("PATCH", path, attributes))

    def delete(self, resource: str, record_id: object) -> dict[str, Any]:
        """Delete a row, and return it."""
        path = f"{self._name}/records/{resource}/{record_id}"
        return cast("dict[str, Any]", self._admin.send("DELETE", path))

    def set_extra_attributes(self, extra: Mapping[str, Mapping[str, Json]]) -> None:
        """Add attributes to every served record of a resource, or override its own. Replaces earlier ones."""
        self.put("extra_attributes", extra)

    def script_changes(self, path: str, *, after_request: int, changes: Sequence[Mapping[str, Json]]) -> None:
        """Schedule changes for right after the n-th request from now to a path that ends in `path`.

        Each change is an object with `action` (create, update, delete), `resource`, `id` and `attributes`.
        """
        self.post("scripted_changes", {"path": path, "after_request": after_request, "changes": list(changes)})

    def get(self, path: str) -> Any:  # noqa: ANN401 - any JSON
        """Return the answer of one of the system's own admin routes, e.g. `logins` of Covage."""
        return self._admin.send("GET", f"{self._name}/{path}")

    def put(self, path: str, payload: Mapping[str, Any]) -> None:
        """Change one of the system's own settings, e.g. `envelopes` of Covage."""
        self._admin.send("PUT", f"{self._name}/{path}", payload)

    def post(self, path: str, payload: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - any JSON
        """Call one of the system's own admin routes, e.g. `revocations` of Covage."""
        return self._admin.send("POST", f"{self._name}/{path}", payload or {})
