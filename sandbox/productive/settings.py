"""What the admin can change about the API besides its rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.json_types import JsonObject


@dataclass
class Refusals:
    """Documented features that the API refuses or ignores.

    Attributes:
        includes: By resource, the include paths answered with 400.
        filters: By resource, the filters answered with 400.
        sorts: By resource, the sorts answered with 400.
        keyset_sorts: By resource, the sorts without cursor paging; `*` means every order, including the default.
        routes: Resources whose routes are answered with 404.
        ignored_filters: By resource, the filters that are accepted without effect.
        ignored_sorts: By resource, the sorts that are accepted without effect.
        operations: By resource, the operations of filters answered with 400.
        organization: The code of the 403 for every list that keeps to the organization; empty to refuse none.
    """

    includes: dict[str, list[str]] = field(default_factory=dict)
    filters: dict[str, list[str]] = field(default_factory=dict)
    sorts: dict[str, list[str]] = field(default_factory=dict)
    keyset_sorts: dict[str, list[str]] = field(default_factory=dict)
    routes: list[str] = field(default_factory=list)
    ignored_filters: dict[str, list[str]] = field(default_factory=dict)
    ignored_sorts: dict[str, list[str]] = field(default_factory=dict)
    operations: dict[str, list[str]] = field(default_factory=dict)
    organization: str = ""


@dataclass
class ScriptedChanges:
    """Admin changes scheduled for after the n-th request to a path."""

    path: str
    after_request: int
    changes: list[JsonObject]


@dataclass
class Settings:
    """All settings, initially at their defaults.

    Attributes:
        features: Paid features; if one is off, its resources are answered with 403.
        refusals: Documented features that are refused or ignored.
        extra_attributes: By resource, attributes that are added to every served record or override its own.
        scripted: Scheduled changes.
        runtimes: By glob over the route, e.g. `/invoices`, the seconds that `x-runtime` reports.
    """

    features: dict[str, bool] = field(default_factory=lambda: {"financials": True})
    refusals: Refusals = field(default_factory=Refusals)
    extra_attributes: dict[str, JsonObject] = field(default_factory=dict)
    scripted: list[ScriptedChanges] = field(default_factory=list)
    runtimes: dict[str, float] = field(default_factory=dict)
