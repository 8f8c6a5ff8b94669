"""The admin over HTTP, for the demo and for tests in whatever process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NotRequired, Self, TypedDict, cast

import requests

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.json_types import Json

TIMEOUT_SECONDS = 30


class StoredRecord(TypedDict):
    """A row of Productive as the sandbox keeps it."""

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


class WindowSettings(TypedDict):
    """A request window: so many requests per `period` seconds, for one `token` or whatever else the system counts.

    With a `burst` it is a bucket that holds so many, refilled by `limit` per `period`.
    """

    scope: str
    limit: int
    period: float
    burst: NotRequired[int]


class AdminError(Exception):
    """The admin could not carry out an order; the message says why."""


class AdminClient:
    """Orders to a running sandbox: to all its systems, to Productive, and by `system` to each of the others."""

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
        """Change a row; without `touch_last_activity` only `updated_at` moves."""
        payload = {
            "attributes": attributes or {},
            "relationships": relationships or {},
            "touch_last_activity": touch_last_activity,
        }
        return cast("StoredRecord", self.send("PATCH", f"productive/records/{resource}/{record_id}", payload))

    def delete(self, resource: str, record_id: str) -> StoredRecord | None:
        """Remove a row; returns its row in the recycle bin, if it goes there."""
        answer = self.send("DELETE", f"productive/records/{resource}/{record_id}")
        return cast("StoredRecord | None", answer["deleted_item"])

    def archive(self, resource: str, record_id: str) -> StoredRecord:
        """Set a row's `archived_at`."""
        return cast("StoredRecord", self.send("POST", f"productive/records/{resource}/{record_id}/archive"))

    def records(self, resource: str) -> list[StoredRecord]:
        """All rows of a resource as stored, whatever the API refuses or adds."""
        return cast("list[StoredRecord]", self.send("GET", f"productive/records/{resource}"))

    def script_changes(self, path: str, *, after_request: int, changes: Sequence[Mapping[str, Json]]) -> None:
        """Have changes carried out right after the n-th request from now to a path that ends like this.

        Each change is an object of `action` (create, update, archive, delete), `resource`, and what the action takes.
        """
        payload = {"path": path, "after_request": after_request, "changes": list(changes)}
        self.send("POST", "productive/scripted_changes", payload)

    def set_features(self, **features: bool) -> None:
        """Switch paid features, e.g. `financials=False`; features not named are on."""
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
    ) -> None:
        """Have the API refuse what is documented, in the place of what it refused before; `keyset_sorts` takes `*`.

        Ignored filters and sorts are accepted and change nothing: rows come that were not asked for, or out of order.
        """
        payload = {
            "includes": includes or {},
            "filters": filters or {},
            "sorts": sorts or {},
            "keyset_sorts": keyset_sorts or {},
            "routes": list(routes),
            "ignored_filters": ignored_filters or {},
            "ignored_sorts": ignored_sorts or {},
        }
        self.send("PUT", "productive/refusals", payload)

    def set_runtimes(self, runtimes: Mapping[str, float]) -> None:
        """Let Productive say in `x-runtime` that answers took so many seconds, by glob over the route, `/invoices`."""
        self.send("PUT", "productive/runtimes", dict(runtimes))

    def set_server_time(self, *, limit: float, period: int = 3600) -> None:
        """Let Productive grant `limit` seconds of server time each `period`, in the place of the documented budgets."""
        self.send("PUT", "productive/server_time", {"budgets": [{"limit": limit, "period": period}]})

    def set_extra_attributes(self, extra: Mapping[str, Mapping[str, Json]]) -> None:
        """Put attributes on, or over, every served record of a resource, in the place of those put before."""
        self.send("PUT", "productive/extra_attributes", extra)

    def advance_clock(self, seconds: float) -> None:
        """Let time pass, for the world and for request windows."""
        self.send("POST", "clock", {"advance_seconds": seconds})

    def set_limits(self, windows: Sequence[WindowSettings], *, system: str | None = None) -> None:
        """Count requests by other windows, in every system or in one; by none if there are none."""
        chosen = {} if system is None else {"system": system}
        self.send("PUT", "limits", {"windows": list(windows), **chosen})

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
        self.send("POST", "faults", {"path": path, "query": query, "times": times, "skip": skip, **kind})

    def clear_faults(self) -> None:
        """Forget the faults that have not happened."""
        self.send("DELETE", "faults")

    def requests(self) -> list[LoggedRequest]:
        """What the APIs were asked since the start, or since it was last cleared."""
        return cast("list[LoggedRequest]", self.send("GET", "requests"))

    def clear_requests(self) -> None:
        """Forget what they were asked."""
        self.send("DELETE", "requests")

    def reset(self) -> None:
        """Everything as at the start."""
        self.send("POST", "reset")

    def system(self, name: str) -> SystemAdmin:
        """The admin of another system than Productive, by the first part of its path, e.g. `invobi` or `2invoice`."""
        return SystemAdmin(self, name)

    def send(self, method: str, path: str, payload: object = None) -> Any:  # noqa: ANN401 - any JSON
        """Send an order to a path below `/admin`, and return what is answered.

        Raises:
            AdminRefused: It could not be carried out.
        """
        response = self._session.request(method, f"{self._url}/{path}", json=payload, timeout=TIMEOUT_SECONDS)
        if not response.ok:
            raise AdminError(response.text)
        return response.json()


class SystemAdmin:
    """Orders to one system whose rows are plain JSON objects."""

    def __init__(self, admin: AdminClient, name: str) -> None:
        """Speak to the system `name` over `admin`'s connections."""
        self._admin = admin
        self._name = name

    def records(self, resource: str) -> list[dict[str, Any]]:
        """All rows of a resource as stored, whatever the API adds."""
        return cast("list[dict[str, Any]]", self.get(f"records/{resource}"))

    def create(self, resource: str, attributes: Mapping[str, Json] | None = None) -> dict[str, Any]:
        """Add a row; what is not given is as in any new one."""
        return cast("dict[str, Any]", self.post(f"records/{resource}", attributes or {}))

    def update(self, resource: str, record_id: object, attributes: Mapping[str, Json]) -> dict[str, Any]:
        """Change a row's attributes, or give it more; values may be of any type."""
        path = f"{self._name}/records/{resource}/{record_id}"
        return cast("dict[str, Any]", self._admin.send("PATCH", path, attributes))

    def delete(self, resource: str, record_id: object) -> dict[str, Any]:
        """Remove a row, and return it."""
        path = f"{self._name}/records/{resource}/{record_id}"
        return cast("dict[str, Any]", self._admin.send("DELETE", path))

    def set_extra_attributes(self, extra: Mapping[str, Mapping[str, Json]]) -> None:
        """Put attributes on, or over, every served record of a resource, in the place of those put before."""
        self.put("extra_attributes", extra)

    def script_changes(self, path: str, *, after_request: int, changes: Sequence[Mapping[str, Json]]) -> None:
        """Have changes carried out right after the n-th request from now to a path that ends like this.

        Each change is an object of `action` (create, update, delete), `resource`, `id` and `attributes`.
        """
        self.post("scripted_changes", {"path": path, "after_request": after_request, "changes": list(changes)})

    def get(self, path: str) -> Any:  # noqa: ANN401 - any JSON
        """What the system's admin says at `path`, e.g. `logins` of covage."""
        return self._admin.send("GET", f"{self._name}/{path}")

    def put(self, path: str, payload: Mapping[str, Any]) -> None:
        """Set one of the system's own settings, e.g. `envelopes` of covage."""
        self._admin.send("PUT", f"{self._name}/{path}", payload)

    def post(self, path: str, payload: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - any JSON
        """Give one of the system's own orders."""
        return self._admin.send("POST", f"{self._name}/{path}", payload or {})
