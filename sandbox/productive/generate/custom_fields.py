"""Custom fields: their definitions and options, and values for the rows that have them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sandbox.clock import WORLD_START
from sandbox.productive.generate.builder import HISTORY_START, random_instant, random_instants
from sandbox.productive.generate.settings import ARCHIVED
from sandbox.productive.records import Ref
from sandbox.productive.timestamps import format_timestamp

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from sandbox.json_types import Json
    from sandbox.productive.generate.builder import WorldBuilder
    from sandbox.productive.records import Record, Related

DATA_TEXT, DATA_NUMBER, DATA_SELECT, DATA_DATE, DATA_MULTI, DATA_PERSON, DATA_ATTACHMENT = 1, 2, 3, 4, 5, 6, 7
"""`data_type_id` of custom fields."""

VALUE_SHARE = 0.6
NO_CUSTOM_FIELD_LINKS: dict[str, tuple[Ref, ...]] = {"custom_field_people": (), "custom_field_attachments": ()}

CUSTOM_FIELDS = (
    ("companies", "Industry", DATA_SELECT),
    ("companies", "Account number", DATA_NUMBER),
    ("companies", "Markets", DATA_MULTI),
    ("people", "Birthday", DATA_DATE),
    ("people", "Languages", DATA_MULTI),
    ("projects", "Repository", DATA_TEXT),
    ("projects", "Risk", DATA_NUMBER),
    ("deals", "Source", DATA_SELECT),
    ("deals", "Signed on", DATA_DATE),
    ("invoices", "Cost centre", DATA_TEXT),
    ("invoices", "Approval", DATA_SELECT),
    ("tasks", "Points", DATA_NUMBER),
    ("services", "Team", DATA_TEXT),
    ("project_expenses", "Receipt number", DATA_TEXT),
)
BOOKING_FIELDS = (
    ("Shift", DATA_SELECT),
    ("Stand-in", DATA_PERSON),
    ("Place", DATA_TEXT),
    ("Briefing", DATA_ATTACHMENT),
)
BOOKING_OPTIONS = ("Early", "Late", "Night")


def make_custom_fields(builder: WorldBuilder) -> None:
    """Make the custom fields of every list but bookings, with their options."""
    rng = builder.rng("custom_fields")
    created = random_instants(rng, len(CUSTOM_FIELDS), HISTORY_START, HISTORY_START + timedelta(days=90))
    option = 0
    for number, (kind, name, data_type) in enumerate(CUSTOM_FIELDS, start=1):
        options = []
        if data_type in {DATA_SELECT, DATA_MULTI}:
            for position in range(1, 5):
                option += 1
                options.append(Ref("custom_field_options", str(option)))
                attributes: dict[str, Json] = {"name": f"{name} {position}", "position": position, "color_id": None}
                custom_field: dict[str, Ref] = {"custom_field": Ref("custom_fields", str(number))}
                builder.add("custom_field_options", option, attributes, custom_field)
        updated = random_instant(rng, created[number - 1], WORLD_START - timedelta(days=20))
        builder.add(
            "custom_fields",
            number,
            {
                "name": name,
                "customizable_type": kind,
                "data_type_id": data_type,
                "data_type": data_type,
                "position": number,
                "global": True,
                "show_in_add_edit_views": True,
                "created_at": format_timestamp(created[number - 1]),
                "updated_at": format_timestamp(updated),
                "archived_at": ARCHIVED if number == len(CUSTOM_FIELDS) else None,
            },
            {"options": tuple(options), "custom_field_people": ()},
        )


def make_booking_fields(builder: WorldBuilder) -> None:
    """Make the custom fields of bookings, with ids after the existing ones."""
    number, option = len(builder.rows("custom_fields")), len(builder.rows("custom_field_options"))
    made_at = format_timestamp(HISTORY_START + timedelta(days=100))
    for name, kind in BOOKING_FIELDS:
        number += 1
        options = []
        for position, label in enumerate(BOOKING_OPTIONS if kind == DATA_SELECT else (), start=1):
            option += 1
            options.append(Ref("custom_field_options", str(option)))
            option_attributes: dict[str, Json] = {"name": label, "position": position, "color_id": position}
            builder.add(
                "custom_field_options", option, option_attributes, {"custom_field": Ref("custom_fields", str(number))}
            )
        attributes: dict[str, Json] = {
            "name": name,
            "customizable_type": "bookings",
            "data_type_id": kind,
            "data_type": kind,
            "position": number,
            "global": True,
            "show_in_add_edit_views": True,
            "created_at": made_at,
            "updated_at": made_at,
        }
        builder.add("custom_fields", number, attributes, {"options": tuple(options)})


def custom_values(builder: WorldBuilder, rng: random.Random, kind: str) -> dict[str, Json] | None:
    """Return a record's custom field values by custom field id; None for some records and without such fields."""
    definitions = [row for row in builder.rows("custom_fields") if row.attributes["customizable_type"] == kind]
    if not definitions or rng.random() < 1 / 3:
        return None
    values: dict[str, Json] = {}
    for definition in definitions:
        if rng.random() < VALUE_SHARE:
            values[definition.id] = _custom_value(builder, rng, definition)
    return values


def _custom_value(builder: WorldBuilder, rng: random.Random, definition: Record) -> Json:
    kind = definition.attributes["data_type_id"]
    if kind == DATA_NUMBER:
        return rng.choice([rng.randrange(1000), round(rng.random() * 100, 2)])
    if kind == DATA_DATE:
        return random_instant(rng, HISTORY_START, WORLD_START).date().isoformat()
    if kind in {DATA_SELECT, DATA_MULTI}:
        options = [ref.id for ref in definition.all("options")]
        return rng.choice(options) if kind == DATA_SELECT else sorted(rng.sample(options, 2))
    if kind == DATA_PERSON:
        return rng.choice([row.id for row in builder.rows("people") if row.attributes["is_user"]])
    if kind == DATA_ATTACHMENT:
        return rng.choice([row.id for row in builder.rows("attachments")])
    return builder.fake.word()


def custom_links(builder: WorldBuilder, values: Mapping[str, Json] | None) -> dict[str, Related]:
    """Return the relationships of custom fields for persons and files, which accompany their values (README 7)."""

    def linked(kind: int, target: str) -> tuple[Ref, ...]:
        fields = [
            key for key in values or {} if builder.dataset.tables["custom_fields"][key].value("data_type_id") == kind
        ]
        return tuple(Ref(target, str((values or {})[key])) for key in fields)

    return {
        "custom_field_people": linked(DATA_PERSON, "people"),
        "custom_field_attachments": linked(DATA_ATTACHMENT, "attachments"),
    }
