"""An answer from a vendor's documentation, and the schema that its rows allow."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import simplejson

from scripts.check_schemas import RESCUED, SECRET
from singer_rest_core.records import infer_schema
from tap_productive.relationships import related_type

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

JsonObject = dict[str, Any]

_DECIMAL_TEXT = re.compile(r"-?\d+\.\d+")
_RESCUED_COLUMN = {
    "type": ["object", "null"],
    "description": "Fields that this schema does not know or that do not fit it, with their raw values.",
}


class UnusableAnswerError(ValueError):
    """No stream can be made from the answer; the message gives the reason."""


@dataclass(frozen=True)
class DocumentedAnswer:
    """An answer with the rows of a list, or with one of them.

    Args:
        body: The answer, decoded; numbers with a fraction are decimals.
        member: The name under which the answer has its rows; None if it is the list, or one row, itself.
        rows: The rows.
    """

    body: Any
    member: str | None
    rows: Sequence[JsonObject]

    @property
    def is_json_api(self) -> bool:
        """Whether the rows are JSON:API resources, with `attributes` and `relationships`."""
        return all("attributes" in row and "type" in row for row in self.rows)

    @property
    def relationships(self) -> Mapping[str, str]:
        """What each relationship of JSON:API rows leads to: a type, in brackets if it is to-many."""
        found: dict[str, str] = {}
        for row in self.rows:
            for name, relationship in row.get("relationships", {}).items():
                data = relationship.get("data")
                first = (data[0] if data else None) if isinstance(data, list) else data
                related = first["type"] if first else related_type(name)
                is_to_many = isinstance(data, list) or related_type(name) == name
                found[name] = f"[{related}]" if is_to_many else related
        return dict(sorted(found.items()))

    @property
    def attributes(self) -> Sequence[JsonObject]:
        """The values of each row by name, without relationships."""
        if not self.is_json_api:
            return self.rows
        return [{"id": row["id"], **row["attributes"]} for row in self.rows]

    def schema(self, key: str) -> JsonObject:
        """Return the schema of the records that the rows become.

        Args:
            key: The column that identifies a record.

        Raises:
            UnusableAnswerError: If a row has no such value.
        """
        if any(row.get(key) is None for row in self.attributes):
            raise UnusableAnswerError(f"has a row without {key}: name the key with KEY=")
        inferred = infer_schema(self.attributes, keys=(key,))["properties"]
        columns = {name: _column(entry) for name, entry in inferred.items() if not SECRET.search(name)}
        if self.is_json_api:
            for name in columns.keys() & _decimal_texts(self.attributes):
                columns[name] = {"type": ["number", "null"]}
        for name, related in self.relationships.items():
            columns |= _relationship_column(name, related)
        columns[RESCUED] = dict(_RESCUED_COLUMN)
        return {"type": "object", "properties": columns, "required": [key], "additionalProperties": True}

    @property
    def secrets(self) -> list[str]:
        """Names of fields that look like secrets: they get no column."""
        return sorted({name for row in self.attributes for name in row if SECRET.search(name)})


def read_answer(path: Path) -> DocumentedAnswer:
    """Read an answer from a file.

    Args:
        path: A JSON file: a list of rows, a single row, or an object that holds either under one name.

    Raises:
        UnusableAnswerError: If the file cannot be read, or if it is not clear which are its rows.
    """
    try:
        body = simplejson.loads(path.read_text(encoding="utf-8"), use_decimal=True)
    except OSError as error:
        raise UnusableAnswerError(f"cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UnusableAnswerError(f"is not JSON: {error}") from error
    member = _member_with_rows(body)
    rows = body if member is None else body[member]
    rows = rows if isinstance(rows, list) else [rows]
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise UnusableAnswerError("holds no rows: a list of objects is needed, itself or under one name")
    return DocumentedAnswer(body, member, rows)


def _member_with_rows(body: object) -> str | None:
    """Return the name under which an answer has its rows; None if it is the list or the row itself."""
    if not isinstance(body, dict) or "attributes" in body:
        return None
    if isinstance(body.get("data"), dict):
        return "data"
    lists = [name for name, value in body.items() if isinstance(value, list) and value and isinstance(value[0], dict)]
    if "data" in lists:
        return "data"
    # A row may hold a list of objects too; what has an id is a row.
    return lists[0] if len(lists) == 1 and "id" not in body else None


def _column(entry: Mapping[str, Any]) -> JsonObject:
    column = dict(entry)
    if "array" in column["type"]:
        column["items"] = {}
    return column


def _relationship_column(name: str, related: str) -> JsonObject:
    kind = related.strip("[]")
    if related.startswith("["):
        ids = {"type": ["array", "null"], "items": {"type": "string"}}
        return {f"{name}_ids": ids | {"description": f"Ids of the related `{kind}` records."}}
    return {f"{name}_id": {"type": ["string", "null"], "description": f"Id of the related `{kind}` record."}}


def _decimal_texts(rows: Sequence[JsonObject]) -> set[str]:
    """Return the names of fields whose values are all decimals written as text, as JSON:API servers do."""
    values: dict[str, list[object]] = {}
    for row in rows:
        for name, value in row.items():
            values.setdefault(name, []).extend([value] if value is not None else [])
    return {
        name
        for name, found in values.items()
        if found and all(isinstance(value, str) and _DECIMAL_TEXT.fullmatch(value) for value in found)
    }
