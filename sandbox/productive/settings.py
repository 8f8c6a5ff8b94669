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
        includes: Per resource the include paths answered with 400.
        filters: Per resource the filters answered with 400.
        sorts: Per resource the sorts answered with 400.
        keyset_sorts: Per resource the sorts that no cursor walks; `*` is every order, the default one too.
        routes: Resources whose routes answer 404.
        ignored_filters: Per resource the filters that are accepted and change nothing.
        ignored_sorts: Per resource the sorts that are accepted and change nothing.
    """

    includes: dict[str, list[str]] = field(default_factory=dict)
    filters: dict[str, list[str]] = field(default_factory=dict)
    sorts: dict[str, list[str]] = field(default_factory=dict)
    keyset_sorts: dict[str, list[str]] = field(default_factory=dict)
    routes: list[str] = field(default_factory=list)
    ignored_filters: dict[str, list[str]] = field(default_factory=dict)
    ignored_sorts: dict[str, list[str]] = field(default_factory=dict)


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
        features: Paid features; one that is off makes its resources answer 403.
        refusals: What is refused although documented.
        extra_attributes: Per resource the attributes put on, or over, every record served.
        scripted: Changes that wait for a request.
        runtimes: By glob over the route, e.g. `/invoices`: the seconds that an answer says it took.
    """

    features: dict[str, bool] = field(default_factory=lambda: {"financials": True})
    refusals: Refusals = field(default_factory=Refusals)
    extra_attributes: dict[str, JsonObject] = field(default_factory=dict)
    scripted: list[ScriptedChanges] = field(default_factory=list)
    runtimes: dict[str, float] = field(default_factory=dict)
