"""Admin routes for 2invoice: rows, and how answers are wrapped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from sandbox.admin import InvalidAdminRequest, endpoint, table_routes
from sandbox.gateway import Reply
from sandbox.two_invoice.api import DETAIL_ENVELOPES, LIST_ENVELOPES
from sandbox.two_invoice.envelopes import ENVELOPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.requests import Request

    from sandbox.admin import Payload
    from sandbox.json_types import Json
    from sandbox.two_invoice.api import TwoInvoiceApi

DETAILS = ("bare", "keyed")


def two_invoice_admin_routes(api: TwoInvoiceApi) -> list[Route]:
    """Return the routes below `/admin/2invoice`."""

    def set_lists(_request: Request, payload: Payload) -> Json:
        """Set the envelopes of the named lists; the others return to the initial ones."""
        api.list_envelopes = {**LIST_ENVELOPES, **check_envelopes(payload, LIST_ENVELOPES, ENVELOPES)}
        return payload

    def set_details(_request: Request, payload: Payload) -> Json:
        """Serve details `bare`, or `keyed` under the resource's name; the others return to the initial form."""
        api.detail_envelopes = {**DETAIL_ENVELOPES, **check_envelopes(payload, DETAIL_ENVELOPES, DETAILS)}
        return payload

    def set_repeats(_request: Request, payload: Payload) -> Json:
        """Answer every page of a list after this one with this one."""
        api.repeats = dict(payload)
        return payload

    def set_omitted_fields(_request: Request, payload: Payload) -> Json:
        """Omit fields from the rows of the named lists, e.g. `id`; the others are complete."""
        api.omitted_fields = dict(payload)
        return payload

    def set_token_information(_request: Request, payload: Payload) -> Json:
        """Answer auth/token-information with this `status` and `body`, or with this `text` instead."""
        status = payload.get("status", 200)
        text = payload.get("text")
        api.token_information = (
            Reply(payload.get("body"), status)
            if text is None
            else Reply(text.encode(), status, media_type="text/plain")
        )
        return payload

    return [
        *table_routes(api.tables),
        Route("/lists", endpoint(set_lists), methods=["PUT"]),
        Route("/details", endpoint(set_details), methods=["PUT"]),
        Route("/repeats", endpoint(set_repeats), methods=["PUT"]),
        Route("/left_out", endpoint(set_omitted_fields), methods=["PUT"]),
        Route("/token_information", endpoint(set_token_information), methods=["PUT"]),
    ]


def check_envelopes(payload: Payload, known: Mapping[str, str], allowed: Iterable[str]) -> Payload:
    """Return the payload if it names known resources and allowed envelopes.

    Raises:
        InvalidAdminRequest: A resource or an envelope is unknown.
    """
    if not payload.keys() <= known.keys() or not set(payload.values()) <= set(allowed):
        raise InvalidAdminRequest(f"the envelope of {' or '.join(known)} must be {' or '.join(allowed)}")
    return payload
