"""Whether what a user gives as catalog is one, and whether it is that of this tap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.singerlib import Schema

if TYPE_CHECKING:
    from collections.abc import Mapping

_TO_DO = "make a catalog with --discover"
_TEXTS = ("stream", "replication_key", "replication_method", "stream_alias")


def catalog_fault(catalog: object, what: str = "The catalog") -> str | None:
    """Return what is wrong with the form of a catalog.

    Args:
        catalog: What was given.
        what: How to call it.

    Returns:
        A line for the user; None if it can be used.
    """
    streams = catalog.get("streams") if isinstance(catalog, dict) else None
    if not isinstance(streams, list):
        return f"{what} holds no list of streams: make one with --discover"
    for place, stream in enumerate(streams, start=1):
        if fault := _stream_fault(stream):
            return f"{what}: {_named(stream, place)} {fault}: {_TO_DO}"
    return None


def _named(stream: object, place: int) -> str:
    names = [stream.get("tap_stream_id"), stream.get("stream")] if isinstance(stream, dict) else []
    name = next((each for each in names if isinstance(each, str) and each), None)
    return f"stream {place}" if name is None else f"stream {name}"


def _stream_fault(stream: object) -> str | None:
    """Return what is wrong with a stream of the catalog, as a clause."""
    if not isinstance(stream, dict):
        return "is not a JSON object"
    name = stream.get("tap_stream_id")
    if not isinstance(name, str) or not name:
        return "has no tap_stream_id"
    return _schema_fault(stream) or _members_fault(stream) or _metadata_fault(stream.get("metadata", []))


def _members_fault(stream: Mapping[str, Any]) -> str | None:
    keys = stream.get("key_properties") or []
    if not isinstance(keys, list | tuple) or not all(isinstance(key, str) for key in keys):
        return "has key_properties that are no list of texts"
    wrong = [member for member in _TEXTS if not isinstance(stream.get(member), str | None)]
    return f"has a {wrong[0]} that is no text" if wrong else None


def _metadata_fault(metadata: object) -> str | None:
    if not isinstance(metadata, list):
        return "has metadata that are no list"
    if not all(isinstance(entry, dict) and _is_metadata(entry) for entry in metadata):
        return "has metadata without breadcrumb or metadata"
    return None


def _is_metadata(entry: Mapping[str, Any]) -> bool:
    breadcrumb = entry.get("breadcrumb")
    is_place = isinstance(breadcrumb, list | tuple) and all(isinstance(crumb, str) for crumb in breadcrumb)
    return is_place and isinstance(entry.get("metadata"), dict)


def _schema_fault(stream: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the schema; its depth is without bounds, so the SDK is tried."""
    schema = stream.get("schema")
    if not isinstance(schema, dict):
        return "has a schema that is no JSON object" if "schema" in stream else "has no schema"
    if not isinstance(schema.get("properties"), dict):
        return "has a schema without properties"
    try:
        Schema.from_dict(schema).to_dict()
    except (AttributeError, RecursionError, TypeError, ValueError):
        return "has a schema that cannot be read"
    return None
