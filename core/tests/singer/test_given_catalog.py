"""What is taken for a catalog, and what is said of anything else."""

from __future__ import annotations

from typing import Any

import pytest

from singer_rest_core.singer.given_catalog import catalog_fault

_STREAM: dict[str, Any] = {
    "tap_stream_id": "things",
    "schema": {"properties": {"id": {"type": "string"}}},
    "metadata": [{"breadcrumb": [], "metadata": {"selected": True}}],
}


def _deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"properties": {}}
    for _ in range(levels):
        schema = {"properties": {"x": schema}}
    return schema


@pytest.mark.parametrize("more", [{}, {"key_properties": ["id"], "replication_key": None, "is_view": False}])
def test_a_catalog_can_be_used(more: dict[str, Any]) -> None:
    without_metadata = {name: value for name, value in _STREAM.items() if name != "metadata"}
    assert catalog_fault({"streams": [_STREAM | more, without_metadata]}) is None
    assert catalog_fault({"streams": []}) is None


@pytest.mark.parametrize("catalog", [None, [], "x", {}, {"streams": {}}, {"streams": None}])
def test_what_has_no_list_of_streams_is_no_catalog(catalog: object) -> None:
    line = "The catalog in x.json holds no list of streams: make one with --discover"
    assert catalog_fault(catalog, "The catalog in x.json") == line


@pytest.mark.parametrize(
    ("stream", "fault"),
    [
        (5, "stream 2 is not a JSON object"),
        ({"schema": {}}, "stream 2 has no tap_stream_id"),
        ({"stream": "deals", "schema": {}}, "stream deals has no tap_stream_id"),
        (_STREAM | {"tap_stream_id": 5}, "stream 2 has no tap_stream_id"),
        ({"tap_stream_id": "deals"}, "stream deals has no schema"),
        (_STREAM | {"schema": "x"}, "stream things has a schema that is no JSON object"),
        (_STREAM | {"schema": {}}, "stream things has a schema without properties"),
        (_STREAM | {"schema": {"properties": {"id": 5}}}, "stream things has a schema that cannot be read"),
        (_STREAM | {"schema": _deep(5000)}, "stream things has a schema that cannot be read"),
        (_STREAM | {"metadata": "x"}, "stream things has metadata that are no list"),
        (_STREAM | {"metadata": None}, "stream things has metadata that are no list"),
        (_STREAM | {"metadata": [5]}, "stream things has metadata without breadcrumb or metadata"),
        (_STREAM | {"metadata": [{"breadcrumb": []}]}, "stream things has metadata without breadcrumb or metadata"),
        (
            _STREAM | {"metadata": [{"breadcrumb": [[]], "metadata": {}}]},
            "stream things has metadata without breadcrumb or metadata",
        ),
        (_STREAM | {"key_properties": "id"}, "stream things has key_properties that are no list of texts"),
        (_STREAM | {"replication_key": ["id"]}, "stream things has a replication_key that is no text"),
        (_STREAM | {"replication_method": 5}, "stream things has a replication_method that is no text"),
    ],
)
def test_a_stream_that_cannot_be_used_is_named_with_what_is_missing(stream: object, fault: str) -> None:
    assert catalog_fault({"streams": [_STREAM, stream]}) == f"The catalog: {fault}: make a catalog with --discover"
