"""Answers that are complete and well-formed, and all the same not what was asked for."""

from __future__ import annotations

import gzip
import json
import re
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

if TYPE_CHECKING:
    from sandbox.faults import Fault
    from sandbox.json_types import Json

_COUNT = re.compile(r"^(total|total_count|count)$")
"""Names of members that say how many rows a list has, in the five systems."""

_COUNT_HEADER = "invoicetronic-total-count"


class EarlierAnswers:
    """The first and the last answer of each path, for answers that are those of other requests."""

    def __init__(self) -> None:
        """Start with none."""
        self._first: dict[str, Response] = {}
        self._last: dict[str, Response] = {}

    def keep(self, path: str, response: Response) -> None:
        """Keep an answer."""
        self._first.setdefault(path, response)
        self._last[path] = response

    def answer(self, path: str, which: str, own: Response) -> Response:
        """Return the `first` or the `previous` answer of a path, its own if there is none yet."""
        earlier = (self._first if which == "first" else self._last).get(path)
        return own if earlier is None else _copy(earlier, earlier.body)


def changed(response: Response, fault: Fault) -> Response:
    """Return an answer as a fault makes it: compressed badly, of another type, without rows, or with another count."""
    if fault.kind == "broken_gzip":
        body = gzip.compress(response.body)
        # The header of the format is right; what follows is not.
        return _copy(response, body[:10] + b"\xff" * (len(body) - 10), {"content-encoding": "gzip"})
    if fault.kind == "media_type":
        return _copy(response, response.body, {"content-type": fault.media_type})
    if fault.kind == "no_rows":
        return _copy(response, json.dumps(_without_rows(json.loads(bytes(response.body)))).encode())
    if fault.kind == "added_to_total":
        body = json.dumps(_with_total(json.loads(bytes(response.body)), fault.added_to_total)).encode()
        header = response.headers.get(_COUNT_HEADER)
        return _copy(response, body, {} if header is None else {_COUNT_HEADER: str(int(header) + fault.added_to_total)})
    return response


def _copy(response: Response, body: bytes | memoryview, headers: dict[str, str] | None = None) -> Response:
    kept = {name: value for name, value in response.headers.items() if name not in {"content-length", "date"}}
    return Response(bytes(body), response.status_code, {**kept, **(headers or {})})


def _without_rows(body: Json) -> Json:
    """Remove the rows: the list itself, or the longest list of objects in it."""
    if isinstance(body, list):
        return []
    found = sorted(_lists(body), key=lambda pair: len(pair[0][pair[1]]))
    if found:
        holder, name = found[-1]
        holder[name] = []
    return body


def _lists(body: Any) -> list[tuple[dict[str, Any], str]]:  # noqa: ANN401 - JSON is any of six types
    if not isinstance(body, dict):
        return []
    own = [(body, name) for name, value in body.items() if isinstance(value, list) and name != "included"]
    return own + [pair for value in body.values() if isinstance(value, dict) for pair in _lists(value)]


def _with_total(body: Json, added: int) -> Json:
    if not isinstance(body, dict):
        return body
    return {
        name: value + added
        if _COUNT.match(name) and isinstance(value, int)
        else _with_total(value, added)
        if isinstance(value, dict)
        else value
        for name, value in body.items()
    }
