"""Where the rows of a page are, and how a row becomes a flat record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from singer_rest_core.records.conform import Record

_MOST_NAMES = 10
_LONGEST_NAME = 40


class UnexpectedPage(ValueError):
    """A JSON document that is no page of the list."""


NO_RESOURCE = "a row is no resource object"
"""JSON:API: one without an id has no key, and a relationship without a type leads nowhere."""


@dataclass(frozen=True)
class FlatRows:
    """Rows that are records already.

    Args:
        key: The member of the page that holds them; None if the page itself is the list.
        envelope: The members beside it that are of use, e.g. to a paginator.
        inner: The member that holds the rows where `key` holds an object instead of them, as a paginator has it; the
            envelope is then in that object. None if no page is made so.
    """

    key: str | None
    envelope: tuple[str, ...] = ()
    inner: str | None = None

    def flat(self, row: Any) -> Record:  # noqa: ANN401 - JSON is any of six types
        """Give a row's record.

        Args:
            row: A decoded row.

        Returns:
            The row.

        Raises:
            UnexpectedPage: If the row is no object.
        """
        if not isinstance(row, dict):
            raise UnexpectedPage("a row is no object")
        return row


@dataclass(frozen=True)
class ResourceRows:
    """Rows that are resource objects of JSON:API (https://jsonapi.org/format/#document-resource-objects).

    Args:
        typed: Relationships whose type is kept too.
        usual: Relationships that rows have; types are ready for them. Others are learned from the rows that have them.
        key: The member of the page that holds them.
        envelope: The members beside it that are of use, e.g. to a paginator.
    """

    typed: frozenset[str] = frozenset()
    usual: frozenset[str] = frozenset()
    key: str = "data"
    envelope: tuple[str, ...] = ("links", "meta")
    inner = None

    def flat(self, row: Any) -> Record:  # noqa: ANN401 - JSON is any of six types
        """Make a flat record of a resource.

        Args:
            row: `id`, `attributes` and `relationships`.

        Returns:
            `id`, the attributes under their own names, `<name>_id` for a relationship to one record and `<name>_ids`
            to several. A relationship that was not included gives nothing.

        Raises:
            UnexpectedPage: If the row is no resource object.
        """
        try:
            return self._flat(row)
        except (AttributeError, KeyError, TypeError) as error:
            raise UnexpectedPage(NO_RESOURCE) from error

    def _flat(self, resource: Mapping[str, Any]) -> Record:
        record: Record = {"id": resource.get("id"), **(resource.get("attributes") or {})}
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
        if record["id"] is None:
            raise UnexpectedPage(NO_RESOURCE)
        return record


RowLayout = FlatRows | ResourceRows


def rows_of(body: Any, layout: RowLayout) -> list[Any]:  # noqa: ANN401 - JSON is any of six types
    """Find the rows of a decoded page.

    Args:
        body: The page.
        layout: Where its rows are.

    Returns:
        The rows as they are.

    Raises:
        UnexpectedPage: If there is no list where it should be.
    """
    rows, members = _rows_and_siblings(body, layout)
    if not isinstance(rows, list):
        where = "" if layout.key is None else f" under `{layout.key}`"
        names = ", ".join(repr(name[:_LONGEST_NAME]) for name in list(members)[:_MOST_NAMES])
        raise UnexpectedPage(f"without a list{where}{f'; it holds: {names}' if names else ''}")
    return rows


def envelope_of(body: Any, layout: RowLayout) -> Record:  # noqa: ANN401 - JSON is any of six types
    """Find what a decoded page says beside its rows.

    Args:
        body: The page.
        layout: What is of use.

    Returns:
        The members that are there, null ones left out.
    """
    _, members = _rows_and_siblings(body, layout)
    return {name: members[name] for name in layout.envelope if members.get(name) is not None}


def _rows_and_siblings(body: Any, layout: RowLayout) -> tuple[Any, Record]:  # noqa: ANN401 - JSON is any of six types
    """Give what should be the rows, and the object they are a member of."""
    members = body if isinstance(body, dict) else {}
    if layout.key is None:
        return body, members
    within = members.get(layout.key)
    if layout.inner is not None and isinstance(within, dict):
        return within.get(layout.inner), within
    return within, members


def fields_of(row: Any, layout: RowLayout) -> Record:  # noqa: ANN401 - JSON is any of six types
    """Find the fields that a row has of its own: of a resource, its id and attributes.

    Args:
        row: A decoded row, whatever it is.
        layout: How rows are made.

    Returns:
        Values by name; empty if the row has no fields.
    """
    if not isinstance(layout, ResourceRows):
        return row if isinstance(row, dict) else {}
    attributes = row.get("attributes") if isinstance(row, dict) else None
    return {"id": row.get("id"), **attributes} if isinstance(attributes, dict) else {}


def relationships_of(row: Any) -> Record:  # noqa: ANN401 - JSON is any of six types
    """Find the relationships of a resource.

    Args:
        row: A decoded row, whatever it is.

    Returns:
        Them by name, whatever they are; empty if the row has none.
    """
    relationships = row.get("relationships") if isinstance(row, dict) else None
    return relationships if isinstance(relationships, dict) else {}
