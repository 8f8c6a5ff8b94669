"""Changes that the admin makes to an organization's rows; values that depend on them are recalculated."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sandbox.productive.activities import CREATE, DELETE, UPDATE, activity, sides_naming
from sandbox.productive.defaults import with_defaults
from sandbox.productive.money import ORGANIZATION_CURRENCY, RATES, currencies, in_cents
from sandbox.productive.records import Record, Ref
from sandbox.productive.timestamps import format_timestamp, local_date
from sandbox.productive.totals import total_deal, total_invoice, total_line_item, total_service

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.json_types import Json
    from sandbox.productive.catalogue import Relationship
    from sandbox.productive.records import Dataset, Related

# Relationships that default to the first row of their type.
_DEFAULT_RELATIONSHIPS = {
    "contact_entries": ("company",),
    "deals": ("company", "project", "creator", "responsible"),
    "expenses": ("deal", "service", "person", "creator"),
    "invoices": ("company", "creator", "issuer", "document_type", "subsidiary", "bank_account"),
    "projects": ("company", "project_manager"),
    "services": ("deal", "service_type"),
    "tasks": ("project", "creator", "last_actor"),
    "time_entries": ("person", "service", "creator", "updater", "last_actor"),
}

# Relationships that the change must give.
REQUIRED_RELATIONSHIPS = {
    "custom_field_options": "custom_field",
    "invoice_attributions": "invoice",
    "line_items": "invoice",
    "payments": "invoice",
}

# The resources that go to the recycle bin (README 6), and their item types there.
_BIN_TYPES = {
    "bookings": "booking",
    "dashboards": "dashboard",
    "deals": "deal",
    "events": "event",
    "expenses": "expense",
    "invoices": "invoice",
    "pages": "page",
    "projects": "project",
    "purchase_orders": "purchase_order",
    "services": "service",
    "tasks": "task",
    # The specification of September 2026 says that templates go there, not under which type.
    "templates": "template",
    "time_entries": "time_entry",
}

# Deleted together with their invoice.
_PARTS_OF_INVOICES = ("line_items", "payments", "invoice_attributions")

DEFAULT_TERMS = 15


def _ids(target: Related) -> Json:
    """Return the ids of a relationship's target."""
    if isinstance(target, Ref):
        return target.id
    return None if target is None else [ref.id for ref in target]


class Changes:
    """Changes the rows of one organization."""

    def __init__(self, dataset: Dataset) -> None:
        """Change `dataset`; each change happens at its own instant of the clock."""
        self._dataset = dataset
        self._clock = dataset.clock

    def create(
        self,
        resource: str,
        attributes: Mapping[str, Json],
        relationships: Mapping[str, Json],
        *,
        touch_last_activity: bool = True,
    ) -> Record:
        """Create a row with the next id, its other attributes by default.

        Raises:
            KeyError: No such resource, attribute, relationship or related row.
        """
        page = self._dataset.catalogue[resource]
        targets = self._targets(resource, relationships)
        if resource in REQUIRED_RELATIONSHIPS and not targets.get(REQUIRED_RELATIONSHIPS[resource]):
            raise KeyError(f"{resource} must have the relationship {REQUIRED_RELATIONSHIPS[resource]}")
        for name in _DEFAULT_RELATIONSHIPS.get(resource, ()):
            targets.setdefault(name, self._first_ref(page.relationships[name].type))
        self._check_attributes(resource, attributes)
        number = self._next(resource)
        given = {**self._new_values(resource, number, targets), **attributes}
        record = self._add_record(resource, number, given, targets)
        self._link_back(record)
        self._touch(self._parents(record), touch_last_activity=touch_last_activity)
        self._recalculate([record])
        self._record_activity(record, CREATE, {name: (None, value) for name, value in attributes.items()})
        return record

    def update(
        self,
        record: Record,
        attributes: Mapping[str, Json],
        relationships: Mapping[str, Json],
        *,
        touch_last_activity: bool,
    ) -> Record:
        """Update a row; `updated_at` moves and, by default, `last_activity_at`.

        A change of a line, payment or attribution also updates its invoice.

        Raises:
            KeyError: No such attribute, relationship or related row.
        """
        self._check_attributes(record.type, attributes)
        targets = self._targets(record.type, relationships)
        before = self._parents(record)
        changed = {name: (record.attributes[name], value) for name, value in attributes.items()}
        changed |= {name: (_ids(record.relationships.get(name)), _ids(target)) for name, target in targets.items()}
        self._clock.tick()
        record.relationships.update(targets)
        self._touch([record, *before, *self._parents(record)], touch_last_activity=touch_last_activity)
        record.attributes.update(attributes)
        self._dataset.invalidate_cache()
        self._recalculate([record, *before])
        self._record_activity(record, UPDATE, changed)
        return record

    def archive(self, record: Record) -> Record:
        """Set `archived_at`, which most archivable lists have.

        Raises:
            KeyError: Rows of this resource cannot be archived.
        """
        if "archived_at" not in record.attributes:
            raise KeyError(f"{record.type} cannot be archived")
        archived_at = format_timestamp(self._clock.now)
        return self.update(record, {"archived_at": archived_at}, {}, touch_last_activity=True)

    def delete(self, record: Record, *, touch_last_activity: bool = True) -> Record | None:
        """Delete a row and its parts; return the row of the recycle bin, if it goes there."""
        parents = self._parents(record)
        now = self._clock.tick()
        self._record_activity(record, DELETE, {})
        if record.type == "invoices":
            for resource in _PARTS_OF_INVOICES:
                for part in list(self._dataset.referrers(resource, "invoice", record.id)):
                    parents += [row for row in self._parents(part) if row is not record]
                    self._remove(part)
        self._remove(record)
        self._touch(parents, touch_last_activity=touch_last_activity)
        self._recalculate(parents)
        kind = "budget" if record.attributes.get("budget") else _BIN_TYPES.get(record.type)
        if kind is None or record.type not in _BIN_TYPES:
            return None
        names = (record.attributes.get(name) for name in ("name", "title", "number", "note"))
        name = next((name for name in names if isinstance(name, str) and name), f"{kind} {record.id}")
        given: dict[str, Json] = {
            "created_at": format_timestamp(now),
            "deleter_id": 1,
            "item_id": int(record.id),
            "item_type": kind,
            "location": "Northwind Studio",
            "name": name,
        }
        return self._add_record("deleted_items", self._next("deleted_items"), given, {"deleter": Ref("people", "1")})

    def _next(self, resource: str) -> int:
        known = (int(row_id) for row_id in self._dataset.tables[resource])
        return max([*known, self._dataset.last_ids[resource]]) + 1

    def _add_record(
        self, resource: str, number: int, given: Mapping[str, Json], targets: Mapping[str, Related]
    ) -> Record:
        """Add a row, with default values for attributes that are not given."""
        page = self._dataset.catalogue[resource]
        relationships: dict[str, Related] = {
            name: targets.get(name, () if relationship.to_many else None)
            for name, relationship in page.relationships.items()
        }
        if "organization" in relationships:
            relationships["organization"] = Ref("organizations", "1")
        return self._dataset.add(
            Record(
                type=resource,
                id=str(number),
                attributes=with_defaults(page.attributes, str(number), given),
                hidden=with_defaults(page.hidden, str(number), given),
                relationships=relationships,
                named=tuple(page.relationships),
            )
        )

    def _record_activity(self, record: Record, event: str, changed: Mapping[str, tuple[Json, Json]]) -> None:
        """Add an activity. That every change of every list leaves one is inferred."""
        if record.type == "activities":
            return
        now = self._clock.now
        if event == DELETE:
            for past in self._dataset.rows("activities"):
                for side in sides_naming(past, record):
                    past.attributes[f"{side}_deleted_at"] = format_timestamp(now)
        attributes, targets = activity(self._dataset, record, event, changed, now)
        self._add_record("activities", self._next("activities"), attributes, targets)

    def _check_attributes(self, resource: str, attributes: Mapping[str, Json]) -> None:
        unknown = set(attributes) - set(self._dataset.catalogue[resource].attributes)
        if unknown:
            raise KeyError(f"{resource} has no attribute {', '.join(sorted(unknown))}")

    def _targets(self, resource: str, relationships: Mapping[str, Json]) -> dict[str, Related]:
        known = self._dataset.catalogue[resource].relationships
        targets: dict[str, Related] = {}
        for name, value in relationships.items():
            if name not in known:
                raise KeyError(f"{resource} has no relationship {name}")
            if isinstance(value, list):
                targets[name] = tuple(self._target(known[name], item) for item in value)
            else:
                targets[name] = None if value is None else self._target(known[name], value)
        return targets

    def _target(self, relationship: Relationship, value: Json) -> Ref:
        if isinstance(value, dict):
            return Ref(str(value["type"]), str(value["id"]))
        ref = Ref(relationship.type, str(value))
        if ref.type in self._dataset.tables and self._dataset.get(ref) is None:
            raise KeyError(f"there is no {ref.type} {ref.id}")
        return ref

    def _first_ref(self, resource: str) -> Ref:
        return next(iter(self._dataset.rows(resource))).ref

    def _new_values(self, resource: str, number: int, targets: Mapping[str, Related]) -> dict[str, Json]:
        """Return defaults of a new row: now, the currency of what it belongs to, amounts of 0."""
        now = self._clock.tick()
        today = local_date(now)
        values: dict[str, Json] = {
            name: format_timestamp(now) for name in ("created_at", "updated_at", "last_activity_at")
        }
        currency = self._currency(targets)
        values |= currencies(currency)
        values |= {"exchange_rate": RATES[currency], "exchange_date": today.isoformat(), "date": today.isoformat()}
        values |= {"quantity": "1.0", "name": f"New {resource} {number}", "title": f"New {resource} {number}"}
        if resource == "invoices":
            due = today + timedelta(days=DEFAULT_TERMS)
            values |= {
                "number": f"{today.year}/{number:04}",
                "invoice_type_id": 1,
                "invoiced_on": today.isoformat(),
                "finalized_on": today.isoformat(),
                "finalized_at": format_timestamp(now),
                "invoice_template_id": None,
                "payment_terms": DEFAULT_TERMS,
                "pay_on": due.isoformat(),
                "tag_list": [],
            }
        elif resource == "payments":
            invoice = targets["invoice"]
            row = self._dataset.get(invoice) if isinstance(invoice, Ref) else None
            values |= {"paid_on": today.isoformat(), "amount": row.integer("amount_unpaid") if row else 0}
        elif resource == "projects":
            values |= {"number": str(number), "project_number": str(number)}
        elif resource == "deals":
            values |= {"number": str(number), "deal_number": str(number)}
        elif resource == "tasks":
            values |= {"number": str(number), "task_number": str(number), "type_id": 1}
        return values

    def _currency(self, targets: Mapping[str, Related]) -> str:
        for name in ("invoice", "deal", "budget", "company"):
            target = targets.get(name)
            row = self._dataset.get(target) if isinstance(target, Ref) else None
            if row is not None:
                return str(row.attributes.get("currency") or row.attributes.get("default_currency"))
        return ORGANIZATION_CURRENCY

    def _parents(self, record: Record) -> list[Record]:
        """Return the rows whose totals include this one."""
        names = {
            "line_items": ["invoice"],
            "payments": ["invoice"],
            "invoice_attributions": ["invoice", "budget"],
            "invoices": ["parent_invoice"],
            "time_entries": ["service"],
            "expenses": ["service"],
            "services": ["deal"],
        }.get(record.type, [])
        return [row for name in names if (row := self._dataset.get(record.one(name)))]

    def _link_back(self, record: Record) -> None:
        """Add a new row to the to-many relationship of its owner."""
        sides = {
            "invoice_attributions": ("invoice", "invoice_attributions"),
            "custom_field_options": ("custom_field", "options"),
        }
        if record.type in sides:
            to_owner, to_parts = sides[record.type]
            owner = self._dataset.get(record.one(to_owner))
            if owner is not None:
                owner.relationships[to_parts] = (*owner.all(to_parts), record.ref)

    def _touch(self, records: list[Record], *, touch_last_activity: bool) -> None:
        """Set the time of the last write to now."""
        now = format_timestamp(self._clock.now)
        moved = ("updated_at", "last_activity_at") if touch_last_activity else ("updated_at",)
        for record in records:
            record.attributes.update({name: now for name in moved if name in record.attributes})
            record.hidden.update({name: now for name in moved if name in record.hidden})

    def _remove(self, record: Record) -> None:
        """Remove a row and all references to it."""
        self._dataset.remove(record)
        for resource, page in self._dataset.catalogue.items():
            names = [name for name, relationship in page.relationships.items() if relationship.type == record.type]
            for row in self._dataset.rows(resource) if names else ():
                for name in names:
                    target = row.relationships.get(name)
                    if target == record.ref:
                        row.relationships[name] = None
                    elif isinstance(target, tuple) and not isinstance(target, Ref) and record.ref in target:
                        row.relationships[name] = tuple(ref for ref in target if ref != record.ref)
        self._dataset.invalidate_cache()

    def _recalculate(self, records: list[Record]) -> None:
        """Recalculate the values that depend on these rows."""
        for record in records:
            if self._dataset.get(record.ref) is not record:
                continue
            self._recalculate_money(record)
            if record.type == "line_items":
                invoice = self._dataset.get(record.one("invoice"))
                total_line_item(record, invoice.text("exchange_rate") if invoice else RATES[ORGANIZATION_CURRENCY])
            elif record.type == "invoices":
                total_invoice(self._dataset, record)
            elif record.type == "services":
                total_service(self._dataset, record)
            elif record.type == "deals":
                total_deal(self._dataset, record)
            self._recalculate(self._parents(record))
        self._dataset.invalidate_cache()

    def _recalculate_money(self, record: Record) -> None:
        """Recalculate the converted variants of amounts that a change may have set."""
        if record.type in {"payments", "invoice_attributions"}:
            invoice = self._dataset.get(record.one("invoice"))
            rate = invoice.text("exchange_rate") if invoice else RATES[ORGANIZATION_CURRENCY]
            record.attributes.update(in_cents("amount", record.integer("amount"), rate))
