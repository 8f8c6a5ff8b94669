"""The sandbox as the source of truth: which lists each tap reads, how they are changed, and what is in them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from conftest import FakeClock
from sandbox.clock import WORLD_START
from sandbox.server import running_sandbox
from scripts.system_changes import rows_in_sandbox
from singer_rest_core import RestTap

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sandbox.admin_client import AdminClient
    from sandbox.server import RunningSandbox

SCALES = {"productive": 0.05, "2invoice": 0.5, "covage": 0.4, "invobi": 0.1, "invoicetronic": 0.1}
"""Small enough for thousands of runs, and large enough for lists of several pages."""


@dataclass(frozen=True)
class Source:
    """A stream, and the rows that it has to bring.

    Args:
        resource: The sandbox's list; that of the stream's name if empty.
        key: The column that identifies a row, in the table and in the sandbox.
        marker: A text that updates set, to tell versions of a row apart; empty if updates are not seen.
        actions: What may happen to its rows; nothing if another stream changes them.
        finds_deletes: Whether a row that is gone is marked.
        is_certain: Whether one complete read is beyond doubt: the API has a cursor and a count.
        is_whole: Whether every run reads every row.
        resumes: Whether a first read that was cut off goes on where it stopped: the API has a cursor, or an order.
    """

    resource: str = ""
    key: str = "id"
    marker: str = ""
    actions: Sequence[str] = ("create", "update", "delete", "restore")
    finds_deletes: bool = True
    is_certain: bool = False
    is_whole: bool = True
    resumes: bool = False


_PATHS: Mapping[str, Mapping[str, str]] = {
    "covage": {
        "invoices": "*/invoice/",
        "orders": "*/order/",
        "quotes": "*/quote/",
        "projects": "*/referential/project",
        "order_details": "*/order/CMD*",
    },
    "2invoice": {"client_details": "*/clients/*"},
    "invobi": {"invoice_details": "*/invoices/*"},
}
"""The requests of streams where they do not end in its name, by system."""


@dataclass(frozen=True)
class TapFacts:
    """What the suite knows of a tap.

    Args:
        name: Its distribution.
        system: The name of its system in the sandbox.
        sources: Its streams by name.
        settings: Settings beside credentials and URLs.
        refusals: What the API refuses (Productive).
    """

    name: str
    system: str
    sources: Mapping[str, Source]
    settings: Mapping[str, Any] = field(default_factory=dict)
    refusals: Mapping[str, Any] = field(default_factory=dict)

    @property
    def select(self) -> str:
        """The streams to read."""
        return " ".join(self.sources)

    @property
    def paths(self) -> dict[str, str]:
        """The requests of each stream, as a glob over their paths."""
        separator = "-" if self.system == "2invoice" else "_"
        own = {stream: f"*/{stream.replace('_', separator)}" for stream in self.sources}
        return own | dict(_PATHS.get(self.system, {}))

    def resource(self, stream: str) -> str:
        """Return the sandbox's list of a stream."""
        return self.sources[stream].resource or stream


_READ_ALONE = ()
_changes = partial(Source, finds_deletes=False, is_whole=False)
"""A stream that reads what changed, and so does not see what was deleted."""
_PRODUCTIVE = {
    "line_items": Source(resumes=True, marker="description", is_certain=True),
    "payments": Source(resumes=True, marker="note", is_certain=True),
    "expenses": Source(resumes=True, marker="name", is_certain=True),
    # Ordered by a name that changes: a cursor can lose a row here, and the count finds it.
    "people": Source(marker="first_name", is_certain=True, actions=("update",)),
    "tasks": _changes(resumes=True, marker="title"),
    "time_entries": _changes(resumes=True, marker="note"),
    "companies": _changes(marker="name", actions=("create", "update", "archive")),
}
_NUMBERED = {name: Source(marker=source.marker, actions=source.actions) for name, source in _PRODUCTIVE.items()}
_NUMBERED |= {name: _PRODUCTIVE[name] for name in ("tasks", "time_entries", "companies")}

FACTS: Mapping[str, TapFacts] = {
    "tap-productive": TapFacts("tap-productive", "productive", _PRODUCTIVE, {"page_size": 5}),
    "tap-productive by number": TapFacts(
        "tap-productive",
        "productive",
        {name: _NUMBERED[name] for name in ("line_items", "payments", "expenses")},
        {"page_size": 5},
        {"keyset_sorts": {name: ["*"] for name in ("line_items", "payments", "expenses")}},
    ),
    "tap-productive by activities": TapFacts(
        "tap-productive",
        "productive",
        {
            "activities": _changes(actions=_READ_ALONE),
            "line_items": Source(marker="description", finds_deletes=False, is_whole=False, is_certain=True),
            "expenses": Source(marker="name", finds_deletes=False, is_whole=False, is_certain=True),
        },
        {"page_size": 20, "change_detection": "activities"},
    ),
    "tap-2invoice": TapFacts(
        "tap-2invoice",
        "2invoice",
        {
            "invoices": Source(marker="series"),
            "receipts": Source(marker="series"),
            "clients": Source(marker="name"),
            "products": Source(marker="name"),
            "client_details": Source(resource="clients", marker="name", actions=_READ_ALONE),
        },
    ),
    "tap-covage": TapFacts(
        "tap-covage",
        "covage",
        {
            "invoices": _changes(
                key="invoice_number",
                resumes=True,
                # Only the newest rows are within the look-back: updates of others are not seen.
                actions=("create", "delete"),
            ),
            "orders": Source(resumes=True, key="order_reference", marker="state"),
            "quotes": Source(resumes=True, marker="state"),
            "projects": Source(key="code", marker="code_client"),
            "order_details": Source(resource="orders", key="order_reference", marker="state", actions=_READ_ALONE),
        },
        {"page_size": 8},
    ),
    "tap-invobi": TapFacts(
        "tap-invobi",
        "invobi",
        {
            "invoices": Source(marker="title"),
            "prompts": Source(marker="prompt_text"),
            "invoice_details": Source(resource="invoices", marker="title", actions=_READ_ALONE),
        },
        {"page_size": 5},
    ),
    "tap-invoicetronic": TapFacts(
        "tap-invoicetronic",
        "invoicetronic",
        {
            "company": Source(marker="name", actions=("create", "update")),
            "webhook": Source(marker="description"),
            "webhookhistory": Source(marker="error"),
            # A row whose `latest_state` changes has a new `last_update`, by the SDI's update of it.
            "send": _changes(marker="latest_state", actions=("create",)),
            "receive": _changes(actions=("create", "delete")),
            "update": _changes(resumes=True, marker="state", actions=("create",)),
        },
        {"page_size": 10},
    ),
}
"""By tap, and by ways of reading that differ."""

STATES = ("Consegnato", "NonConsegnato", "Scartato", "Inviato")


class World:
    """A sandbox, and a clock that it shares with the taps.

    Args:
        sandbox: The sandbox.
        facts: What is known of the tap.
        skew: How many seconds our clock is ahead of that of the API.
    """

    def __init__(self, sandbox: RunningSandbox, facts: TapFacts, *, skew: float = 0.0) -> None:
        """Restore the initial state, without request limits."""
        self.sandbox = sandbox
        self.admin: AdminClient = sandbox.admin
        self.facts = facts
        self.clock = FakeClock(WORLD_START + timedelta(seconds=skew))
        self.admin.reset()
        self.admin.set_limits([])
        self.admin.follow_calendar()
        if facts.refusals:
            self.admin.set_refusals(**facts.refusals)
        self.clock.on_advance = self.admin.advance_clock
        self._deleted: dict[str, set[str]] = {}
        self._at_start = {resource: self.keys(resource) for resource in self._resources}

    @property
    def _resources(self) -> set[str]:
        return {self.facts.resource(stream) for stream in self.facts.sources}

    @property
    def page_size(self) -> int:
        """How many rows a page has."""
        return int(self.facts.settings.get("page_size", 20))

    @property
    def settings(self) -> dict[str, Any]:
        """The settings with which the tap reads it."""
        return settings_of(self.facts.name, self.sandbox.url) | dict(self.facts.settings)

    def rows(self, stream: str) -> dict[str, dict[str, Any]]:
        """Return the rows that a stream has to bring, by key."""
        rows = rows_in_sandbox(self.admin, self.facts.name, self.facts.resource(stream))
        key = self.facts.sources[stream].key
        return {str(row[key]): row for row in rows}

    def keys(self, resource: str) -> set[str]:
        """Return the keys of a list."""
        stream = next(name for name in self.facts.sources if self.facts.resource(name) == resource)
        return set(self.rows(stream))

    def schedule(self, steps: Sequence[Mapping[str, Any]]) -> None:
        """Let rows change during the next run."""
        self.note_applied()
        self.admin.schedule(self.facts.system, steps)

    def note_applied(self) -> None:
        """Keep which rows have been deleted so far."""
        for done in self.admin.applied(self.facts.system):
            if done["action"] == "delete":
                self._deleted.setdefault(done["resource"], set()).add(done["key"])

    def always_there(self, stream: str) -> set[str]:
        """Return the rows that have been there since the beginning, without a break."""
        resource = self.facts.resource(stream)
        return (self._at_start[resource] & self.keys(resource)) - self._deleted.get(resource, set())

    @contextmanager
    def time_of_taps(self) -> Iterator[FakeClock]:
        """Let taps of this process have the clock of this world."""
        with patch.object(RestTap, "clock", self.clock):
            yield self.clock


@contextmanager
def small_sandbox(*, seed: int = 1) -> Iterator[RunningSandbox]:
    """Run a sandbox of the size that the suite needs."""
    with running_sandbox(seed=seed, scales=SCALES) as running:
        yield running


def settings_of(tap: str, url: str) -> dict[str, Any]:
    """Return the credentials and URLs with which a tap reads a sandbox."""
    by_tap: dict[str, dict[str, Any]] = {
        "tap-productive": {
            "auth_token": "sandbox-token",
            "organization_id": "1",
            "api_url": f"{url}/productive/api/v2",
        },
        "tap-invoicetronic": {"api_key": "ik_test_sandbox", "api_url": f"{url}/invoicetronic/v1", "quota_share": 1},
        "tap-invobi": {"api_token": "sandbox-token", "api_url": f"{url}/invobi/api/v1"},
        "tap-covage": {
            "username": "sandbox-user",
            "password": "sandbox-password",
            "auth_url": f"{url}/covage",
            "api_url": f"{url}/covage",
        },
        "tap-2invoice": {"access_token": "sandbox-token", "api_url": f"{url}/2invoice"},
    }
    return by_tap[tap]
