"""Records as JSON:API resource objects, and their `included` records (README 0.6 and 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.productive import errors
from sandbox.productive.records import Ref
from sandbox.productive.stubs import stub_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from sandbox.json_types import Json, JsonObject
    from sandbox.productive.catalogue import Catalogue, Resource
    from sandbox.productive.query import IncludeTree
    from sandbox.productive.records import Dataset, Record


def check_includes(catalogue: Catalogue, resource: Resource, tree: IncludeTree, refused: Collection[str]) -> None:
    """Reject an include that is not a relationship.

    Raises:
        ApiError: The include is not supported; the error gives its path.
    """
    _check(catalogue, resource.name, tree, refused, "")


def _check(catalogue: Catalogue, type_name: str, tree: IncludeTree, refused: Collection[str], above: str) -> None:
    for name, below in tree.items():
        path = f"{above}{name}"
        # No relationships are known of types that the catalogue lacks.
        known = catalogue[type_name].relationships if type_name in catalogue else {}
        if name not in known or path in refused:
            raise errors.unsupported_include(path)
        _check(catalogue, known[name].type, below, refused, f"{path}.")


class Rendering:
    """Renders the records of one answer."""

    def __init__(
        self,
        dataset: Dataset,
        fields: Mapping[str, Collection[str]],
        extra_attributes: Mapping[str, JsonObject],
        *,
        stubs: bool,
    ) -> None:
        """Render records of `dataset`.

        Args:
            dataset: The organization's rows.
            fields: The requested sparse fieldsets, by type; unknown names in them are ignored.
            extra_attributes: By resource, attributes that the admin has added to every record.
            stubs: Whether `included` has placeholders for related records that do not exist here.
        """
        self._dataset = dataset
        self._fields = fields
        self._extra = extra_attributes
        self._stubs = stubs

    def document(self, rows: Sequence[Record], includes: IncludeTree) -> tuple[list[JsonObject], list[JsonObject]]:
        """Return the primary data and the included records, each once."""
        shown: dict[Ref, set[str]] = {row.ref: set() for row in rows}
        missing: dict[Ref, None] = {}
        self._walk(rows, includes, shown, missing)
        primary = {row.ref for row in rows}
        data = [self.resource_object(row, shown[row.ref]) for row in rows]
        included = [
            self.resource_object(record, names)
            for ref, names in shown.items()
            if ref not in primary and (record := self._dataset.get(ref))
        ]
        if self._stubs:
            included += [self._stub(ref) for ref in missing]
        return data, included

    def _walk(
        self, rows: Iterable[Record], tree: IncludeTree, shown: dict[Ref, set[str]], missing: dict[Ref, None]
    ) -> None:
        for row in rows:
            shown.setdefault(row.ref, set()).update(tree)
            for name, below in tree.items():
                related = []
                for ref in row.all(name):
                    record = self._dataset.get(ref)
                    if record is None:
                        missing[ref] = None
                    else:
                        related.append(record)
                self._walk(related, below, shown, missing)

    def resource_object(self, record: Record, included: Collection[str] = ()) -> JsonObject:
        """Return one record; only included relationships and the organization have data."""
        wanted = self._fields.get(record.type)
        attributes = {**record.attributes, **self._extra.get(record.type, {})}
        names = [*record.named, *(name for name in included if name not in record.named)]
        if wanted is not None:
            attributes = {name: value for name, value in attributes.items() if name in wanted}
            names = [name for name in names if name in wanted]
        relationships: JsonObject = {
            name: {"data": self._linkage(record, name)}
            if name in included or name in record.linked
            else {"meta": {"included": False}}
            for name in names
        }
        answer: JsonObject = {"id": record.id, "type": record.type, "attributes": attributes}
        if names or record.named:
            answer["relationships"] = relationships
        return answer

    def _linkage(self, record: Record, name: str) -> Json:
        target = record.relationships.get(name)
        if isinstance(target, Ref):
            return {"type": target.type, "id": target.id}
        if target is None:
            page = self._dataset.catalogue.get(record.type)
            # A report's row has no listed type; its relationships are to-one.
            return [] if page and page.relationships[name].to_many else None
        return [{"type": ref.type, "id": ref.id} for ref in target]

    def _stub(self, ref: Ref) -> JsonObject:
        """Return a placeholder for a record of a type that is not listed here."""
        attributes: JsonObject = {"name": stub_name(ref)}
        wanted = self._fields.get(ref.type)
        if wanted is not None:
            attributes = {name: value for name, value in attributes.items() if name in wanted}
        return {"id": ref.id, "type": ref.type, "attributes": attributes, "relationships": {}}
