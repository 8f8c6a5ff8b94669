"""Admin routes for Invoicetronic, for each environment: below `/live` and `/test`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Mount, Route

from sandbox.admin import InvalidAdminRequest, endpoint, table_routes
from sandbox.invoicetronic.environment import Behaviour, Restriction

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from sandbox.admin import Payload
    from sandbox.invoicetronic.api import InvoicetronicApi
    from sandbox.invoicetronic.environment import Environment
    from sandbox.json_types import Json

SETTABLE = {"is_billed", "operation_left", "signature_left", "repeated_reads", "refused_at_zero"}
CHOICES = {
    "repeated_reads": ("paid", "free"),
    "refused_at_zero": ("payloads", "receive"),
    "problem_shape": ("problem", "wrapped"),
    "payload_left_out": ("empty", "null", "absent"),
    "export_names": ("file_name", "id"),
}


def invoicetronic_admin_routes(api: InvoicetronicApi) -> list[Mount]:
    """Return the routes below `/admin/invoicetronic`."""
    return [Mount(f"/{name}", routes=_routes(environment)) for name, environment in api.environments.items()]


def _routes(environment: Environment) -> list[BaseRoute]:
    return [*table_routes(environment.tables), *_cost_routes(environment), *_setting_routes(environment)]


def _cost_routes(environment: Environment) -> list[Route]:
    def billing(_request: Request, _payload: Payload) -> Json:
        return environment.account.as_json()

    def set_billing(_request: Request, payload: Payload) -> Json:
        unknown = set(payload) - SETTABLE
        if unknown:
            raise InvalidAdminRequest(f"billing has no setting {', '.join(sorted(unknown))}")
        check_choices(payload)
        for name, value in payload.items():
            setattr(environment.account, name, value)
        return environment.account.as_json()

    def reads(_request: Request, _payload: Payload) -> Json:
        payloads = {
            resource: {str(invoice): times for invoice, times in counted.items()}
            for resource, counted in environment.payloads_read.items()
        }
        return {"payloads": payloads, "exports": environment.exports}

    return [
        Route("/billing", endpoint(billing), methods=["GET"]),
        Route("/billing", endpoint(set_billing), methods=["PUT"]),
        Route("/reads", endpoint(reads), methods=["GET"]),
    ]


def _setting_routes(environment: Environment) -> list[Route]:
    def set_restricted_keys(_request: Request, payload: Payload) -> Json:
        for key in payload:
            prefix = f"ik_{environment.name}_"
            if not key.startswith(prefix) or key == environment.main_key:
                raise InvalidAdminRequest(f"a restricted key must begin with {prefix} and differ from the main key")
        environment.restricted_keys = {key: Restriction(**restriction) for key, restriction in payload.items()}
        return payload

    def set_behaviour(_request: Request, payload: Payload) -> Json:
        check_choices(payload)
        environment.behaviour = Behaviour(**payload)
        return payload

    def add_update(_request: Request, payload: Payload) -> Json:
        return environment.add_update(**payload)

    return [
        Route("/restricted_keys", endpoint(set_restricted_keys), methods=["PUT"]),
        Route("/behaviour", endpoint(set_behaviour), methods=["PUT"]),
        Route("/sdi_updates", endpoint(add_update), methods=["POST"]),
    ]


def check_choices(payload: Payload) -> None:
    """Check that every setting with a fixed set of values has one of them.

    Raises:
        InvalidAdminRequest: One has another value.
    """
    for name, choices in CHOICES.items():
        if name in payload and payload[name] not in choices:
            raise InvalidAdminRequest(f"{name} must be {' or '.join(choices)}")
