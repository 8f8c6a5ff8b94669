"""Answers of the Invobi API."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from typing_extensions import override

from sandbox.bearer import bearer_token
from sandbox.credentials import credential_of
from sandbox.gateway import Api, ApiError, Reply
from sandbox.invobi.world import InvobiWorld
from sandbox.limits import RequestWindows, Window
from sandbox.pdf import MEDIA_TYPE, one_page_pdf
from sandbox.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.clock import Clock
    from sandbox.gateway import ApiRequest
    from sandbox.json_types import JsonObject
    from sandbox.schedule import Change

TOKEN = "sandbox-token"  # noqa: S105 - the sandbox's only token opens nothing else
WINDOWS = (Window("token", 100, 60),)
DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE = 20, 100
NO_LABEL = "__no_label__"
STATUSES = ("paid", "unpaid")
SERVER_ERROR: JsonObject = {"error": "Internal server error"}

OMITTED_FIELDS = {
    "invoices": ("locale", "from_details", "to_details", "items", "discounts", "taxes", "payment_details"),
    "invoice_details": ("paid_at",),
}
"""Fields missing from the documentation's samples of the list and of one invoice."""


class InvobiApi(Api):
    """Invobi, with a token that may read."""

    media_type = "application/json"
    server_error = SERVER_ERROR

    def __init__(self, clock: Clock, seed: int, scale: float, account: str = "") -> None:
        """Serve the world generated from `seed` and `scale`, to the token of `account`."""
        self._token = credential_of(TOKEN, account)
        self.windows = RequestWindows(clock, WINDOWS)
        self.tables = Tables(InvobiWorld(clock, seed, scale))
        self.omitted_fields: Mapping[str, Sequence[str]] = OMITTED_FIELDS

    def reset(self) -> None:
        """Restore the initial state."""
        self.tables.reset()
        self.windows.reset()
        self.omitted_fields = OMITTED_FIELDS

    @override
    def is_authenticated(self, headers: Mapping[str, str]) -> bool:
        return bearer_token(headers) == self._token

    @override
    def credential(self, request: ApiRequest) -> str:
        return bearer_token(request.headers)

    @override
    def headers(self, request: ApiRequest, seconds: float) -> Mapping[str, str]:
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
            raise ApiError(401, {"error": "Invalid or expired API token"})
        if self.windows.take({"token": TOKEN}):
            raise ApiError(429, {"error": "Rate limit exceeded"})
        if request.method != "GET":
            # Writes are documented, but the sandbox is read-only, as taps must be.
            raise ApiError(405, {"error": "The sandbox only answers GET"})
        query = dict(request.query)
        match request.route.strip("/").split("/"):
            case ["invoices"]:
                return self._invoices(query)
            case ["invoices", key]:
                return {"invoice": self._without_omitted("invoice_details", self._row("invoices", key))}
            case ["invoices", key, "download"]:
                return self._pdf(key)
            case ["prompts"]:
                return {"prompts": [row for row in self.tables.served_rows("prompts") if _matches(row, query)]}
            case ["prompts", "labels"]:
                return {"labels": self._labels()}
            case ["prompts", key]:
                return {"prompt": self._row("prompts", key)}
        raise ApiError(404, {"error": "Not found"})

    def _invoices(self, query: Mapping[str, str]) -> JsonObject:
        status = query.get("status")
        if status is not None and status not in STATUSES:
            # 400 is documented for invalid parameters, without an example (inferred).
            raise ApiError(400, {"error": "status must be 'paid' or 'unpaid'"})
        # The order is not documented. Here the newest is first, so that a new invoice shifts all others.
        rows = [row for row in reversed(self.tables.served_rows("invoices")) if status in {None, _status(row)}]
        # Nor is it documented what a size above the maximum gives: here, the maximum.
        page, size = _positive(query, "page", 1), min(_positive(query, "per_page", DEFAULT_PAGE_SIZE), MAX_PAGE_SIZE)
        shown = rows[(page - 1) * size : page * size]
        return {
            "invoices": [self._without_omitted("invoices", row) for row in shown],
            "pagination": {
                "total": len(rows),
                "page": page,
                "per_page": size,
                "total_pages": math.ceil(len(rows) / size),
            },
        }

    def _pdf(self, key: str) -> Reply:
        """Return the invoice's PDF. It contains every field, so it changes if and only if the invoice does."""
        row = self._row("invoices", key)
        lines = [str(row["title"]), "", *(f"{name}: {json.dumps(value)}" for name, value in row.items())]
        return Reply(one_page_pdf(lines), media_type=MEDIA_TYPE)

    def _labels(self) -> list[str]:
        """Return the distinct label names of all prompts."""
        prompts = self.tables.served_rows("prompts")
        return list(dict.fromkeys(name for row in prompts for name in label_names(row)))

    def _row(self, resource: str, key: str) -> JsonObject:
        row = self.tables.served_row(resource, key)
        if row is None:
            raise ApiError(404, {"error": f"{resource.removesuffix('s').capitalize()} not found"})
        return row

    def _without_omitted(self, view: str, row: JsonObject) -> JsonObject:
        return {name: value for name, value in row.items() if name not in self.omitted_fields[view]}


def _status(row: JsonObject) -> str:
    return "unpaid" if row["paid_at"] is None else "paid"


def label_names(prompt: JsonObject) -> list[str]:
    """Return the names of a prompt's labels."""
    labels = prompt["labels"]
    if not isinstance(labels, list):
        return []
    return [str(label["name"]) for label in labels if isinstance(label, dict)]


def _matches(prompt: JsonObject, query: Mapping[str, str]) -> bool:
    """Return whether a prompt has the requested label and content."""
    label, names = query.get("label"), label_names(prompt)
    has_label = label is None or (not names if label == NO_LABEL else label in names)
    return has_label and query.get("content", "").lower() in str(prompt["prompt_text"]).lower()


def _positive(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isdecimal() or int(text) < 1:
        raise ApiError(400, {"error": f"{name} must be a positive integer"})
    return int(text)
