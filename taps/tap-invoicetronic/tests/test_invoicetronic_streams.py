"""The declarations of streams and their schemas."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

from tap_invoicetronic import fattura
from tap_invoicetronic.client import InvoicetronicStream, as_parameter
from tap_invoicetronic.documents import DOCUMENT_STREAMS
from tap_invoicetronic.streams import STREAMS

if TYPE_CHECKING:
    from singer_rest_core import DerivedStream

SCHEMAS = {
    path.name.removesuffix(".json"): json.loads(path.read_text(encoding="utf-8"))
    for path in (files("tap_invoicetronic") / "schemas").iterdir()
}
ALL_STREAMS = (*STREAMS, *DOCUMENT_STREAMS)


def name_of(stream: type[InvoicetronicStream | DerivedStream]) -> str:
    return str(vars(stream)["name"])


def keys_of(stream: type[InvoicetronicStream | DerivedStream]) -> tuple[str, ...]:
    keys: tuple[str, ...] = vars(stream).get("primary_keys", ("id",))
    return keys


def test_the_first_instant_of_all_is_a_parameter_with_four_digits_of_its_year() -> None:
    assert as_parameter(datetime.min.replace(tzinfo=UTC)) == "0001-01-01T00:00:00Z"
    assert as_parameter(datetime(2024, 11, 29, 12, 34, 56, 789, tzinfo=UTC)) == "2024-11-29T12:34:56Z"


def test_every_stream_has_a_schema_and_every_schema_a_stream() -> None:
    assert {name_of(stream) for stream in ALL_STREAMS} == SCHEMAS.keys()


@pytest.mark.parametrize("stream", ALL_STREAMS, ids=name_of)
def test_keys_are_columns_that_are_never_null(stream: type[InvoicetronicStream | DerivedStream]) -> None:
    schema = SCHEMAS[name_of(stream)]

    for key in keys_of(stream):
        assert "null" not in schema["properties"][key]["type"]
        assert key in schema["required"]


@pytest.mark.parametrize("stream", [each for each in ALL_STREAMS if issubclass(each, InvoicetronicStream)], ids=name_of)
def test_no_schema_has_a_column_for_a_secret_or_a_payload(stream: type[InvoicetronicStream]) -> None:
    assert stream.secret_fields.isdisjoint(SCHEMAS[name_of(stream)]["properties"])


def test_the_keys_of_rows_of_invoices_are_those_of_the_parser() -> None:
    keys = {name_of(stream): keys_of(stream) for stream in ALL_STREAMS}

    assert {name: keys[name] for name in fattura.KEYS} == fattura.KEYS
