"""Values and records: exact JSON, timestamps, conforming to a schema, schema inference, row layouts."""

from singer_rest_core.records.conform import RESCUED_DATA, Column, Conformer, Misfit, Record
from singer_rest_core.records.exact_json import NotJson, body_of, check, decode, encode, row_digest
from singer_rest_core.records.fast import PageCodec
from singer_rest_core.records.row_layout import (
    FlatRows,
    ResourceRows,
    RowLayout,
    UnexpectedPage,
    envelope_of,
    rows_of,
)
from singer_rest_core.records.schema_inference import column_kinds, identifies, infer_schema, with_columns, with_key
from singer_rest_core.records.timestamps import (
    earlier,
    fast_column_to_utc,
    instant,
    instant_or_none,
    is_date,
    is_recent,
    moved_back,
    to_utc,
)

__all__ = [
    "RESCUED_DATA",
    "Column",
    "Conformer",
    "FlatRows",
    "Misfit",
    "NotJson",
    "PageCodec",
    "Record",
    "ResourceRows",
    "RowLayout",
    "UnexpectedPage",
    "body_of",
    "check",
    "column_kinds",
    "decode",
    "earlier",
    "encode",
    "envelope_of",
    "fast_column_to_utc",
    "identifies",
    "infer_schema",
    "instant",
    "instant_or_none",
    "is_date",
    "is_recent",
    "moved_back",
    "row_digest",
    "rows_of",
    "to_utc",
    "with_columns",
    "with_key",
]
