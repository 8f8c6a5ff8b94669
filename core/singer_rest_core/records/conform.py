"""Records made to fit their schema, compiled once per stream.

A value is converted where nothing is lost (`"12.50"` to a number, `5` to `"5"`, a timestamp to UTC). What the schema
does not know, or what does not fit, goes with its raw value into the record's `_rescued_data`: drift neither kills a
load nor loses data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from singer_rest_core.records.timestamps import is_date, to_utc
from singer_rest_core.records.utc_text import utc_text

if TYPE_CHECKING:
    from collections.abc import Sequence

RESCUED_DATA = "_rescued_data"
"""The property that holds what does not fit: an object, null when empty."""

Record = dict[str, Any]
_Converter = Callable[[Any], Any]

_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,9})?")
"""A number as JSON writes it: \"007\" is a text that would lose its zeros."""
_BIGINT = 2**63
_LARGEST_EXPONENT = 1000
_CONTAINERS = frozenset({dict, list})
_NAMES_KEPT = 10_000
"""How many names that are no secrets are remembered: most repeat from row to row, but some objects are keyed by ids."""
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


@dataclass(frozen=True)
class Column:
    """What fits one property of a schema.

    Args:
        name: The property.
        convert: Gives what is written for a value that is not null; raises `Misfit`.
        native: A type that msgspec decodes just those values for that `convert` leaves as they are; `Any` if it leaves
            all as they are, None if there is no such type.
        may_hold_secrets: Whether `convert` leaves secrets out of such values, too: see `Conformer.have_no_secrets`.
    """

    name: str
    convert: Callable[[Any], Any]
    native: Any
    may_hold_secrets: bool = False


class Conformer:
    """Makes records fit one schema.

    Args:
        schema: The stream's JSON schema; properties without a type take any value.
        report: Called once for each field that is rescued, with its name and why.
        secret_names: Found in the names of what must not be written: not be rescued, on its own or inside of something
            else, and not stand inside of the objects and lists that the schema knows as a whole.
    """

    def __init__(
        self,
        schema: Mapping[str, Any],
        report: Callable[[str, str], None],
        *,
        secret_names: re.Pattern[str] | None = None,
    ) -> None:
        """Compile a converter for every property."""
        self._secret_names = secret_names
        self._harmless: set[str] = set()
        properties: Mapping[str, Mapping[str, Any]] = schema.get("properties", {})
        self.keeps_rescued = RESCUED_DATA in properties
        """Whether the schema has a place for what does not fit."""
        self.columns = tuple(self._column(name, entry) for name, entry in properties.items() if name != RESCUED_DATA)
        """Every property but that one, in the schema's order."""
        self._converters = [(column.name, column.convert) for column in self.columns]
        self._known = frozenset(column.name for column in self.columns)
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
                self.report_once(name, str(misfit))
        for name in raw.keys() - self._known:
            if not self.is_secret(name):
                rescued[name] = raw[name]
                self.report_once(name)
        if self.keeps_rescued:
            record[RESCUED_DATA] = self.rescued_data(rescued)
        return record

    def is_secret(self, name: str) -> bool:
        """Tell whether a field that the schema does not know must not be rescued.

        Args:
            name: The field.

        Returns:
            Whether it is dropped without a word.
        """
        return self._secret_names is not None and self._secret_names.search(name) is not None

    def rescued_data(self, rescued: Record) -> Record | None:
        """Give what a record holds under `_rescued_data`.

        Args:
            rescued: Raw values by field.

        Returns:
            The same in the order of names, without secrets inside of values; null if there are none.
        """
        if self._secret_names is not None:
            rescued = {name: self._without_secrets(value) for name, value in rescued.items()}
        return dict(sorted(rescued.items())) or None

    def _column(self, name: str, entry: Mapping[str, Any]) -> Column:
        convert = _converter(entry)
        if self._secret_names is None or not _may_hold_fields(entry):
            return Column(name, convert, _native(entry))
        return Column(name, lambda value: self._without_secrets(convert(value)), _native(entry), may_hold_secrets=True)

    def have_no_secrets(self, values: Sequence[Any]) -> bool:
        """Look for secrets in all values of a column at once.

        Args:
            values: Objects, lists, whatever there may be.

        Returns:
            Whether surely none of them holds any; otherwise each has to be looked into.
        """
        objects = [value for value in values if type(value) is dict]
        lists = [value for value in values if type(value) is list]
        within = chain.from_iterable([*lists, *map(dict.values, objects)])
        return self._harmless.issuperset(set().union(*objects)) and _CONTAINERS.isdisjoint(map(type, within))

    def _without_secrets(self, value: Any) -> Any:  # noqa: ANN401 - JSON is any of six types
        """Leave secrets out of a value; most have none, and are given back as they are."""
        if type(value) is list:
            return (
                value if _CONTAINERS.isdisjoint(map(type, value)) else [self._without_secrets(each) for each in value]
            )
        if type(value) is not dict:
            return value
        if not value.keys() <= self._harmless:
            value = {name: inner for name, inner in value.items() if not self.is_secret(name)}
            if len(self._harmless) < _NAMES_KEPT:
                self._harmless |= value.keys()
        if _CONTAINERS.isdisjoint(map(type, value.values())):
            return value
        return {name: self._without_secrets(inner) for name, inner in value.items()}

    def report_once(self, name: str, why: str = "is not in the schema") -> None:
        """Say that a field is rescued, unless it was said before.

        Args:
            name: The field.
            why: A clause whose subject is the field.
        """
        if name not in self._reported:
            self._reported.add(name)
            self._report(name, why)


def _may_hold_fields(schema: Mapping[str, Any]) -> bool:
    """Tell whether values of a property may be objects, or lists of them, of whatever fields."""
    types = schema.get("type", ["object"])
    return "object" in types or ("array" in types and _may_hold_fields(schema.get("items", {})))


def _native(schema: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a type form, which has no type
    """Find the type that takes what one property's converter leaves as it is, and nothing else."""
    declared = schema.get("type", [])
    types = [name for name in ([declared] if isinstance(declared, str) else declared) if name != "null"]
    if not declared:
        return Any
    if len(types) != 1:
        return None
    if types == ["string"]:
        return {"date-time": None, "date": date}.get(str(schema.get("format")), str)
    if types == ["array"] and isinstance(schema.get("items"), Mapping):
        items = _native(schema["items"])
        return None if items is None else list.__class_getitem__(items | None)
    return {
        "integer": Annotated[int, msgspec.Meta(ge=-_BIGINT, le=_BIGINT - 1)],
        "boolean": bool,
        "object": dict[str, Any],
        "array": list[Any],
    }.get(types[0])


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
        return {"date-time": timestamp, "date": _date}.get(str(schema.get("format")), _string)
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
        exact = _decimal_of(value) if isinstance(value, str) else _bounded(value)
        if exact is not None and exact == exact.to_integral_value():
            number = int(exact)
    if number is None or not -_BIGINT <= number < _BIGINT:
        raise _misfit(value, "a whole number of 64 bits")
    return number


def _number(value: Any) -> int | Decimal:  # noqa: ANN401 - JSON is any of six types
    kind = type(value)
    exact: int | Decimal | None = None
    if kind is str:
        exact = _decimal_of(value)
    elif kind is Decimal:
        exact = _bounded(value)
    elif kind is int:
        exact = value
    if exact is None:
        raise _misfit(value, "a number")
    return exact


@lru_cache(1024)
def _decimal_of(text: str) -> Decimal | None:
    """Read a number given as text; rates and quantities repeat from row to row."""
    return _bounded(Decimal(text)) if _DECIMAL.fullmatch(text) else None


def _bounded(value: Decimal) -> Decimal | None:
    return value if abs(value.adjusted()) <= _LARGEST_EXPONENT else None


def _boolean(value: Any) -> bool:  # noqa: ANN401 - JSON is any of six types
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in _WORDS:
        return _WORDS[value]
    raise _misfit(value, "true or false")


def timestamp(value: Any) -> str:  # noqa: ANN401 - JSON is any of six types
    """Convert the value of a column of timestamps; dates stay dates.

    Args:
        value: Any but null.

    Returns:
        The timestamp in UTC.

    Raises:
        Misfit: If it is none.
    """
    if isinstance(value, str):
        try:
            return utc_text(value) or (value if is_date(value) else to_utc(value))
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
