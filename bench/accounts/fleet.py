"""The accounts that are loaded: how many of each system, their credentials, their lists and their quota groups."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OFFICE = "office-ip"
_OFFICE_AT_ONCE = 2
_ONE_IN = 5
"""So many of the accounts of Invobi share one rate limit."""
_ONCE = "0 2 1 1 *"
"""An account that has never been due is loaded at once, and then not again for long."""


@dataclass(frozen=True)
class System:
    """A vendor.

    Args:
        tap: Its tap.
        share: How many of 500 accounts.
        secrets: Secret settings, and their values in the sandbox.
        streams: The lists that are loaded.
        admin: Where the sandbox's admin has their rows.
        settings: More settings of the tap.
        named: Settings to which the sandbox wants the account's name added.
        urls: Settings that are a path of the sandbox, where meltano.yml's are not taken for an account.
    """

    tap: str
    share: int
    secrets: Mapping[str, str]
    streams: Sequence[str]
    admin: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    named: Mapping[str, str] = field(default_factory=dict)
    urls: Mapping[str, str] = field(default_factory=dict)


SYSTEMS = (
    System(
        "tap-invoicetronic",
        380,
        {"api_key": "ik_test_sandbox"},
        ("company", "receive", "send", "update", "webhook"),
        "invoicetronic/test",
        {"payloads": "none"},
    ),
    System("tap-invobi", 60, {"api_token": "sandbox-token"}, ("invoices", "prompts"), "invobi"),
    System(
        "tap-productive",
        20,
        {"auth_token": "sandbox-token"},
        (
            "companies",
            "deals",
            "expenses",
            "invoice_attributions",
            "invoices",
            "line_items",
            "payments",
            "people",
            "projects",
            "services",
            "tasks",
            "time_entries",
        ),
        "productive",
        {"organization_id": "1"},
    ),
    System(
        "tap-covage",
        20,
        {"password": "sandbox-password"},
        ("catalog_categories", "ennis", "invoices", "orders", "projects", "quotes"),
        "covage",
        {},
        {"username": "sandbox-user"},
        {"api_url": "/covage", "auth_url": "/covage"},
    ),
    System(
        "tap-2invoice",
        20,
        {"access_token": "sandbox-token"},
        ("branch_offices", "clients", "document_series", "invoices", "products", "receipts"),
        "2invoice",
    ),
)
_ALL = sum(system.share for system in SYSTEMS)


@dataclass(frozen=True)
class FleetAccount:
    """One account.

    Args:
        name: Its name.
        system: Its vendor.
        quota_group: Its quota group; None if none.
    """

    name: str
    system: System
    quota_group: str | None

    @property
    def schema(self) -> str:
        """The schema of its tables."""
        return f"{self.system.tap.replace('-', '_')}__{self.name}"

    def in_sandbox(self, scale: float) -> dict[str, Any]:
        """Return the account as the sandbox's admin adds it.

        Args:
            scale: How many rows it has, as a multiple of the sandbox's usual number.
        """
        return {"name": self.name, "scale": scale, "quota_group": self.quota_group}

    def variables(self) -> dict[str, str]:
        """Return the environment variables of its secrets."""
        named = ".".join
        return {
            # Covage's password is the same for all: its accounts are told apart by the user.
            self._variable(name): value if self.system.named else named([value, self.name])
            for name, value in self.system.secrets.items()
        }

    def entry(self, sandbox_url: str) -> dict[str, Any]:
        """Return what accounts.yml says of it.

        Args:
            sandbox_url: The root of the sandbox.
        """
        system = self.system
        settings = {
            **system.settings,
            **{name: f"{value}.{self.name}" for name, value in system.named.items()},
            **{name: f"{sandbox_url}{path}" for name, path in system.urls.items()},
        }
        return {
            "name": self.name,
            "tap": system.tap,
            "settings": settings,
            "secrets": {name: f"env:{self._variable(name)}" for name in system.secrets},
            "schedule": _ONCE,
            "streams": list(system.streams),
            **({} if self.quota_group is None else {"quota_group": self.quota_group}),
        }

    def _variable(self, setting: str) -> str:
        return f"{setting}_{self.name}".upper()


def fleet(count: int) -> list[FleetAccount]:
    """Return accounts of all vendors, mixed.

    Args:
        count: How many; at least one of each vendor.
    """
    found = []
    for system in SYSTEMS:
        of_system = max(1, round(count * system.share / _ALL))
        for number in range(of_system):
            shares = system.tap == "tap-invobi" and number % _ONE_IN == 0
            name = f"{system.tap.removeprefix('tap-')}_{number}"
            found.append(((number + 0.5) / of_system, FleetAccount(name, system, OFFICE if shares else None)))
    return [account for _, account in sorted(found, key=lambda each: each[0])]


def accounts_file(accounts: Sequence[FleetAccount], sandbox_url: str) -> dict[str, Any]:
    """Return the content of accounts.yml.

    Args:
        accounts: The accounts.
        sandbox_url: The root of the sandbox.
    """
    return {
        "quota_groups": {OFFICE: {"at_once": _OFFICE_AT_ONCE}},
        "accounts": [account.entry(sandbox_url) for account in accounts],
    }
