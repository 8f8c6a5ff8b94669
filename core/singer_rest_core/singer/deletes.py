"""Messages that report deleted rows to a loader, in the way of log-based taps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from singer_sdk.singerlib.encoding.simple import RecordMessage, SchemaMessage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from singer_sdk.mapper import SameRecordTransform
    from singer_sdk.singerlib.encoding.simple import Message

DELETED_AT = "_sdc_deleted_at"
"""The column in which the SDK's loaders say when a row was deleted."""

_SCHEMA = {"type": ["string", "null"], "format": "date-time"}


def delete_messages(
    stream_map: SameRecordTransform, keys: Sequence[Mapping[str, object]], moment: datetime
) -> Iterator[Message]:
    """Return the messages that report deleted rows.

    The SCHEMA names nothing but the keys: a loader writes every column that it names, and has to keep the others.

    Args:
        stream_map: The name of the stream at the loader, and its keys.
        keys: Records of the keys alone, with `_sdc_deleted_at` where the time is known.
        moment: The present instant, UTC: when the others were deleted.

    Yields:
        A SCHEMA, and a RECORD for each row.
    """
    name, key_properties = stream_map.stream_alias, list(stream_map.transformed_key_properties or ())
    columns = {key: stream_map.transformed_schema["properties"][key] for key in key_properties}
    yield SchemaMessage(name, {"type": "object", "properties": {**columns, DELETED_AT: _SCHEMA}}, key_properties)
    now = moment.isoformat().replace("+00:00", "Z")
    for key in keys:
        yield RecordMessage(name, {DELETED_AT: now, **key}, time_extracted=moment)
