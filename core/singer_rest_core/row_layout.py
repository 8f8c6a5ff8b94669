"""Where the rows of a page are, and how a row becomes a flat record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from singer_rest_core.conform import Record


class UnexpectedPage(ValueError):
    """A JSON document that is no page of the list."""


@dataclass(frozen=True)
class FlatRows:
    """Rows that are records already.

    Args:
        key: The member of the page that holds them; None if the page itself is the list.
        envelope: The members beside it that are of use, e.g. to a paginator.
    """

    key: str | None
    envelope: tuple[str, ...] = ()

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
        key: The member of the page that holds them.
        envelope: The members beside it that are of use, e.g. to a paginator.
    """

    typed: frozenset[str] = frozenset()
    key: str = "data"
    envelope: tuple[str, ...] = ("links", "meta")

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
            raise UnexpectedPage("a row is no resource object") from error

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
    members = body if isinstance(body, dict) else {}
    rows = body if layout.key is None else members.get(layout.key)
    if not isinstance(rows, list):
        raise UnexpectedPage("without a list" if layout.key is None else f"without a list under `{layout.key}`")
    return rows


def envelope_of(body: Any, layout: RowLayout) -> Record:  # noqa: ANN401 - JSON is any of six types
    """Find what a decoded page says beside its rows.

    Args:
        body: The page.
        layout: What is of use.

    Returns:
        The members that are there, null ones left out.
    """
    members = body if isinstance(body, dict) else {}
    return {name: members[name] for name in layout.envelope if members.get(name) is not None}


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
