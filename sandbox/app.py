"""The ASGI application: each system at its mount, and the admin beside them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from starlette.applications import Starlette
from starlette.routing import Mount

from sandbox.admin import System, admin_routes, schedule_routes
from sandbox.clock import Clock
from sandbox.covage.admin import covage_admin_routes
from sandbox.covage.api import CovageApi
from sandbox.faults import Faults
from sandbox.gateway import Api, Gateway
from sandbox.invobi.admin import invobi_admin_routes
from sandbox.invobi.api import InvobiApi
from sandbox.invoicetronic.admin import invoicetronic_admin_routes
from sandbox.invoicetronic.api import InvoicetronicApi
from sandbox.productive.admin import productive_admin_routes
from sandbox.productive.api import ProductiveApi
from sandbox.request_log import RequestLog
from sandbox.schedule import ChangedByPlace, Schedule
from sandbox.two_invoice.admin import two_invoice_admin_routes
from sandbox.two_invoice.api import TwoInvoiceApi

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp


class ServedSystem(Api, System, ChangedByPlace, Protocol):
    """A system as its API clients and the admin use it."""


@dataclass(frozen=True)
class MountedSystem:
    """A system and the paths it is served at.

    Attributes:
        name: Its name; its admin is at `/admin/<name>`.
        mount: The path prefix of its API.
        system: The system.
        routes: The system's own admin routes.
    """

    name: str
    mount: str
    system: ServedSystem
    routes: Sequence[BaseRoute]


@dataclass(frozen=True)
class Size:
    """The size of the generated worlds.

    Attributes:
        scale: Factor for the number of rows.
        scales: Factors of single systems, by name; the others have `scale`.
    """

    scale: float = 1.0
    scales: Mapping[str, float] = field(default_factory=dict)

    def scale_of(self, system: str) -> float:
        """Return the scale of one system."""
        return self.scales.get(system, self.scale)


def mounted_systems(clock: Clock, seed: int, size: Size) -> list[MountedSystem]:
    """Return all systems. Those that keep their rows in `Tables` generate them on first use."""
    productive = ProductiveApi(clock, seed, size.scale_of("productive"))
    invobi = InvobiApi(clock, seed, size.scale_of("invobi"))
    covage = CovageApi(clock, seed, size.scale_of("covage"))
    two_invoice = TwoInvoiceApi(clock, seed, size.scale_of("2invoice"))
    invoicetronic = InvoicetronicApi(clock, seed, size.scale_of("invoicetronic"))
    return [
        MountedSystem("productive", "/productive/api/v2", productive, productive_admin_routes(productive)),
        MountedSystem("invobi", "/invobi/api/v1", invobi, invobi_admin_routes(invobi)),
        MountedSystem("covage", "/covage", covage, covage_admin_routes(covage)),
        MountedSystem("invoicetronic", "/invoicetronic/v1", invoicetronic, invoicetronic_admin_routes(invoicetronic)),
        MountedSystem("2invoice", "/2invoice", two_invoice, two_invoice_admin_routes(two_invoice)),
    ]


def create_app(*, seed: int = 1, size: Size = Size(), latency_ms: int = 0) -> ASGIApp:
    """Return the sandbox as an ASGI application.

    Args:
        seed: The seed of the generated worlds.
        size: Their size.
        latency_ms: Delay of each answer of an API, in milliseconds.

    Raises:
        ValueError: A scale is given for an unknown system.
    """
    clock, faults, log = Clock(), Faults(), RequestLog()
    all_systems = mounted_systems(clock, seed, size)
    unknown = size.scales.keys() - {mounted.name for mounted in all_systems}
    if unknown:
        raise ValueError(f"Unknown system: {', '.join(sorted(unknown))}")
    systems = {mounted.name: mounted.system for mounted in all_systems}
    schedules = {mounted.name: Schedule(mounted.system, clock) for mounted in all_systems}
    admin = [
        *admin_routes(clock, faults, log, systems, schedules),
        *schedule_routes(schedules),
        *(Mount(f"/{mounted.name}", routes=mounted.routes) for mounted in all_systems),
    ]
    return Starlette(
        routes=[
            Mount("/admin", routes=admin),
            *(
                Mount(
                    mounted.mount,
                    app=Gateway(
                        mounted.system, clock, faults, log, latency_ms, on_answer=schedules[mounted.name].answered
                    ),
                )
                for mounted in all_systems
            ),
        ]
    )
