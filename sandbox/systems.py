"""The systems, and the paths they are served at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

from sandbox.admin import System
from sandbox.covage.admin import covage_admin_routes
from sandbox.covage.api import CovageApi
from sandbox.gateway import Api
from sandbox.invobi.admin import invobi_admin_routes
from sandbox.invobi.api import InvobiApi
from sandbox.invoicetronic.admin import invoicetronic_admin_routes
from sandbox.invoicetronic.api import InvoicetronicApi
from sandbox.productive.admin import productive_admin_routes
from sandbox.productive.api import ProductiveApi
from sandbox.schedule import ChangedByPlace
from sandbox.two_invoice.admin import two_invoice_admin_routes
from sandbox.two_invoice.api import TwoInvoiceApi

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.routing import BaseRoute

    from sandbox.clock import Clock


class ServedSystem(Api, System, ChangedByPlace, Protocol):
    """A system as its API clients and the admin use it."""


_Served = TypeVar("_Served", bound=ServedSystem)


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


def _maker(
    name: str,
    mount: str,
    api: Callable[[Clock, int, float, str], _Served],
    routes: Callable[[_Served], Sequence[BaseRoute]],
) -> tuple[str, Callable[[Clock, int, float, str], MountedSystem]]:
    def make(clock: Clock, seed: int, scale: float, account: str) -> MountedSystem:
        system = api(clock, seed, scale, account)
        return MountedSystem(name, mount, system, routes(system))

    return name, make


SYSTEMS: Mapping[str, Callable[[Clock, int, float, str], MountedSystem]] = dict(
    [
        _maker("productive", "/productive/api/v2", ProductiveApi, productive_admin_routes),
        _maker("invobi", "/invobi/api/v1", InvobiApi, invobi_admin_routes),
        _maker("covage", "/covage", CovageApi, covage_admin_routes),
        _maker("invoicetronic", "/invoicetronic/v1", InvoicetronicApi, invoicetronic_admin_routes),
        _maker("2invoice", "/2invoice", TwoInvoiceApi, two_invoice_admin_routes),
    ]
)
"""Makes each system, by name: with the clock, a seed, a scale, and the account whose rows it has."""


def mounted_systems(clock: Clock, seed: int, size: Size) -> list[MountedSystem]:
    """Return all systems. Those that keep their rows in `Tables` generate them on first use."""
    return [make(clock, seed, size.scale_of(name), "") for name, make in SYSTEMS.items()]
