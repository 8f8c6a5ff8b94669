"""Faults that the admin can inject: what goes wrong, on which requests, how often."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal[
    "status",
    "truncate",
    "drop",
    "not_json",
    "delay_ms",
    "drip_ms",
    "redirect_to",
    "broken_gzip",
    "media_type",
    "answer_of",
    "no_rows",
    "added_to_total",
]


@dataclass
class Fault:
    """One fault.

    Attributes:
        path: A glob over the whole path of a request, e.g. `*/invoices`.
        kind: What goes wrong.
        query: A text that the decoded query string must contain.
        times: How many requests it applies to.
        skip: How many matching requests succeed before.
        status: The status of a `status` fault.
        body: Its body.
        headers: Its headers.
        delay_ms: The delay of a `delay_ms` fault in milliseconds.
        drip_ms: The time between the pieces of the body in a `drip_ms` fault, in milliseconds.
        media_type: The Content-Type that a `media_type` fault claims.
        answer_of: Which answer of the same path comes instead: the `first` one, or the `previous` one.
        added_to_total: What an `added_to_total` fault adds to the number of rows that an answer states.
        redirect_to: The target of a `redirect_to` fault.
        account: A glob over the name of the further account that is asked; that of the others is empty.
        carried_out: Whether the API carries the request out before its answer is replaced or dropped; a truncated or
            delayed answer always is one that was carried out.
    """

    path: str
    kind: Kind
    query: str = ""
    times: int = 1
    skip: int = 0
    status: int = 500
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_ms: int = 0
    drip_ms: int = 0
    media_type: str = ""
    answer_of: str = ""
    added_to_total: int = 0
    redirect_to: str = ""
    account: str = "*"
    carried_out: bool = False

    def matches(self, path: str, query: str, account: str) -> bool:
        """Return whether the fault applies to a request."""
        return fnmatchcase(path, self.path) and self.query in query and fnmatchcase(account, self.account)


class Faults:
    """The faults that have not happened yet, oldest first."""

    def __init__(self) -> None:
        """Start without faults."""
        self._pending: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Add a fault behind the others."""
        self._pending.append(fault)

    def clear(self) -> None:
        """Remove all faults."""
        self._pending.clear()

    def take(self, path: str, query: str, account: str = "") -> Fault | None:
        """Return the first fault that applies to this request, if any, and count it as used once."""
        for fault in self._pending:
            if not fault.matches(path, query, account):
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            fault.times -= 1
            if fault.times <= 0:
                self._pending.remove(fault)
            return fault
        return None
