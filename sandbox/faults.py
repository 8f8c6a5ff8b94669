"""Faults that the admin can inject: what goes wrong, on which requests, how often."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_MOST = 1e9
_BODILESS = (204, 304)


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

    def invalid(self) -> str:
        """Return which field has a value that no answer can be made of, and what it must be; empty if none has."""
        for name, (wanted, is_right) in _FIELDS.items():
            if not is_right(getattr(self, name)):
                return f"{name} must be {wanted}"
        if self.kind == "answer_of" and not self.answer_of:
            return f"answer_of must be {_FIELDS['answer_of'][0]}"
        if self.body and self.status in _BODILESS:
            return f"body must be empty: an answer with status {self.status} has none"
        return ""


def _is_text(value: object) -> bool:
    """Return whether a value is a text that can be sent: half a pair of surrogates cannot."""
    return isinstance(value, str) and _is_encodable(value, "utf-8")


def _is_header(value: object) -> bool:
    return isinstance(value, str) and _is_encodable(value, "latin-1") and value.isprintable()


def _is_encodable(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _are_headers(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(name, str) and _HEADER_NAME.fullmatch(name) and _is_header(text) for name, text in value.items()
    )


def _is_number(value: object, least: int, most: float = _MOST, *, whole: bool = True) -> bool:
    """Return whether a value is a number; true and false, and NaN, are none."""
    is_number = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
    return is_number and least <= value <= most  # type: ignore[operator] # it is a number


_TEXT = ("a text", _is_text)
_HEADER = ("a text that a header can have", _is_header)
_MILLISECONDS = ("a number of milliseconds, 0 or more", partial(_is_number, least=0, whole=False))
_FIELDS: Mapping[str, tuple[str, Callable[[object], bool]]] = {
    "path": _TEXT,
    "query": _TEXT,
    "times": ("a whole number, 1 or more", partial(_is_number, least=1)),
    "skip": ("a whole number, 0 or more", partial(_is_number, least=0)),
    "status": ("a whole number from 200 to 599", partial(_is_number, least=200, most=599)),
    "body": _TEXT,
    "headers": ("an object of texts that headers can have", _are_headers),
    "delay_ms": _MILLISECONDS,
    "drip_ms": _MILLISECONDS,
    "media_type": _HEADER,
    "answer_of": ('"first" or "previous"', lambda value: value in ("", "first", "previous")),
    "added_to_total": ("a whole number", partial(_is_number, least=-int(_MOST))),
    "redirect_to": _HEADER,
    "account": _TEXT,
    "carried_out": ("true or false", lambda value: isinstance(value, bool)),
}


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
