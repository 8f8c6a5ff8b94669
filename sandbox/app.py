"""The one application: each system at its mount, and the admin beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.routing import Mount

from sandbox.admin import admin_routes
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.gateway import Gateway
from sandbox.productive.admin import productive_admin_routes
from sandbox.productive.api import ProductiveApi
from sandbox.request_log import RequestLog

if TYPE_CHECKING:
    from starlette.types import ASGIApp


def create_app(*, seed: int = 1, scale: float = 1.0, latency_ms: int = 0) -> ASGIApp:
    """The sandbox as an ASGI application.

    Args:
        seed: Which world is generated.
        scale: How many times as many rows as at 1.
        latency_ms: Milliseconds before each answer of an API.
    """
    clock, faults, log = Clock(), Faults(), RequestLog()
    productive = ProductiveApi(clock, seed, scale)
    systems = {"productive": productive}
    return Starlette(
        routes=[
            Mount(
                "/admin",
                routes=[
                    *admin_routes(clock, faults, log, systems),
                    Mount("/productive", routes=productive_admin_routes(productive)),
                ],
            ),
            Mount("/productive/api/v2", app=Gateway(productive, faults, log, latency_ms)),
        ]
    )
