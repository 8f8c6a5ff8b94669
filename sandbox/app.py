"""The ASGI application: each system at its mount, and the admin beside them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.routing import Mount

from sandbox.accounts import Accounts
from sandbox.admin import admin_routes, schedule_routes
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.gateway import Gateway
from sandbox.request_log import RequestLog
from sandbox.schedule import Schedule
from sandbox.systems import SYSTEMS, Size, mounted_systems

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp

    from sandbox.systems import MountedSystem


_USUAL_SIZE = Size()


def create_app(
    *, seed: int = 1, size: Size = _USUAL_SIZE, latency_ms: int = 0, account_names: Sequence[str] = ()
) -> ASGIApp:
    """Return the sandbox as an ASGI application.

    Args:
        seed: The seed of the generated worlds.
        size: Their size.
        latency_ms: Delay of each answer of an API, in milliseconds.
        account_names: Further accounts.

    Raises:
        ValueError: A scale is given for an unknown system.
    """
    clock, faults, log = Clock(), Faults(), RequestLog()
    all_systems = mounted_systems(clock, seed, size)
    unknown = size.scales.keys() - SYSTEMS.keys()
    if unknown:
        raise ValueError(f"Unknown system: {', '.join(sorted(unknown))}")
    systems = {mounted.name: mounted.system for mounted in all_systems}
    schedules = {mounted.name: Schedule(mounted.system, clock) for mounted in all_systems}

    def make(system: str, account_seed: int, account: str, scale: float | None) -> MountedSystem:
        return SYSTEMS[system](clock, account_seed, size.scale_of(system) if scale is None else scale, account)

    accounts = Accounts(make, list(SYSTEMS), faults, seed, account_names)
    admin = [
        *admin_routes(clock, faults, log, systems, schedules, accounts=accounts),
        *schedule_routes(schedules),
        *accounts.routes(),
        *(Mount(f"/{mounted.name}", routes=mounted.routes) for mounted in all_systems),
    ]
    return Starlette(
        routes=[
            Mount("/admin", routes=admin),
            *(
                Mount(
                    mounted.mount,
                    app=Gateway(
                        mounted.system,
                        clock,
                        faults,
                        log,
                        latency_ms,
                        on_answer=schedules[mounted.name].answered,
                        of_account=partial(accounts.api, system=mounted.name),
                    ),
                )
                for mounted in all_systems
            ),
        ]
    )
