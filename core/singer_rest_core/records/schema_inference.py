"""A JSON schema inferred from a sample of records, for APIs whose fields are not documented.

Every record of the sample fits the schema (see `Conformer`), so nothing of it is rescued but arrays of arrays. More
records only widen the types, in any order. The content of objects and arrays is left open, as nothing is lost there.

The library `genson` does not support `Decimal`, dates, or types that widen to text.
"""

from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from singer_rest_core.records.conform import RESCUED_DATA, Conformer, Misfit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from singer_rest_core.records.conform import Record

_ENTRIES: Mapping[str, Mapping[str, str]] = {
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "date": {"type": "string", "format": "date"},
    "date-time": {"type": "string", "format": "date-time"},
    "string": {"type": "string"},
    "object": {"type": "object"},
    "array": {"type": "array"},
}
"""The kinds of values that are distinguished, and the schema of each."""

_KINDS: Mapping[type, Sequence[str]] = {
    bool: ("boolean",),
    int: ("integer", "string"),
    Decimal: ("number", "string"),
    str: ("date", "date-time", "string"),
    dict: ("object",),
    list: ("array",),
}
"""The possible kinds of a decoded value, narrowest first. Text keeps every digit of numbers beyond 64 bits; not every
loader does."""

_RESERVED_COLUMNS = frozenset({"", "version", "deletedate"})
"""Names that a loader cannot use: target-postgres 0.8.1 uses the last two itself when it marks deleted rows."""

_LONGEST_NAME = 63
"""Bytes of a column name in PostgreSQL, which truncates longer names."""

_MOST_COLUMNS = 300
"""PostgreSQL has 1600 columns a table, and 8 kB for what a row holds outside of its long values: about 20 bytes for
each of 400 columns. Fields beyond these are rescued."""

_NEVER_TEXT = frozenset({"boolean", "object", "array"})
"""Kinds that text cannot represent."""

_RESCUED = {"type": ["object", "null"], "description": "What does not fit the other columns, raw."}


def infer_schema(records: Iterable[Mapping[str, Any]], *, keys: Sequence[str] = ()) -> Record:
    """Infer the schema of records.

    A column gets the narrowest type that fits all its values: integer, then number, then text; date or timestamp only
    if every value is one. A number sent as text stays text, as nothing says that it is a number. Values of several
    other kinds give a column with several types. A column that is always null is text, which accepts most later values.
    A field gets no column if no loader can use its name, or not together with another column, or if 300 other fields
    are in more of the records; its values are rescued.

    Args:
        records: The sample, as decoded by `exact_json.decode`.
        keys: The columns that identify a record: they come first and are never null; text if the sample has no values.

    Returns:
        A JSON schema with `_rescued_data`; the same for the same records in any order.
    """
    kinds: dict[str, set[str]] = {name: set() for name in keys}
    occurs: Counter[str] = Counter()
    for record in records:
        occurs.update(record.keys())
        for name, value in record.items():
            seen = kinds.setdefault(name, set())
            if value is not None:
                seen.add(_kind(value))
    kinds.pop(RESCUED_DATA, None)
    usual = sorted(kinds.keys() - set(keys), key=lambda name: (-occurs[name], name))[:_MOST_COLUMNS]
    names = _columns([*keys, *sorted(usual)])
    properties = {name: _entry(_common(kinds[name]), is_key=name in keys) for name in names}
    schema: Record = {"type": "object", "properties": {**properties, RESCUED_DATA: dict(_RESCUED)}}
    return schema | ({"required": list(keys)} if keys else {})


def column_kinds(schema: Mapping[str, Any]) -> dict[str, str]:
    """Summarize the columns of a schema, short enough to be kept in the state.

    Args:
        schema: A schema from `infer_schema`, possibly edited since.

    Returns:
        The kinds of values by column, such as `{"total": "number"}`, without columns that this module cannot infer.
    """
    keys = schema.get("required", [])
    columns = {name: entry for name, entry in schema["properties"].items() if name != RESCUED_DATA}
    kinds = {name: _kinds_of(entry, is_key=name in keys) for name, entry in columns.items()}
    return {name: " ".join(sorted(known)) for name, known in kinds.items() if known is not None}


def with_columns(schema: Mapping[str, Any], remembered: Mapping[str, str]) -> Record:
    """Return a schema with the columns of an earlier one, with the types they had.

    The table was created with them: a loader may be unable to change a type, and keeps old values in a column that the
    schema no longer has. Values that do not fit are converted or rescued; so are new fields beyond 300 columns.

    Args:
        schema: A schema from `infer_schema`, possibly edited since; columns that this module cannot infer are kept.
        remembered: The result of `column_kinds` for the earlier schema.

    Returns:
        The schema with those columns.
    """
    own, keys = schema["properties"], schema.get("required", [])
    inferred = column_kinds(schema)
    kinds = {name: set(text.split()) for name, text in remembered.items() if name in inferred or name not in own}
    earlier = {name: _entry(each, is_key=name in keys) for name, each in kinds.items() if _are_known(each)}
    most = max(_MOST_COLUMNS + len(keys), len({*keys, *earlier}))
    usable = {*_columns([*keys, *sorted(earlier), *own])[:most], RESCUED_DATA}
    columns = {name: entry for name, entry in {**own, **earlier}.items() if name in usable}
    order = [*keys, *sorted(columns.keys() - {*keys, RESCUED_DATA}), RESCUED_DATA]
    return {**schema, "properties": {name: columns[name] for name in order if name in columns}}


def with_key(schema: Mapping[str, Any], key: str) -> Record:
    """Return a schema with another key.

    Args:
        schema: A schema from `infer_schema`.
        key: The column that identifies a record.

    Returns:
        The schema with that key, which is never null, and is text if there was no such column. The previous key may be
        null.
    """
    kinds = {name: set(text.split()) for name, text in column_kinds(schema).items()}
    previous = {name: _entry(kinds[name], is_key=False) for name in schema.get("required", []) if name in kinds}
    columns = {**schema["properties"], **previous, key: _entry(kinds.get(key, {"string"}), is_key=True)}
    return {**schema, "properties": columns, "required": [key]}


def identifies(records: Iterable[Mapping[str, Any]], name: str) -> bool:
    """Return whether a field can be the key of records.

    Args:
        records: The sample.
        name: The field.

    Returns:
        Whether every record has an integer or a text in it that no other record has.
    """
    seen = set()
    for record in records:
        value = record.get(name)
        if type(value) not in {int, str} or value == "" or str(value) in seen:
            return False
        seen.add(str(value))
    return True


def _columns(names: Sequence[str]) -> list[str]:
    """Return the names that can be columns, one for each column: loaders change case and punctuation."""
    taken: dict[str, str] = {}
    for name in names:
        column = re.sub(r"[^a-z0-9_]", "", re.sub(r"[-. ]", "_", name.lower().strip()))
        if column not in _RESERVED_COLUMNS and len(name.encode()) <= _LONGEST_NAME:
            taken.setdefault(column, name)
    return list(taken.values())


def _common(kinds: AbstractSet[str]) -> set[str]:
    """Return the kinds of a column that accepts values of all these kinds: numbers among other kinds become text."""
    if kinds == {"integer", "number"}:
        return {"number"}
    if len(kinds) > 1:
        return {kind if kind in _NEVER_TEXT else "string" for kind in kinds}
    return set(kinds) or {"string"}


def _entry(kinds: AbstractSet[str], *, is_key: bool) -> Record:
    entries = [_ENTRIES[kind] for kind in sorted(kinds)]
    types = [entry["type"] for entry in entries] + ([] if is_key else ["null"])
    entry: Record = {**entries[0]} if len(entries) == 1 and not is_key else {}
    return {**entry, "type": types if len(types) > 1 else types[0]}


def _kinds_of(entry: Mapping[str, Any], *, is_key: bool) -> set[str] | None:
    """Return the kinds from which `_entry` made an entry; None if it did not make it."""
    types = entry.get("type", [])
    kinds = set(types if isinstance(types, list) else [types]) - {"null"}
    if kinds == {"string"} and "format" in entry:
        kinds = {str(entry["format"])}
    return kinds if _are_known(kinds) and _entry(kinds, is_key=is_key) == entry else None


def _are_known(kinds: AbstractSet[str]) -> bool:
    return bool(kinds) and kinds <= _ENTRIES.keys()


def _kind(value: Any) -> str:  # noqa: ANN401 - JSON is any of six types
    possible = _KINDS[type(value)]
    return next((kind for kind in possible if _fits(value, kind)), possible[-1])


def _fits(value: Any, kind: str) -> bool:  # noqa: ANN401 - JSON is any of six types
    try:
        _CONVERTERS[kind](value)
    except Misfit:
        return False
    return True


def _converter(entry: Mapping[str, str]) -> Callable[[Any], Any]:
    """Return the conformer's converter, so that there is a single definition of what fits."""
    (column,) = Conformer({"properties": {"value": entry}}, lambda _name, _why: None).columns
    return column.convert


_CONVERTERS = {kind: _converter(entry) for kind, entry in _ENTRIES.items()}
