"""Further accounts of the systems: each with credentials, rows and limits of its own, made on first use."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse
from starlette.routing import Mount, Route, Router

from sandbox.admin import InvalidAdminRequest, endpoint, parse_fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from sandbox.admin import Payload
    from sandbox.faults import Faults
    from sandbox.gateway import Api
    from sandbox.json_types import Json
    from sandbox.limits import RequestWindows, Window
    from sandbox.systems import MountedSystem


@dataclass(frozen=True)
class AccountSettings:
    """A further account.

    Attributes:
        name: Its name.
        scale: Factor for the number of its rows; None for that of the sandbox.
        scales: Factors of single systems, by name.
        quota_group: Accounts of one group share the request windows, as do those with one IP address or one token.
    """

    name: str
    scale: float | None = None
    scales: Mapping[str, float] = field(default_factory=dict)
    quota_group: str | None = None


class Accounts:
    """The further accounts."""

    def __init__(
        self,
        make: Callable[[str, int, str, float | None], MountedSystem],
        systems: Sequence[str],
        faults: Faults,
        seed: int,
        names: Sequence[str] = (),
    ) -> None:
        """Know `names` from the start, and more once the admin adds them.

        `make` returns a system, by its name, with a seed, for an account, at a scale (None: that of the sandbox).
        """
        self._make = make
        self._names_of_systems = systems
        self._faults = faults
        self._seed = seed
        self._initial = [AccountSettings(name) for name in names]
        self.reset()

    def reset(self) -> None:
        """Restore the initial accounts, with their initial rows."""
        self._settings = {settings.name: settings for settings in self._initial}
        self._made: dict[tuple[str, str], MountedSystem] = {}
        self._shared: dict[tuple[str, str], RequestWindows] = {}
        self._windows: dict[str, Sequence[Window]] = {}

    def add(self, settings: AccountSettings) -> None:
        """Add an account, or replace it.

        Raises:
            InvalidAdminRequest: Its name, or a system, is none.
        """
        if not settings.name.replace("_", "").isalnum():
            raise InvalidAdminRequest(f"{settings.name!r} is no name of an account: letters, digits and _")
        unknown = set(settings.scales) - set(self._names_of_systems)
        if unknown:
            raise InvalidAdminRequest(f"unknown system: {', '.join(sorted(unknown))}")
        self._settings[settings.name] = settings
        for system in self._names_of_systems:
            self._made.pop((settings.name, system), None)

    def mounted(self, account: str, system: str) -> MountedSystem | None:
        """Return a system of an account; None if there is no such account."""
        settings = self._settings.get(account)
        if settings is None:
            return None
        key = (account, system)
        if key not in self._made:
            seed = zlib.crc32(f"{self._seed}:{account}".encode())
            made = self._make(system, seed, account, settings.scales.get(system, settings.scale))
            if system in self._windows:
                made.system.windows.replace(self._windows[system])
            if settings.quota_group is not None:
                made.system.windows = self._shared.setdefault((settings.quota_group, system), made.system.windows)
            self._made[key] = made
        return self._made[key]

    def api(self, account: str, system: str) -> Api | None:
        """Return the API of a system of an account; None if there is no such account."""
        mounted = self.mounted(account, system)
        return None if mounted is None else mounted.system

    def replace_windows(self, windows: Sequence[Window], systems: Sequence[str]) -> None:
        """Replace the request windows of systems, in all accounts."""
        for system in systems:
            self._windows[system] = windows
        for (_, system), mounted in self._made.items():
            if system in systems:
                mounted.system.windows.replace(windows)

    def routes(self) -> list[Route | Mount]:
        """Return the admin routes: accounts, and of each the routes of its systems."""

        def add(_request: Request, payload: Payload) -> Json:
            for entry in payload["accounts"]:
                self.add(AccountSettings(**entry))
            return {"accounts": list(self._settings)}

        def names(_request: Request, _payload: Payload) -> Json:
            return {"accounts": list(self._settings)}

        return [
            Route("/accounts", endpoint(add), methods=["POST"]),
            Route("/accounts", endpoint(names), methods=["GET"]),
            Mount("/accounts/{account}", app=self._admin),
        ]

    async def _admin(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request to the admin of one account."""
        account = scope["path_params"]["account"]

        def add_fault(_request: Request, payload: Payload) -> Json:
            self._faults.add(parse_fault({**payload, "account": account}))
            return {}

        if account not in self._settings:
            answer = JSONResponse({"error": f"there is no account {account}"}, status_code=400)
            await answer(scope, receive, send)
            return
        wanted = scope["path"].removeprefix(scope["root_path"]).strip("/").split("/")[0]
        mounted = self.mounted(account, wanted) if wanted in self._names_of_systems else None
        routes: list[Route | Mount] = [Route("/faults", endpoint(add_fault), methods=["POST"])]
        if mounted is not None:
            routes.append(Mount(f"/{mounted.name}", routes=mounted.routes))
        await Router(routes=routes)(scope, receive, send)
