"""Records made to fit their schema, compiled once per stream.

A value is converted where nothing is lost (`"12.50"` to a number, `5` to `"5"`, a timestamp to UTC). What the schema
does not know, or what does not fit, goes with its raw value into the record's `_rescued_data`: drift neither kills a
load nor loses data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from singer_rest_core.timestamps import is_date, to_utc

RESCUED_DATA = "_rescued_data"
"""The property that holds what does not fit: an object, null when empty."""

Record = dict[str, Any]
_Converter = Callable[[Any], Any]

_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,9})?")
"""A number as JSON writes it: \"007\" is a text that would lose its zeros."""
_BIGINT = 2**63
_LARGEST_EXPONENT = 1000
_WORDS = {"true": True, "false": False}
_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, Decimal),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}


class Misfit(ValueError):
    """A value that has no place under its schema without losing something."""


class Conformer:
    """Makes records fit one schema.

    Args:
        schema: The stream's JSON schema; properties without a type take any value.
        report: Called once for each field that is rescued, with its name and why.
    """

    def __init__(self, schema: Mapping[str, Any], report: Callable[[str, str], None]) -> None:
        """Compile a converter for every property."""
        properties: Mapping[str, Mapping[str, Any]] = schema.get("properties", {})
        self._keeps_rescued = RESCUED_DATA in properties
        self._converters = [(name, _converter(entry)) for name, entry in properties.items() if name != RESCUED_DATA]
        self._known = frozenset(name for name, _ in self._converters)
        self._report = report
        self._reported: set[str] = set()

    def conform(self, raw: Mapping[str, Any]) -> Record:
        """Make one record fit.

        Args:
            raw: The record as the API gave it, one level deep as the schema has it.

        Returns:
            A record with every property of the schema, in the schema's order; null where the API gave nothing.
        """
        record: Record = {}
        rescued: Record = {}
        for name, convert in self._converters:
            value = raw.get(name)
            try:
                record[name] = None if value is None else convert(value)
            except Misfit as misfit:
                record[name] = None
                rescued[name] = value
                self._report_once(name, str(misfit))
        for name in raw.keys() - self._known:
            rescued[name] = raw[name]
            self._report_once(name, "is not in the schema")
        if self._keeps_rescued:
            record[RESCUED_DATA] = dict(sorted(rescued.items())) or None
        return record

    def _report_once(self, name: str, why: str) -> None:
        if name not in self._reported:
            self._reported.add(name)
            self._report(name, why)


def _converter(schema: Mapping[str, Any]) -> _Converter:
    """Compile the schema of one property; the first of its types that takes a value wins, exact ones before others."""
    declared = schema.get("type", [])
    types = [declared] if isinstance(declared, str) else list(declared)
    choices = {name: _for_type(name, schema) for name in types if name != "null"}
    if not types:
        return _anything
    if len(choices) == 1:
        return next(iter(choices.values()))

    def first_that_fits(value: Any) -> Any:  # noqa: ANN401 - JSON is any of six types
        for name in sorted(choices, key=lambda name: not _is_exactly(name, value)):
            try:
                return choices[name](value)
            except Misfit:
                continue
        raise _misfit(value, " or ".join(choices) or "null")

    return first_that_fits


def _for_type(name: str, schema: Mapping[str, Any]) -> _Converter:
    if name == "string":
        return {"date-time": _timestamp, "date": _date}.get(str(schema.get("format")), _string)
    if name == "array" and isinstance(schema.get("items"), Mapping):
        return _array_of(_converter(schema["items"]))
    return {
        "integer": _integer,
        "number": _number,
        "boolean": _boolean,
        "object": _object,
        "array": _array,
    }[name]


def _is_exactly(name: str, value: object) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, _PYTHON_TYPES[name])


def _anything(value: Any) -> Any:  # noqa: ANN401 - JSON is any of six types
    return value


def _string(value: Any) -> str:  # noqa: ANN401 - JSON is any of six types
    if isinstance(value, str):
        return value
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value)
    raise _misfit(value, "text")


def _integer(value: Any) -> int:  # noqa: ANN401 - JSON is any of six types
    number: int | None = None
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, Decimal | str):
        exact = _exact_decimal(value)
        if exact is not None and exact == exact.to_integral_value():
            number = int(exact)
    if number is None or not -_BIGINT <= number < _BIGINT:
        raise _misfit(value, "a whole number of 64 bits")
    return number


def _number(value: Any) -> int | Decimal:  # noqa: ANN401 - JSON is any of six types
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    exact = _exact_decimal(value) if isinstance(value, Decimal | str) else None
    if exact is None:
        raise _misfit(value, "a number")
    return exact


def _exact_decimal(value: Decimal | str) -> Decimal | None:
    if isinstance(value, str):
        if not _DECIMAL.fullmatch(value):
            return None
        value = Decimal(value)
    return value if abs(value.adjusted()) <= _LARGEST_EXPONENT else None


def _boolean(value: Any) -> bool:  # noqa: ANN401 - JSON is any of six types
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in _WORDS:
        return _WORDS[value]
    raise _misfit(value, "true or false")


def _timestamp(value: Any) -> str:  # noqa: ANN401 - JSON is any of six types
    if isinstance(value, str):
        try:
            return value if is_date(value) else to_utc(value)
        except ValueError:
            pass
    raise _misfit(value, "a timestamp")


def _date(value: Any) -> str:  # noqa: ANN401 - JSON is any of six types
    if isinstance(value, str) and is_date(value):
        return value
    raise _misfit(value, "a date")


def _object(value: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON is any of six types
    if isinstance(value, dict):
        return value
    raise _misfit(value, "an object")


def _array(value: Any) -> list[Any]:  # noqa: ANN401 - JSON is any of six types
    if isinstance(value, list):
        return value
    raise _misfit(value, "a list")


def _array_of(convert: _Converter) -> _Converter:
    def array(value: Any) -> list[Any]:  # noqa: ANN401 - JSON is any of six types
        return [None if item is None else convert(item) for item in _array(value)]

    return array


def _misfit(value: object, expected: str) -> Misfit:
    kind = {bool: "a boolean", int: "a number", Decimal: "a number", str: "a text", dict: "an object", list: "a list"}
    return Misfit(f"is {kind.get(type(value), type(value).__name__)} that does not fit {expected}")
