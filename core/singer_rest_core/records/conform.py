"""Conforming records to their schema, compiled once per stream.

A value is converted where nothing is lost (`"12.50"` to a number, `5` to `"5"`, a timestamp to UTC). A field the schema
does not have, or a value that does not fit, is rescued: it is written unchanged to `_rescued_data` of the record, so
that drift neither breaks a load nor loses data.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from singer_rest_core.records.exact_json import LARGEST_EXPONENT, bounded_decimal
from singer_rest_core.records.secret_names import SecretNames
from singer_rest_core.records.timestamps import fast_to_utc, is_date, to_utc

if TYPE_CHECKING:
    from collections.abc import Mapping

RESCUED_DATA = "_rescued_data"
"""The property for rescued values: an object, null when there are none."""

Record = dict[str, Any]
_Converter = Callable[[Any], Any]

_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,9})?")
"""A number in JSON syntax: \"007\" does not match, as it would lose its zeros."""
_BIGINT = 2**63
_BEYOND_BOUNDS = f"is a number with an exponent beyond {LARGEST_EXPONENT}, or with more digits"
_MAX_REPORTED_UNKNOWN = 20
"""Fields unknown to the schema that are reported by name; an API may send new names without end."""
_LONGEST_REPORTED_NAME = 80
_BOOLEAN_WORDS = {"true": True, "false": False}
_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, Decimal),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}
_NAMES_OF_TYPES: Mapping[type, str] = {
    bool: "a boolean",
    int: "a number",
    Decimal: "a number",
    str: "a string",
    dict: "an object",
    list: "an array",
}
_NAMES_OF_EXPECTED: Mapping[str, str] = {
    "string": "a string",
    "integer": "a 64-bit integer",
    "number": "a number",
    "boolean": "a boolean",
    "timestamp": "a timestamp",
    "date": "a date",
    "object": "an object",
    "array": "an array",
}


class Misfit(ValueError):
    """A value cannot be converted to the type of its column without losing something.

    The message is a clause whose subject is the field; it does not contain the value.
    """


@dataclass(frozen=True)
class Column:
    """The values that fit one property of a schema.

    Args:
        name: The property.
        convert: Returns the value to write for a value that is not null; raises `Misfit`.
        native: A type that msgspec decodes exactly for the values that `convert` returns unchanged; `Any` if it returns
            all values unchanged, None if there is no such type.
        may_hold_secrets: Whether `convert` also removes secret fields from such values (see `SecretNames`).
    """

    name: str
    convert: Callable[[Any], Any]
    native: Any
    may_hold_secrets: bool = False


class Conformer:
    """Conforms records to one schema.

    Args:
        schema: The stream's JSON schema; properties without a type accept any value.
        report: Called once for each rescued field, with its name and a clause that says why. Names are cleaned for the
            log. After many fields that the schema does not have, further ones are not reported.
        secret_names: Fields with a name in which this is found are dropped: those the schema does not have, and those
            inside rescued values and inside values of open objects and lists.
    """

    def __init__(
        self,
        schema: Mapping[str, Any],
        report: Callable[[str, str], None],
        *,
        secret_names: re.Pattern[str] | None = None,
    ) -> None:
        """Compile a converter for every property."""
        self.secret_names = SecretNames(secret_names)
        properties: Mapping[str, Mapping[str, Any]] = schema.get("properties", {})
        self.keeps_rescued = RESCUED_DATA in properties
        """Whether the schema has a property for rescued values."""
        self.columns = tuple(self._column(name, entry) for name, entry in properties.items() if name != RESCUED_DATA)
        """All other properties, in the schema's order."""
        self._converters = [(column.name, column.convert) for column in self.columns]
        self._known = frozenset(column.name for column in self.columns)
        self._report = report
        self._reported_misfits: set[str] = set()
        self._reported_unknown: set[str] = set()

    def conform(self, raw: Mapping[str, Any]) -> Record:
        """Conform one record.

        Args:
            raw: The record as the API sent it, flat as in the schema.

        Returns:
            A record with every property of the schema, in the schema's order; null where the API sent nothing.
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
                self.report_misfit(name, misfit)
        for name in sorted(raw.keys() - self._known):
            if not self.secret_names.match(name):
                rescued[name] = raw[name]
                self.report_unknown(name)
        if self.keeps_rescued:
            record[RESCUED_DATA] = self.rescued_data(rescued)
        return record

    def rescued_data(self, rescued: Record) -> Record | None:
        """Return the value of `_rescued_data` for one record.

        Args:
            rescued: The raw values by field.

        Returns:
            The values sorted by field, without secret fields inside them; None if there are none.
        """
        if self.secret_names:
            rescued = {name: self.secret_names.without_secrets(value) for name, value in rescued.items()}
        return dict(sorted(rescued.items())) or None

    def report_misfit(self, name: str, misfit: Misfit) -> None:
        """Report a column whose value is rescued, unless it was reported before.

        Args:
            name: The column.
            misfit: Why its value does not fit.
        """
        if name not in self._reported_misfits:
            self._reported_misfits.add(name)
            self._report(_printable(name), str(misfit))

    def report_unknown(self, name: str) -> None:
        """Report a rescued field that the schema does not have, unless it or too many others were reported before.

        Args:
            name: The field.
        """
        if name in self._reported_unknown or len(self._reported_unknown) > _MAX_REPORTED_UNKNOWN:
            return
        self._reported_unknown.add(name)
        is_last = len(self._reported_unknown) > _MAX_REPORTED_UNKNOWN
        more = " (further unknown fields are not reported)" if is_last else ""
        self._report(_printable(name), f"is not in the schema{more}")

    def _column(self, name: str, entry: Mapping[str, Any]) -> Column:
        convert = _converter(entry)
        secret_names = self.secret_names
        if not secret_names or not _may_hold_fields(entry):
            return Column(name, convert, _native(entry))
        without_secrets = secret_names.without_secrets
        return Column(name, lambda value: without_secrets(convert(value)), _native(entry), may_hold_secrets=True)


def _printable(name: str) -> str:
    """Return a field name that is safe to log: bounded, and without line breaks and other control characters."""
    shown = name if len(name) <= _LONGEST_REPORTED_NAME else f"{name[:_LONGEST_REPORTED_NAME]}…"
    return shown if shown.isprintable() else "".join(each if each.isprintable() else "\ufffd" for each in shown)


def _may_hold_fields(schema: Mapping[str, Any]) -> bool:
    """Return whether values of a property may be objects, or lists of objects, with any fields."""
    types = schema.get("type", ["object"])
    return "object" in types or ("array" in types and _may_hold_fields(schema.get("items", {})))


def _native(schema: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a type form, which has no type
    """Return the type of exactly those values that a property's converter returns unchanged."""
    declared = schema.get("type", [])
    types = [name for name in ([declared] if isinstance(declared, str) else declared) if name != "null"]
    if not declared:
        return Any
    if len(types) != 1:
        return None
    if types == ["string"]:
        return {"date-time": None, "date": date}.get(str(schema.get("format")), str)
    if types == ["array"] and not schema.get("items"):
        return None
    if types == ["array"]:
        items = _native(schema["items"])
        return None if items is None else list.__class_getitem__(items | None)
    return {
        "integer": Annotated[int, msgspec.Meta(ge=-_BIGINT, le=_BIGINT - 1)],
        "boolean": bool,
        "object": dict[str, Any],
    }.get(types[0])


def _converter(schema: Mapping[str, Any]) -> _Converter:
    """Compile the schema of one property; the first type that accepts a value wins, exact types before conversions."""
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
        raise _misfit(value, *choices)

    return first_that_fits


def _for_type(name: str, schema: Mapping[str, Any]) -> _Converter:
    if name == "string":
        return {"date-time": convert_timestamp, "date": _date}.get(str(schema.get("format")), _string)
    if name == "array" and schema.get("items"):
        return _array_of(_converter(schema["items"]))
    return {
        "integer": _integer,
        "number": _number,
        "boolean": _boolean,
        "object": _object,
        "array": _array_without_arrays,
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
    raise _misfit(value, "string")


def _integer(value: Any) -> int:  # noqa: ANN401 - JSON is any of six types
    number: int | None = None
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, Decimal | str):
        exact = _decimal_of(value) if isinstance(value, str) else _bounded(value)
        if exact is not None and exact == exact.to_integral_value():
            number = int(exact)
    if number is None or not -_BIGINT <= number < _BIGINT:
        raise _misfit(value, "integer")
    return number


def _number(value: Any) -> int | Decimal:  # noqa: ANN401 - JSON is any of six types
    kind = type(value)
    exact: int | Decimal | None = None
    if kind is str:
        exact = _decimal_of(value)
        if exact is None and _DECIMAL.fullmatch(value):
            raise Misfit(_BEYOND_BOUNDS)
    elif kind is Decimal:
        exact = _bounded(value)
    elif kind is int:
        exact = value
    if exact is None and kind is Decimal:
        raise Misfit(_BEYOND_BOUNDS)
    if exact is None:
        raise _misfit(value, "number")
    return exact


@lru_cache(1024)
def _decimal_of(text: str) -> Decimal | None:
    """Parse a number sent as a string; cached, as rates and quantities repeat from row to row."""
    return _bounded(text) if _DECIMAL.fullmatch(text) else None


def _bounded(value: Decimal | str) -> Decimal | None:
    try:
        return bounded_decimal(value)
    except ArithmeticError:
        return None


def _boolean(value: Any) -> bool:  # noqa: ANN401 - JSON is any of six types
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in _BOOLEAN_WORDS:
        return _BOOLEAN_WORDS[value]
    raise _misfit(value, "boolean")


def convert_timestamp(value: Any) -> str:  # noqa: ANN401 - JSON is any of six types
    """Convert a value of a timestamp column.

    Args:
        value: Any value that is not null.

    Returns:
        The timestamp in UTC; a date is returned unchanged.

    Raises:
        Misfit: If the value is neither a timestamp nor a date.
    """
    if isinstance(value, str):
        try:
            return fast_to_utc(value) or (value if is_date(value) else to_utc(value))
        except ValueError:
            pass
    raise _misfit(value, "timestamp")


def _date(value: Any) -> str:  # noqa: ANN401 - JSON is any of six types
    if isinstance(value, str) and is_date(value):
        return value
    raise _misfit(value, "date")


def _object(value: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON is any of six types
    if isinstance(value, dict):
        return value
    raise _misfit(value, "object")


def _array(value: Any) -> list[Any]:  # noqa: ANN401 - JSON is any of six types
    if isinstance(value, list):
        return value
    raise _misfit(value, "array")


def _array_without_arrays(value: Any) -> list[Any]:  # noqa: ANN401 - JSON is any of six types
    """Return an array of anything; loaders make columns of arrays, of which PostgreSQL takes six levels at most."""
    if list in map(type, _array(value)):
        raise Misfit("is an array of arrays that does not fit an array")
    return _array(value)


def _array_of(convert: _Converter) -> _Converter:
    def array(value: Any) -> list[Any]:  # noqa: ANN401 - JSON is any of six types
        return [None if item is None else convert(item) for item in _array(value)]

    return array


def _misfit(value: object, *expected: str) -> Misfit:
    found = _NAMES_OF_TYPES.get(type(value), type(value).__name__)
    wanted = " or ".join(_NAMES_OF_EXPECTED[each] for each in expected) or "null"
    return Misfit(f"is {found} that does not fit {wanted}")
