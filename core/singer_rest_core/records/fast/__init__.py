"""Pages converted from bytes to RECORD messages without a dict per record."""

from singer_rest_core.records.fast.codec import DecodedPage, EncodedPage, PageCodec, Row
from singer_rest_core.records.fast.row_types import RowFacts

__all__ = ["DecodedPage", "EncodedPage", "PageCodec", "Row", "RowFacts"]
