"""A JSON schema derived from a sample of records, for APIs whose fields nobody has written down.

Every record of the sample fits its schema (see `Conformer`): nothing of it is rescued. More records only widen the
types, in whatever order they come. What is inside objects and lists is left open, as nothing is lost there.

`genson`, the library for this, does not know `Decimal`, dates, or types that widen to text; what it leaves to be done
is this module.
"""

from __future__ import annotations

import re
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
"""The kinds of values that are told apart, and what a schema says of each."""

_KINDS: Mapping[type, Sequence[str]] = {
    bool: ("boolean",),
    int: ("integer", "string"),
    Decimal: ("number", "string"),
    str: ("date", "date-time", "string"),
    dict: ("object",),
    list: ("array",),
}
"""The kinds a decoded value may be of, the narrowest first. Text keeps every digit of numbers beyond 64 bits; not every
loader does."""

_NO_COLUMNS = frozenset({"", "version", "deletedate"})
"""Names that a loader cannot take: target-postgres 0.8.1 uses the last two itself when it marks vanished rows."""

_LONGEST_NAME = 63
"""Bytes of a column's name in PostgreSQL; what is longer is cut off there."""

_NEVER_TEXT = frozenset({"boolean", "object", "array"})
"""Kinds whose values no text says as well."""

_RESCUED = {"type": ["object", "null"], "description": "What does not fit the other columns, raw."}


def infer_schema(records: Iterable[Mapping[str, Any]], *, keys: Sequence[str] = ()) -> Record:
    """Derive the schema of records.

    A column takes the narrowest type that fits all its values: whole numbers, then numbers, then text; a date or a
    timestamp only if every value is one. A number given as text stays text: nothing says that it is a number. Values of
    several other kinds give a column of several types. A column that is always null is text, which takes most of what
    may come. A field whose name no loader can take, or not beside another column, is left to be rescued.

    Args:
        records: The sample, as `exact_json.decode` gives it.
        keys: The columns that identify a record: they come first and are never null; text if the sample has none.

    Returns:
        A JSON schema with `_rescued_data`; the same for the same records in any order.
    """
    kinds: dict[str, set[str]] = {name: set() for name in keys}
    for record in records:
        for name, value in record.items():
            seen = kinds.setdefault(name, set())
            if value is not None:
                seen.add(_kind(value))
    kinds.pop(RESCUED_DATA, None)
    names = _columns([*keys, *sorted(kinds.keys() - set(keys))])
    properties = {name: _entry(_common(kinds[name]), is_key=name in keys) for name in names}
    schema: Record = {"type": "object", "properties": {**properties, RESCUED_DATA: dict(_RESCUED)}}
    return schema | ({"required": list(keys)} if keys else {})


def column_kinds(schema: Mapping[str, Any]) -> dict[str, str]:
    """Say in few words what the columns of a schema take, so that a state can remember it.

    Args:
        schema: A schema as `infer_schema` gives it; somebody may have changed it since.

    Returns:
        The kinds of values by column, e.g. `{"total": "number"}`, but for what this module would not have inferred.
    """
    keys = schema.get("required", [])
    columns = {name: entry for name, entry in schema["properties"].items() if name != RESCUED_DATA}
    kinds = {name: _kinds_of(entry, is_key=name in keys) for name, entry in columns.items()}
    return {name: " ".join(sorted(known)) for name, known in kinds.items() if known is not None}


def with_columns(schema: Mapping[str, Any], remembered: Mapping[str, str]) -> Record:
    """Give a schema the columns that an earlier one had, with the types they had.

    A table was made with them: a loader may not be able to change a type, and leaves old values in a column that the
    schema does not name any more. What does not fit them is converted or rescued.

    Args:
        schema: A schema as `infer_schema` gives it; somebody may have changed it since. What this module would not have
            inferred stays.
        remembered: What `column_kinds` gave for the earlier one.

    Returns:
        The schema with those columns.
    """
    own, keys = schema["properties"], schema.get("required", [])
    inferred = column_kinds(schema)
    kinds = {name: set(text.split()) for name, text in remembered.items() if name in inferred or name not in own}
    earlier = {name: _entry(each, is_key=name in keys) for name, each in kinds.items() if _are_known(each)}
    usable = _columns([*keys, *sorted(earlier), *own])
    columns = {name: entry for name, entry in {**own, **earlier}.items() if name in usable}
    order = [*keys, *sorted(columns.keys() - {*keys, RESCUED_DATA}), RESCUED_DATA]
    return {**schema, "properties": {name: columns[name] for name in order if name in columns}}


def with_key(schema: Mapping[str, Any], key: str) -> Record:
    """Give a schema another key: never null, text if there was no such column; the key of before may then be null.

    Args:
        schema: A schema as `infer_schema` gives it.
        key: The column that identifies a record.

    Returns:
        The schema with that key.
    """
    kinds = {name: set(text.split()) for name, text in column_kinds(schema).items()}
    before = {name: _entry(kinds[name], is_key=False) for name in schema.get("required", []) if name in kinds}
    columns = {**schema["properties"], **before, key: _entry(kinds.get(key, {"string"}), is_key=True)}
    return {**schema, "properties": columns, "required": [key]}


def identifies(records: Iterable[Mapping[str, Any]], name: str) -> bool:
    """Tell whether a field can be the key of records.

    Args:
        records: The sample.
        name: The field.

    Returns:
        Whether every record has a whole number or a text there that no other has.
    """
    seen = set()
    for record in records:
        value = record.get(name)
        if type(value) not in {int, str} or value == "" or str(value) in seen:
            return False
        seen.add(str(value))
    return True


def _columns(names: Sequence[str]) -> list[str]:
    """Leave out names that are no columns, or the same column as one before: loaders change case and punctuation."""
    taken: dict[str, str] = {}
    for name in names:
        column = re.sub(r"[^a-z0-9_]", "", re.sub(r"[-. ]", "_", name.lower().strip()))
        if column not in _NO_COLUMNS and len(name.encode()) <= _LONGEST_NAME:
            taken.setdefault(column, name)
    return list(taken.values())


def _common(kinds: AbstractSet[str]) -> set[str]:
    """Widen kinds until one column takes values of all: numbers among other kinds are text."""
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
    """Find the kinds an entry was made of; None if it was not made here."""
    types = entry.get("type", [])
    kinds = set(types if isinstance(types, list) else [types]) - {"null"}
    if kinds == {"string"} and "format" in entry:
        kinds = {str(entry["format"])}
    return kinds if _are_known(kinds) and _entry(kinds, is_key=is_key) == entry else None


def _are_known(kinds: AbstractSet[str]) -> bool:
    return bool(kinds) and kinds <= _ENTRIES.keys()


def _kind(value: Any) -> str:  # noqa: ANN401 - JSON is any of six types
    return next(kind for kind in _KINDS[type(value)] if _fits(value, kind))


def _fits(value: Any, kind: str) -> bool:  # noqa: ANN401 - JSON is any of six types
    try:
        _CONVERTERS[kind](value)
    except Misfit:
        return False
    return True


def _converter(entry: Mapping[str, str]) -> Callable[[Any], Any]:
    """Ask the conformer, so that what fits is said in one place."""
    (column,) = Conformer({"properties": {"value": entry}}, lambda _name, _why: None).columns
    return column.convert


_CONVERTERS = {kind: _converter(entry) for kind, entry in _ENTRIES.items()}
