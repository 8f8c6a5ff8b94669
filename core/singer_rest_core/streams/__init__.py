"""What a tap's streams inherit."""

from singer_rest_core.streams.base import BaseStream
from singer_rest_core.streams.derived import DerivedStream
from singer_rest_core.streams.detail import DetailStream
from singer_rest_core.streams.indexed_list import IndexedList
from singer_rest_core.streams.pdf import PdfStream
from singer_rest_core.streams.per_row import PerRowStream
from singer_rest_core.streams.rest import RestStream

__all__ = ["BaseStream", "DerivedStream", "DetailStream", "IndexedList", "PdfStream", "PerRowStream", "RestStream"]
