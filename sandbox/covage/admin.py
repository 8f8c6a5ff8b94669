"""Admin routes for Covage: rows, list envelopes and tokens."""

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
    """Return the routes below `/admin/covage`."""

    def set_envelopes(_request: Request, payload: Payload) -> Json:
        """Set the envelopes of the named resources; the others return to the initial ones."""
        if not payload.keys() <= DOCUMENTED.keys() or not set(payload.values()) <= set(ENVELOPES):
            raise InvalidAdminRequest(f"the envelope of {' or '.join(DOCUMENTED)} must be {' or '.join(ENVELOPES)}")
        api.envelopes = {**DOCUMENTED, **payload}
        return payload

    def set_tokens(_request: Request, payload: Payload) -> Json:
        """Set how long the tokens of future logins last."""
        api.keycloak.lifetimes = Lifetimes(**payload)
        return payload

    def revoke(_request: Request, payload: Payload) -> Json:
        """Revoke the tokens issued so far."""
        api.keycloak.revoke(**payload)
        return {}

    def logins(_request: Request, _payload: Payload) -> Json:
        """Return how many tokens were issued by each grant type, and how many logins were refused."""
        return {name: api.keycloak.logins[name] for name in (*GRANTS, "refused")}

    return [
        *table_routes(api.tables),
        Route("/envelopes", endpoint(set_envelopes), methods=["PUT"]),
        Route("/tokens", endpoint(set_tokens), methods=["PUT"]),
        Route("/revocations", endpoint(revoke), methods=["POST"]),
        Route("/logins", endpoint(logins), methods=["GET"]),
    ]
