"""Answers of the 2invoice API. That errors are JSON is documented; their bodies here are Laravel's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from sandbox.bearer import bearer_token
from sandbox.credentials import credential_of
from sandbox.gateway import Api, ApiError, Reply
from sandbox.limits import RequestWindows, Window
from sandbox.tables import Tables
from sandbox.two_invoice.envelopes import ENVELOPES, Page
from sandbox.two_invoice.world import TwoInvoiceWorld

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.clock import Clock
    from sandbox.gateway import ApiRequest
    from sandbox.json_types import JsonObject
    from sandbox.schedule import Change

TOKEN = "sandbox-token"  # noqa: S105 - the sandbox's only token opens nothing else
WINDOWS = (Window("token", 60, 1),)
SERVER_ERROR: JsonObject = {"message": "Server Error"}

LISTS = {
    "invoices": "invoices",
    "clients": "clients",
    "products": "products",
    "receipts": "receipts",
    "document-series": "document_series",
    "branch-offices": "branch_offices",
    "inventories": "inventories",
    "templates": "templates",
}
"""Resources by path."""

KEYS = {"products": "data"}
LIST_ENVELOPES = {name: "paginated" if name in {"invoices", "receipts"} else "plain" for name in LISTS.values()}
DETAILS = {"invoices": "invoice", "clients": "client"}
"""Resources with a detail route, and the key of the row in its answer."""

DETAIL_ENVELOPES = {"invoices": "keyed", "clients": "bare"}
"""Neither is documented: here there is one of each."""

TOKEN_INFORMATION = Reply({"token": {"name": "sandbox", "abilities": ["*"], "expires_at": "2027-03-16 07:00:00"}})


class TwoInvoiceApi(Api):
    """2invoice, as an API user's token accesses it."""

    media_type = "application/json"
    server_error = SERVER_ERROR

    def __init__(self, clock: Clock, seed: int, scale: float, account: str = "") -> None:
        """Serve the world generated from `seed` and `scale`, to the token of `account`."""
        self._token = credential_of(TOKEN, account)
        self.windows = RequestWindows(clock, WINDOWS)
        self.tables = Tables(TwoInvoiceWorld(clock, seed, scale))
        self._set_defaults()

    def reset(self) -> None:
        """Restore the initial state."""
        self.tables.reset()
        self.windows.reset()
        self._set_defaults()

    def _set_defaults(self) -> None:
        self.list_envelopes: Mapping[str, str] = LIST_ENVELOPES
        self.detail_envelopes: Mapping[str, str] = DETAIL_ENVELOPES
        self.repeats: Mapping[str, int] = {}
        self.omitted_fields: Mapping[str, Sequence[str]] = {}
        self.token_information = TOKEN_INFORMATION

    @override
    def is_authenticated(self, headers: Mapping[str, str]) -> bool:
        return bearer_token(headers) == self._token

    @override
    def credential(self, request: ApiRequest) -> str:
        return bearer_token(request.headers)

    @override
    def headers(self, request: ApiRequest, seconds: float) -> Mapping[str, str]:
        """Return the rate limit headers; that the reset is in Unix seconds is inferred."""
        return self.windows.headers({"token": TOKEN} if self.is_authenticated(request.headers) else {"token": ""})

    @override
    def after_request(self, path: str) -> None:
        self.tables.after_request(path)

    def change_at(self, change: Change) -> str | None:
        """Carry out a change by place."""
        return self.tables.change_at(change)

    @override
    def answer(self, request: ApiRequest) -> JsonObject | Reply:
        if not self.is_authenticated(request.headers):
            raise ApiError(401, {"message": "Unauthenticated."})
        if self.windows.take({"token": TOKEN}):
            raise ApiError(429, {"message": "Too Many Attempts."})
        if request.method != "GET":
            # Some writes are documented, but the sandbox is read-only, as taps must be.
            raise ApiError(405, {"message": f"The {request.method} method is not supported for this route."})
        match request.route.strip("/").split("/"):
            case ["auth", "token-information"]:
                return self.token_information
            case [path] if path in LISTS:
                return self._list(LISTS[path], request)
            case [path, key] if path in DETAILS:
                return self._detail(path, key)
        raise ApiError(404, {"message": "Not Found"})

    def _list(self, resource: str, request: ApiRequest) -> JsonObject:
        text = dict(request.query).get("page", "1")
        # An invalid page number means the first page, as in Laravel.
        page = int(text) if text.isdecimal() and int(text) else 1
        page = min(page, self.repeats.get(resource, page))
        hidden = self.omitted_fields.get(resource, ())
        rows = [
            {name: value for name, value in row.items() if name not in hidden}
            for row in self.tables.served_rows(resource)
        ]
        envelope = ENVELOPES[self.list_envelopes[resource]]
        return envelope(KEYS.get(resource, resource), rows, Page(page, len(rows), request.url))

    def _detail(self, resource: str, key: str) -> JsonObject:
        row = self.tables.served_row(resource, key)
        if row is None:
            raise ApiError(404, {"message": f"No query results for model {key}"})
        if resource == "invoices":
            row["receipts"] = [
                receipt for receipt in self.tables.served_rows("receipts") if receipt["invoice_id"] == row["id"]
            ]
        return {DETAILS[resource]: row} if self.detail_envelopes[resource] == "keyed" else row
