"""Admin routes for Productive: rows of organization 1, and what the API refuses or adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from sandbox.admin import endpoint
from sandbox.productive.admin_changes import check_change, stored_json
from sandbox.productive.server_time import Budget
from sandbox.productive.settings import Refusals, ScriptedChanges

if TYPE_CHECKING:
    from starlette.requests import Request

    from sandbox.admin import Handler, Payload
    from sandbox.json_types import Json
    from sandbox.productive.api import ProductiveApi


def productive_admin_routes(api: ProductiveApi) -> list[Route]:
    """Return the routes below `/admin/productive`."""
    return [*_record_routes(api), *_setting_routes(api)]


def _record_routes(api: ProductiveApi) -> list[Route]:
    def records(request: Request, _payload: Payload) -> Json:
        return [stored_json(record) for record in api.world.rows(request.path_params["resource"])]

    def action(name: str) -> Handler:
        return lambda request, payload: api.change({**payload, **request.path_params, "action": name})

    return [
        Route("/records/{resource}", endpoint(records), methods=["GET"]),
        Route("/records/{resource}", endpoint(action("create")), methods=["POST"]),
        Route("/records/{resource}/{id}", endpoint(action("update")), methods=["PATCH"]),
        Route("/records/{resource}/{id}", endpoint(action("delete")), methods=["DELETE"]),
        Route("/records/{resource}/{id}/archive", endpoint(action("archive")), methods=["POST"]),
    ]


def _setting_routes(api: ProductiveApi) -> list[Route]:
    def set_features(_request: Request, payload: Payload) -> Json:
        api.settings.features = dict(payload)
        return payload

    def set_refusals(_request: Request, payload: Payload) -> Json:
        api.settings.refusals = Refusals(**payload)
        return payload

    def set_extra_attributes(_request: Request, payload: Payload) -> Json:
        api.settings.extra_attributes = dict(payload)
        return payload

    def set_runtimes(_request: Request, payload: Payload) -> Json:
        api.settings.runtimes = {str(path): float(seconds) for path, seconds in payload.items()}
        return payload

    def set_server_time(_request: Request, payload: Payload) -> Json:
        api.server_time.replace([Budget(**budget) for budget in payload["budgets"]])
        return payload

    def script_changes(_request: Request, payload: Payload) -> Json:
        for change in payload["changes"]:
            check_change(api.world, change)
        api.settings.scripted.append(ScriptedChanges(**payload))
        return {}

    return [
        Route("/features", endpoint(set_features), methods=["PUT"]),
        Route("/refusals", endpoint(set_refusals), methods=["PUT"]),
        Route("/extra_attributes", endpoint(set_extra_attributes), methods=["PUT"]),
        Route("/runtimes", endpoint(set_runtimes), methods=["PUT"]),
        Route("/server_time", endpoint(set_server_time), methods=["PUT"]),
        Route("/scripted_changes", endpoint(script_changes), methods=["POST"]),
    ]
