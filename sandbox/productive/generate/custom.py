"""Custom fields of what has been added to the world later: for bookings, of every kind but the number."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sandbox.productive.generate.maker import DATA_ATTACHMENT, DATA_PERSON, DATA_SELECT, DATA_TEXT, HISTORY_START
from sandbox.productive.moments import stamp
from sandbox.productive.records import Ref

if TYPE_CHECKING:
    from sandbox.json_types import Json
    from sandbox.productive.generate.maker import Maker

FIELDS = (
    ("Shift", DATA_SELECT),
    ("Stand-in", DATA_PERSON),
    ("Place", DATA_TEXT),
    ("Briefing", DATA_ATTACHMENT),
)
OPTIONS = ("Early", "Late", "Night")


def make_booking_fields(maker: Maker) -> None:
    """Behind the fields that there are."""
    number, option = len(maker.rows("custom_fields")), len(maker.rows("custom_field_options"))
    made_at = stamp(HISTORY_START + timedelta(days=100))
    for name, kind in FIELDS:
        number += 1
        options = []
        for position, label in enumerate(OPTIONS if kind == DATA_SELECT else (), start=1):
            option += 1
            options.append(Ref("custom_field_options", str(option)))
            told: dict[str, Json] = {"name": label, "position": position, "color_id": position}
            maker.make("custom_field_options", option, told, {"custom_field": Ref("custom_fields", str(number))})
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
        maker.make("custom_fields", number, attributes, {"options": tuple(options)})
