"""The admin's routes for Covage: its rows, how they are wrapped, and its tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from sandbox.admin import InvalidAdminRequest, endpoint, table_routes
from sandbox.covage.api import DOCUMENTED, ENVELOPES
from sandbox.covage.keycloak import GRANTS, Lifetimes

if TYPE_CHECKING:
    from starlette.requests import Request

    from sandbox.admin import Payload
    from sandbox.covage.api import CovageApi
    from sandbox.json_types import Json


def covage_admin_routes(api: CovageApi) -> list[Route]:
    """The routes below `/admin/covage`."""

    def set_envelopes(_request: Request, payload: Payload) -> Json:
        """Wrap resources like this; those not named, as at the start."""
        if not payload.keys() <= DOCUMENTED.keys() or not set(payload.values()) <= set(ENVELOPES):
            raise InvalidAdminRequest(f"{' or '.join(DOCUMENTED)} can be {' or '.join(ENVELOPES)}")
        api.envelopes = {**DOCUMENTED, **payload}
        return payload

    def set_tokens(_request: Request, payload: Payload) -> Json:
        """How long the tokens of logins from now on last."""
        api.keycloak.lifetimes = Lifetimes(**payload)
        return payload

    def revoke(_request: Request, payload: Payload) -> Json:
        """No token given so far is good any more."""
        api.keycloak.revoke(**payload)
        return {}

    def logins(_request: Request, _payload: Payload) -> Json:
        """How often tokens were given, by grant type, and how often refused."""
        return {name: api.keycloak.logins[name] for name in (*GRANTS, "refused")}

    return [
        *table_routes(api.tables),
        Route("/envelopes", endpoint(set_envelopes), methods=["PUT"]),
        Route("/tokens", endpoint(set_tokens), methods=["PUT"]),
        Route("/revocations", endpoint(revoke), methods=["POST"]),
        Route("/logins", endpoint(logins), methods=["GET"]),
    ]
