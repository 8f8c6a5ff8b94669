"""Where a page holds its rows, and how a row becomes a flat record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from singer_rest_core.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from singer_rest_core.records.conform import Record

_MAX_NAMES_IN_MESSAGE = 10
_LONGEST_NAME_IN_MESSAGE = 40


class UnexpectedPage(ValueError):
    """A JSON document that is not a page of the list; the message completes "GET /path answered …"."""


NOT_A_RESOURCE = "with a row that is not a resource object"
"""JSON:API: a resource needs an id, and a reference to another one needs its type."""

ID = "id"
ID_AMONG_ATTRIBUTES = "attributes.id"
"""The field for an attribute of a resource that is named `id` and is not its id; JSON:API forbids the name."""

_ERRORS = "errors"


@dataclass(frozen=True)
class FlatRows:
    """Rows that are already flat records.

    Args:
        key: The member of the page that holds the rows; None if the page itself is the list.
        envelope: The members next to it that are used, for example by a paginator.
        inner: The member that holds the rows if `key` holds an object, such as a paginator's page; the envelope is then
            inside that object. None if no page has this form.
    """

    key: str | None
    envelope: tuple[str, ...] = ()
    inner: str | None = None

    def flat(self, row: Any) -> Record:  # noqa: ANN401 - JSON is any of six types
        """Return the record of a row: the row itself.

        Args:
            row: A decoded row.

        Returns:
            The row.

        Raises:
            UnexpectedPage: If the row is not an object.
        """
        if not isinstance(row, dict):
            raise UnexpectedPage("with a row that is not an object")
        return row


@dataclass(frozen=True)
class ResourceRows:
    """Rows that are resource objects of JSON:API (https://jsonapi.org/format/#document-resource-objects).

    Args:
        typed: Relationships for which the type of the related record is written too.
        usual: Relationships that most rows have; `PageCodec` compiles types for them in advance, and learns others from
            the rows.
        key: The member of the page that holds the rows.
        envelope: The members next to it that are used, for example by a paginator.
    """

    typed: frozenset[str] = frozenset()
    usual: frozenset[str] = frozenset()
    key: str = "data"
    envelope: tuple[str, ...] = (_ERRORS, "links", "meta")
    inner = None

    def flat(self, row: Any) -> Record:  # noqa: ANN401 - JSON is any of six types
        """Flatten a resource into a record.

        Args:
            row: A resource object with `id`, `attributes` and `relationships`.

        Returns:
            `id`, the attributes under their own names, and `<name>_id` for a relationship to one record or `<name>_ids`
            for one to several. A relationship without data adds nothing. An attribute that is named `id` stands for the
            id of a resource without one; where it is another than the resource's, it is `attributes.id`.

        Raises:
            UnexpectedPage: If the row is not a resource object.
        """
        try:
            return self._flat(row)
        except (AttributeError, KeyError, TypeError) as error:
            raise UnexpectedPage(NOT_A_RESOURCE) from error

    def _flat(self, resource: Mapping[str, Any]) -> Record:
        identifier = resource.get(ID)
        record: Record = {**(resource.get("attributes") or {})}
        if is_another_id(record.get(ID), identifier):
            record[ID_AMONG_ATTRIBUTES] = record[ID]
        if identifier is not None:
            record[ID] = identifier
        for name, relationship in (resource.get("relationships") or {}).items():
            if not isinstance(relationship, dict) or "data" not in relationship:
                continue
            related = relationship["data"]
            if isinstance(related, list):
                record[f"{name}_ids"] = [entry["id"] for entry in related]
            elif related is not None:
                record[f"{name}_id"] = related["id"]
                if name in self.typed:
                    record[f"{name}_type"] = related["type"]
        return record


def is_another_id(attribute: object, identifier: object) -> bool:
    """Whether an attribute that is named `id` says something else than the id of its resource.

    Args:
        attribute: The attribute; None if there is none.
        identifier: The id of the resource; None if there is none.
    """
    return attribute is not None and identifier is not None and str(attribute) != str(identifier)


RowLayout = FlatRows | ResourceRows


def rows_of(body: Any, layout: RowLayout) -> list[Any]:  # noqa: ANN401 - JSON is any of six types
    """Return the rows of a decoded page.

    Args:
        body: The page.
        layout: Where it holds its rows.

    Returns:
        The rows, unchanged.

    Raises:
        UnexpectedPage: If there is no list in that place, or the page is a document of errors.
    """
    rows, members = _rows_and_siblings(body, layout)
    check_errors(members, layout)
    if not isinstance(rows, list):
        where = "" if layout.key is None else f" under `{layout.key}`"
        names = ", ".join(repr(name[:_LONGEST_NAME_IN_MESSAGE]) for name in list(members)[:_MAX_NAMES_IN_MESSAGE])
        raise UnexpectedPage(f"without a list{where}{f'; it contains: {names}' if names else ''}")
    return rows


def check_errors(members: Mapping[str, Any], layout: RowLayout) -> None:
    """Refuse a document of errors of JSON:API (https://jsonapi.org/format/#errors), whatever the status it came with.

    Args:
        members: The members of the page next to its rows.
        layout: The layout of the page.

    Raises:
        UnexpectedPage: If there are errors; in the words of the API.
    """
    errors = members.get(_ERRORS) if isinstance(layout, ResourceRows) else None
    if errors:
        raise UnexpectedPage(f"with an error: {error_text({_ERRORS: errors}) or 'no reason given'}")


def envelope_of(body: Any, layout: RowLayout) -> Record:  # noqa: ANN401 - JSON is any of six types
    """Return the members of a decoded page that are not rows, such as the total or the link to the next page.

    Args:
        body: The page.
        layout: Which members are used.

    Returns:
        Those that are not null, by name.
    """
    _, members = _rows_and_siblings(body, layout)
    return {name: members[name] for name in layout.envelope if members.get(name) is not None}


def _rows_and_siblings(body: Any, layout: RowLayout) -> tuple[Any, Record]:  # noqa: ANN401 - JSON is any of six types
    """Return what should be the rows, and the object that contains them."""
    members = body if isinstance(body, dict) else {}
    if layout.key is None:
        return body, members
    rows = members.get(layout.key)
    if layout.inner is not None and isinstance(rows, dict):
        return rows.get(layout.inner), rows
    return rows, members


def fields_of(row: Any, layout: RowLayout) -> Iterable[tuple[str, Any]]:  # noqa: ANN401 - JSON is any of six types
    """Return the fields of a row without relationships: of a resource, its id and its attributes.

    One of the attributes may be named `id`, too.

    Args:
        row: A decoded row of any type.
        layout: The layout of rows.

    Returns:
        Names and values; empty if the row has no fields.
    """
    if not isinstance(layout, ResourceRows):
        return row.items() if isinstance(row, dict) else ()
    attributes = row.get("attributes") if isinstance(row, dict) else None
    return ((ID, row.get(ID)), *attributes.items()) if isinstance(attributes, dict) else ()


def relationships_of(row: Any) -> Record:  # noqa: ANN401 - JSON is any of six types
    """Return the relationships of a resource.

    Args:
        row: A decoded row of any type.

    Returns:
        The relationships by name, unchecked; empty if the row has none.
    """
    relationships = row.get("relationships") if isinstance(row, dict) else None
    return relationships if isinstance(relationships, dict) else {}
