"""Streams that send one request for each order: its details and its history."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from singer_sdk import StreamSchema
from singer_sdk.streams.rest import HTTPRequest
from typing_extensions import override

from singer_rest_core import RequestFailed, body_of
from singer_rest_core.records import FlatRows, UnexpectedPage
from singer_rest_core.streams import PerRowStream
from tap_covage.client import SCHEMAS, resource_url
from tap_covage.response_rows import rows_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from singer_sdk import Tap

    from singer_rest_core import Record
    from tap_covage.client import CovageList


class OrderStream(PerRowStream, ABC):
    """A stream that sends one request for each order, so it is deselected by default."""

    schema = StreamSchema(SCHEMAS)
    selected_by_default = False

    subpath: tuple[str, ...] = ()
    """The segments of its path below the order."""

    row_keys: tuple[str, ...] = ()
    """Fields that distinguish a single row from a wrapper; none if any object is a row."""

    def __init__(self, tap: Tap, *, orders: CovageList) -> None:
        """Make the stream of a tap.

        Args:
            tap: The tap.
            orders: The list.
        """
        super().__init__(tap)
        self._orders = orders

    @override
    def make_records(self) -> Iterator[Record]:
        """Request each order.

        Raises:
            RequestFailed: If an answer holds no rows.
        """
        api_url = self.config["api_url"]
        references = list(self._orders.index())
        requests = ((each, HTTPRequest(resource_url(api_url, "order", each, *self.subpath))) for each in references)
        for reference, answer in self.answered(requests):
            try:
                yield from self.records_of(reference, rows_in(body_of(answer), self.row_keys))
            except UnexpectedPage as error:
                raise RequestFailed(f"GET {answer.request.path_url} answered {error}") from error
        self.has_read_all = self._orders.has_read_all and not self.not_found

    @abstractmethod
    def records_of(self, reference: str, rows: Sequence[Any]) -> Iterator[Record]:
        """Make the records of an order.

        Args:
            reference: The order.
            rows: The rows of the answer.

        Yields:
            Raw records.
        """


class OrderDetails(OrderStream):
    """Details of orders, at one request each. Not selected by default. Fields that are not documented are rescued."""

    name = "order_details"
    primary_keys = ("order_reference",)
    row_keys = ("order_reference", "id")

    @override
    def records_of(self, reference: str, rows: Sequence[Any]) -> Iterator[Record]:
        for row in rows:
            yield {**FlatRows(None).flat(row), "order_reference": reference}


class OrderHistory(OrderStream):
    """The steps of each order, at one request each. Not selected by default. A step is kept as the API gave it."""

    name = "order_history"
    subpath = ("historic",)
    primary_keys = ("order_reference", "position")

    @override
    def records_of(self, reference: str, rows: Sequence[Any]) -> Iterator[Record]:
        for position, step in enumerate(rows, start=1):
            yield {"order_reference": reference, "position": position, "step": step}
