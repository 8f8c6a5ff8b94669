"""Answers of the Covage API, and its routes to Keycloak."""

from __future__ import annotations

import json
import operator
from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from typing_extensions import override

from sandbox.bearer import bearer_token
from sandbox.covage.keycloak import Keycloak, login_of
from sandbox.covage.paging import cursor_page
from sandbox.covage.world import CovageWorld
from sandbox.gateway import Api, ApiError, Reply
from sandbox.limits import RequestWindows
from sandbox.pdf import MEDIA_TYPE, one_page_pdf
from sandbox.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.clock import Clock
    from sandbox.gateway import ApiRequest
    from sandbox.json_types import Json, JsonObject
    from sandbox.schedule import Change

MOUNT = "/covage"
KEYCLOAK = "/auth/"
TOKEN_ROUTE = "/auth/realms/covage/protocol/openid-connect/token"  # noqa: S105 - a path
API = "/api/v1"
SERVER_ERROR: JsonObject = {"detail": "Internal server error"}

SORT_FIELDS = {
    # Not by date: no order is documented, so clients must not rely on one.
    "invoices": ("billing_site_ref", "invoice_number"),
    "orders": ("order_reference",),
    "order_history": ("key",),
    "quotes": ("id",),
    "projects": ("code",),
    "ennis": ("reference",),
    "catalog_categories": ("name",),
}
FILTERS = {
    "invoices": ("invoice_number",),
    "quotes": ("external_id",),
    "projects": ("code", "active"),
    "ennis": ("reference", "name", "short_name", "active", "offer", "dsp", "delivery_mode"),
}
"""Parameters that filter by the attribute of the same name; others are ignored, as in Django."""

PATHS_WITHOUT_SLASH = ("referential/project",)
"""Documented without the trailing slash that the others have."""

LISTS = {
    "invoice": "invoices",
    "order": "orders",
    "quote": "quotes",
    "referential/project": "projects",
    "referential/enni": "ennis",
    "catalog/category": "catalog_categories",
}
HIDDEN = {"orders": ("external_id", "enni_reference"), "order_history": ("key", "order_reference")}
"""Fields of an order that only its detail has, and fields of its history that are internal."""

ENVELOPES = ("bare", "results", "single", "unknown")
DOCUMENTED = {
    "invoices": "results",
    "orders": "results",
    "order_details": "single",
    "order_history": "bare",
    "quotes": "results",
    "projects": "bare",
    "ennis": "bare",
    "catalog_categories": "bare",
}
"""The envelope of each resource. Only the one of the invoices is documented."""


class CovageApi(Api):
    """The Covage client API, as an operator's service account uses it."""

    media_type = "application/json"
    server_error = SERVER_ERROR

    def __init__(self, clock: Clock, seed: int, scale: float, account: str = "") -> None:
        """Serve the world generated from `seed` and `scale`, to the user of `account`."""
        # No limit is documented.
        self.windows = RequestWindows(clock, ())
        self.tables = Tables(CovageWorld(clock, seed, scale))
        self.keycloak = Keycloak(clock, account)
        self.envelopes: Mapping[str, str] = DOCUMENTED

    def reset(self) -> None:
        """Restore the initial state and revoke all tokens."""
        self.tables.reset()
        self.windows.reset()
        self.keycloak.reset()
        self.envelopes = DOCUMENTED

    @override
    def is_authenticated(self, headers: Mapping[str, str]) -> bool:
        return self.keycloak.is_valid(bearer_token(headers))

    @override
    def credential(self, request: ApiRequest) -> str:
        return login_of(request) if request.route == TOKEN_ROUTE else bearer_token(request.headers)

    @override
    def after_request(self, path: str) -> None:
        self.tables.after_request(path)

    def change_at(self, change: Change) -> str | None:
        """Carry out a change by place."""
        return self.tables.change_at(change)

    @override
    def answer(self, request: ApiRequest) -> JsonObject | Reply:
        if request.route == TOKEN_ROUTE:
            return self.keycloak.answer(request)
        if request.route.startswith(KEYCLOAK):
            raise ApiError(404, {"error": "Realm does not exist"})
        path = request.route.removeprefix(f"{API}/")
        if path == request.route or not path.strip("/"):
            raise ApiError(404, {"detail": "Not found."})
        location = _documented_path(path)
        if location is not None:
            query = f"?{urlencode(request.query)}" if request.query else ""
            return Reply(b"", 301, {"Location": f"{MOUNT}{API}/{location}{query}"})
        self._authorize(request)
        return self._reply(path.strip("/"), request)

    def _authorize(self, request: ApiRequest) -> None:
        challenge = {"WWW-Authenticate": 'Bearer realm="covage"'}
        token = bearer_token(request.headers)
        if not token:
            raise ApiError(401, {"detail": "Authentication credentials were not provided."}, challenge)
        if not self.keycloak.use(token):
            raise ApiError(401, {"detail": "Token is invalid or expired"}, challenge)
        if request.method != "GET":
            raise ApiError(405, {"detail": f'Method "{request.method}" not allowed.'})

    def _reply(self, path: str, request: ApiRequest) -> Reply:
        if path in LISTS:
            resource = LISTS[path]
            rows = [row for row in self.tables.served_rows(resource) if _passes_filters(resource, row, request.query)]
            return self._wrapped(resource, rows, request)
        match path.split("/"):
            case ["invoice", number, "download"]:
                return self._pdf(number)
            case ["order", reference]:
                return self._wrapped("order_details", [self._row("orders", reference)], request)
            case ["order", reference, "historic"]:
                self._row("orders", reference)
                steps = [row for row in self.tables.served_rows("order_history") if row["order_reference"] == reference]
                return self._wrapped("order_history", steps, request)
        raise ApiError(404, {"detail": "Not found."})

    def _wrapped(self, resource: str, rows: Sequence[JsonObject], request: ApiRequest) -> Reply:
        """Return rows in the envelope of their resource."""
        order = SORT_FIELDS["orders" if resource == "order_details" else resource]
        hidden = HIDDEN.get(resource, ())
        keyed_rows = sorted(
            (([str(row[name]) for name in order], _without(row, hidden)) for row in rows), key=operator.itemgetter(0)
        )
        shown = [row for _, row in keyed_rows]
        envelope = self.envelopes[resource]
        if envelope == "results":
            return Reply(cursor_page(keyed_rows, request.query, request.route))
        if envelope == "single":
            return Reply(shown[0] if shown else {})
        return Reply(shown if envelope == "bare" else {"status": "ok", "payload": {"elements": shown}})

    def _pdf(self, number: str) -> Reply:
        """Return the invoice's PDF. It contains every field, so it changes if and only if the invoice does."""
        row = self._row("invoices", number)
        lines = [f"Facture {number}", "", *(f"{name}: {json.dumps(value)}" for name, value in row.items())]
        disposition = {"Content-Disposition": f"attachment; filename={number}.pdf"}
        return Reply(one_page_pdf(lines), headers=disposition, media_type=MEDIA_TYPE)

    def _row(self, resource: str, key: str) -> JsonObject:
        row = self.tables.served_row(resource, key)
        if row is None:
            raise ApiError(404, {"detail": "Not found."})
        return row


def _documented_path(path: str) -> str | None:
    """Return the documented path, if this one differs from it only by its last slash."""
    bare = path.strip("/")
    documented = bare if bare in PATHS_WITHOUT_SLASH else f"{bare}/"
    return None if path == documented else documented


def _passes_filters(resource: str, row: JsonObject, query: Sequence[tuple[str, str]]) -> bool:
    """Return whether a row passes the filters of its list."""
    return all(
        _text(row[name]) == value.lower()
        if name in FILTERS.get(resource, ())
        else _in_range(resource, row, name, value)
        for name, value in query
    )


def _in_range(resource: str, row: JsonObject, name: str, value: str) -> bool:
    """Return whether an invoice's date is within a bound; `_lt` and `_gt` are inclusive, as documented."""
    if resource != "invoices" or name not in {"accounting_date_lt", "accounting_date_gt"}:
        return True
    try:
        bound = date.fromisoformat(value).isoformat()
    except ValueError:
        raise ApiError(400, {name: ["Enter a valid date."]}) from None
    accounted = str(row["accounting_date"])
    return accounted <= bound if name == "accounting_date_lt" else accounted >= bound


def _text(value: Json) -> str:
    return str(value).lower()


def _without(row: JsonObject, names: Sequence[str]) -> JsonObject:
    return {name: value for name, value in row.items() if name not in names}
