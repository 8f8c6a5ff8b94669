"""Admin routes that all systems share: clock, limits, faults, request log, reset, and rows that are plain JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, get_args

from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.faults import Fault, Kind
from sandbox.limits import Window

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping, Sequence

    from starlette.requests import Request

    from sandbox.clock import Clock
    from sandbox.faults import Faults
    from sandbox.json_types import Json
    from sandbox.limits import RequestWindows
    from sandbox.request_log import RequestLog
    from sandbox.schedule import Schedule
    from sandbox.tables import Tables

Payload = dict[str, Any]
"""A request's JSON body; the function that receives it checks it."""


class System(Protocol):
    """What the shared admin routes need from a system."""

    windows: RequestWindows

    def reset(self) -> None:
        """Restore the initial state."""


class FurtherAccounts(Protocol):
    """What the shared admin routes need from the further accounts."""

    def reset(self) -> None:
        """Restore the initial state."""

    def replace_windows(self, windows: Sequence[Window], systems: Sequence[str]) -> None:
        """Replace the request windows of systems, in all accounts."""


class InvalidAdminRequest(Exception):
    """An admin request that cannot be carried out. It is answered with 400."""


Handler = Callable[["Request", Payload], "Json"]


def endpoint(handle: Handler) -> Callable[[Request], Awaitable[JSONResponse]]:
    """Return a route endpoint that calls `handle` with the request and its JSON body."""

    async def answer(request: Request) -> JSONResponse:
        try:
            raw = await request.body()
            payload = json.loads(raw) if raw else {}
            if not isinstance(payload, dict):
                raise InvalidAdminRequest("the body must be a JSON object")  # noqa: TRY301 - answered as all others are
            return JSONResponse(handle(request, payload))
        except (InvalidAdminRequest, KeyError, TypeError, ValueError) as error:
            return JSONResponse({"error": f"{type(error).__name__}: {error}"}, status_code=400)

    return answer


def admin_routes(  # noqa: PLR0913 - each is another thing
    clock: Clock,
    faults: Faults,
    log: RequestLog,
    systems: Mapping[str, System],
    schedules: Mapping[str, Schedule],
    *,
    accounts: FurtherAccounts,
) -> list[Route]:
    """Return the routes below `/admin`; `systems` and their schedules are named by their paths."""

    def advance(_request: Request, payload: Payload) -> Json:
        clock.advance(payload.get("advance_seconds", 0))
        clock.wall_is_calendar = bool(payload.get("wall_is_calendar", clock.wall_is_calendar))
        return {"now": clock.now.isoformat()}

    def set_limits(_request: Request, payload: Payload) -> Json:
        names = [payload["system"]] if "system" in payload else list(systems)
        accounts.replace_windows(replace_windows(payload, [systems[name].windows for name in names]), names)
        return {"windows": payload["windows"]}

    def add_fault(_request: Request, payload: Payload) -> Json:
        faults.add(parse_fault(payload))
        return {}

    def clear_faults(_request: Request, _payload: Payload) -> Json:
        faults.clear()
        return {}

    def requests(_request: Request, _payload: Payload) -> Json:
        return log.as_json()

    def clear_requests(_request: Request, _payload: Payload) -> Json:
        log.clear()
        return {}

    def reset(_request: Request, _payload: Payload) -> Json:
        clock.reset()
        for system in systems.values():
            system.reset()
        accounts.reset()
        for schedule in schedules.values():
            schedule.replace([])
        faults.clear()
        log.clear()
        return {}

    return [
        Route("/clock", endpoint(advance), methods=["POST"]),
        Route("/limits", endpoint(set_limits), methods=["PUT"]),
        Route("/faults", endpoint(add_fault), methods=["POST"]),
        Route("/faults", endpoint(clear_faults), methods=["DELETE"]),
        Route("/requests", endpoint(requests), methods=["GET"]),
        Route("/requests", endpoint(clear_requests), methods=["DELETE"]),
        Route("/reset", endpoint(reset), methods=["POST"]),
    ]


def schedule_routes(schedules: Mapping[str, Schedule]) -> list[Route]:
    """Return the routes for what changes between two requests, by system."""

    def replace(request: Request, payload: Payload) -> Json:
        schedules[request.path_params["system"]].replace(payload["steps"])
        return {}

    def applied(request: Request, _payload: Payload) -> Json:
        return list(schedules[request.path_params["system"]].applied)

    return [
        Route("/schedules/{system}", endpoint(replace), methods=["PUT"]),
        Route("/schedules/{system}", endpoint(applied), methods=["GET"]),
    ]


def table_routes(tables: Tables) -> list[Route]:
    """Return the admin routes of a system whose rows are plain JSON objects."""

    def records(request: Request, _payload: Payload) -> Json:
        return tables.stored_rows(request.path_params["resource"])

    def create(request: Request, payload: Payload) -> Json:
        return tables.create(request.path_params["resource"], payload)

    def update(request: Request, payload: Payload) -> Json:
        return tables.update(request.path_params["resource"], request.path_params["id"], payload)

    def delete(request: Request, _payload: Payload) -> Json:
        return tables.delete(request.path_params["resource"], request.path_params["id"])

    def set_extra_attributes(_request: Request, payload: Payload) -> Json:
        tables.extra_attributes = dict(payload)
        return payload

    def script_changes(_request: Request, payload: Payload) -> Json:
        tables.script_changes(**payload)
        return {}

    return [
        Route("/records/{resource}", endpoint(records), methods=["GET"]),
        Route("/records/{resource}", endpoint(create), methods=["POST"]),
        Route("/records/{resource}/{id}", endpoint(update), methods=["PATCH"]),
        Route("/records/{resource}/{id}", endpoint(delete), methods=["DELETE"]),
        Route("/extra_attributes", endpoint(set_extra_attributes), methods=["PUT"]),
        Route("/scripted_changes", endpoint(script_changes), methods=["POST"]),
    ]


FAULT_KINDS: tuple[Kind, ...] = get_args(Kind)
_FLAGS = {"truncate", "drop", "not_json", "broken_gzip", "no_rows"}
"""Kinds that have no value."""


def replace_windows(payload: Payload, chosen: Sequence[RequestWindows]) -> list[Window]:
    """Replace the request windows of systems by those in `payload`, and return them.

    Raises:
        InvalidAdminRequest: A window has a scope that none of the systems counts by.
    """
    windows = [Window(**window) for window in payload["windows"]]
    scopes = dict.fromkeys(scope for system_windows in chosen for scope in system_windows.scopes)
    if not {window.scope for window in windows} <= set(scopes):
        allowed = f"must be {' or '.join(scopes)}" if scopes else "is unknown: there are no limits here"
        raise InvalidAdminRequest(f"the scope of a window {allowed}")
    for system_windows in chosen:
        system_windows.replace(windows)
    return windows


def parse_fault(payload: Payload) -> Fault:
    """Return the fault that `payload` describes.

    Raises:
        InvalidAdminRequest: It has no kind, or several, or a value that its field cannot have.
    """
    kinds = [kind for kind in FAULT_KINDS if kind in payload]
    if len(kinds) != 1:
        raise InvalidAdminRequest(f"a fault needs exactly one of {', '.join(FAULT_KINDS)}")
    wrong = [name for name in _FLAGS.intersection(payload) if payload[name] is not True]
    if wrong:
        raise InvalidAdminRequest(f"{wrong[0]} must be true")
    rest = {name: value for name, value in payload.items() if name not in _FLAGS}
    fault = Fault(kind=kinds[0], **rest)
    invalid = fault.invalid()
    if invalid:
        raise InvalidAdminRequest(invalid)
    return fault
