"""The msgspec types that a stream's RECORD messages are decoded into, compiled from its columns."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from target_postgres_exact.columns import Column

_IGNORED = "ignored"
_NOT_IN_NAMES = re.compile(r'["\\\x00-\x1f]')
"""Characters that msgspec does not take in the name of a member."""


def record_decoder(
    stream: str, columns: Sequence[Column], *, required: Collection[str], ignored: Collection[str] | None
) -> msgspec.json.Decoder[Any] | None:
    """Return a decoder for one stream's RECORD messages; it refuses all other messages.

    Args:
        stream: The stream.
        columns: The columns of its records.
        required: The columns that every record must have.
        ignored: Further properties that records may have and that are not kept; None for any.

    Returns:
        A decoder for structs with the members `record`, a struct with a member for each column in their order,
        `version` and `time_extracted`; None if a column has a name that msgspec does not take.
    """
    if any(_NOT_IN_NAMES.search(column.name) for column in columns):
        return None
    if ignored is not None and any(map(_NOT_IN_NAMES.search, ignored)):
        ignored = None
    members: list[Any] = []
    for number, column in enumerate(columns):
        default: dict[str, Any] = {} if column.name in required else {"default": None}
        members.append((f"f{number}", column.form, msgspec.field(name=column.name, **default)))
    members += [
        (f"{_IGNORED}{number}", msgspec.Raw, msgspec.field(name=name, default=None))
        for number, name in enumerate(sorted(ignored or ()))
    ]
    record = msgspec.defstruct("Record", members, kw_only=True, forbid_unknown_fields=ignored is not None, gc=False)
    message = msgspec.defstruct(
        "RecordMessage",
        [
            ("stream", Literal[stream]),
            ("record", record),
            ("version", int | None, None),
            ("time_extracted", str | None, None),
        ],
        tag_field="type",
        tag="RECORD",
        gc=False,
    )
    return msgspec.json.Decoder(message)
