"""Rows as no documentation describes them, added to the lists of an API."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_KEYS = ("invoice_number", "order_reference", "id", "code", "reference", "name")
"""Names that keys have, by their precedence."""

VALUES: Mapping[str, str] = {
    "nan": "NaN",
    "infinity": "-Infinity",
    "a huge integer": "9" * 5000,
    "an integer beyond 64 bits": str(2**70),
    "a huge exponent": "1e400000",
    "many digits": f"1.{'3' * 20_000}",
    "a long text": json.dumps("x" * 10_000),
    "nul": '"a\\u0000b"',
    "a lone surrogate": '"\\udfff\\ud800"',
    "a date that is none": '"0000-00-00"',
    "a time that is none": '"0000-00-00 00:00:00"',
    "a day that is none": '"2026-02-30T25:61:61Z"',
    "a time of a zone": '"2026-03-29T02:30:00+05:45"',
    "a date of the year one": '"0001-01-01T00:00:00+14:00"',
    "a boolean": "true",
    "an integer": "7",
    "a fraction": "-0.50",
    "a number in a text": '"12,50"',
    "an empty text": '""',
    "an object": '{"a": {"b": [1, null, {"c": "\\u0000"}]}}',
    "a list": '[1, [2, {"c": null}], "x"]',
    "a deep list": "[" * 3000 + "]" * 3000,
    "a deep object": '{"a":' * 3000 + "1" + "}" * 3000,
    "null": "null",
}
"""JSON by what it is."""

NEW_NAMES = "a thousand new names"
TWICE = "every name twice"
OTHER_ID = "an id among its attributes"
LEFT_OUT = ("no key", "null as its key", "an object as its key", "a key of 10,000 characters")


def with_hostile_rows(content: bytes) -> tuple[bytes, dict[str, Any]]:
    """Add rows to a page.

    Args:
        content: The page.

    Returns:
        The page with the rows, and the keys of those that a loader can keep, by what they are; none if it is no page.
    """
    page: dict[str, Any] = {"page": json.loads(content)}
    found = _list_in(page, "page")
    if found is None:
        return content, {}
    holder, name = found
    rows = holder[name]
    key = next((each for each in _KEYS if each in rows[0]), None)
    if key is None:
        return content, {}
    texts = [json.dumps(row) for row in rows]
    keys: dict[str, Any] = {}
    for what, text, value in _hostile(rows[0], key):
        texts.append(text)
        if value is not None:
            keys[what] = value
    # What stands in place of the list is no text that an answer has.
    holder[name] = "hostile rows"
    changed = json.dumps(page["page"]).replace(json.dumps(holder[name]), f"[{','.join(texts)}]")
    return changed.encode(), keys


def _list_in(holder: dict[str, Any], name: str) -> tuple[dict[str, Any], str] | None:
    """Return the object that holds the rows of a page, and under which name."""
    body = holder[name]
    if isinstance(body, list) and body and all(isinstance(each, dict) for each in body):
        return holder, name
    inner = (_list_in(body, each) for each in body if each != "links") if isinstance(body, dict) else ()
    return next((found for found in inner if found is not None), None)


def _hostile(row: Mapping[str, Any], key: str) -> Iterator[tuple[str, str, Any]]:
    """Yield what a row is, the row in JSON, and its key; None if no loader can keep it."""
    number = 0

    def new_key() -> Any:  # noqa: ANN401 - a text or a number
        nonlocal number
        number += 1
        return row[key] + 900_000 + number if isinstance(row[key], int) else f"hostile-{number}"

    for what, value in VALUES.items():
        own = new_key()
        yield what, _row(row, key, json.dumps(own), value), own
    own = new_key()
    names = "".join(f', "new name {each}": {each}' for each in range(1000))
    yield NEW_NAMES, _row(row, key, json.dumps(own), "null", more=names), own
    own = new_key()
    again = "".join(f", {json.dumps(name)}: null" for name in row if name != key)
    yield TWICE, _row(row, key, json.dumps(own), "1", more=again), own
    if isinstance(row.get("attributes"), dict):
        own = new_key()
        yield OTHER_ID, _row(row, key, json.dumps(own), "null", more=', "id": "another"'), own
    bad = ("", "null", '{"a": 1}', json.dumps("é" * 10_000))
    for what, text in zip(LEFT_OUT, bad, strict=True):
        yield what, _row(row, key, text, '"x"'), None


def _row(row: Mapping[str, Any], key: str, key_text: str, value: str, *, more: str = "") -> str:
    """Return a row in JSON whose every field but its key has one value."""
    named = f"{json.dumps(key)}: {key_text}" if key_text else '"nothing": 0'
    attributes = row.get("attributes")
    if isinstance(attributes, dict):
        fields = "".join(f", {json.dumps(name)}: {value}" for name in attributes if name != "id")
        inner = f"{fields}{more}".removeprefix(", ")
        return f'{{{named}, "type": {json.dumps(row["type"])}, "attributes": {{{inner}}}, "relationships": {{}}}}'
    fields = "".join(f", {json.dumps(name)}: {value}" for name in row if name != key)
    return f"{{{named}{fields}{more}}}"
