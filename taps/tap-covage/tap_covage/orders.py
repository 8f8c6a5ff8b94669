"""What is asked for by the reference of an order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from singer_sdk import StreamSchema
from singer_sdk.streams.rest import HTTPRequest

from singer_rest_core import RequestFailed, body_of
from singer_rest_core.records.row_layout import UnexpectedPage
from singer_rest_core.streams.per_row import PerRowStream
from tap_covage.client import SCHEMAS, CovageList, url_below
from tap_covage.envelopes import rows_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from singer_rest_core import Record


class OrderStream(PerRowStream, ABC):
    """One request for each order: deselected, unless the user wants it."""

    schema = StreamSchema(SCHEMAS)
    selected_by_default = False

    below: tuple[str, ...] = ()
    """Where it is below the order."""

    row_keys: tuple[str, ...] = ()
    """Fields that tell a single row from an envelope; none if any object is a row."""

    def make_records(self) -> Iterator[Record]:
        """Ask for each order.

        Yields:
            Raw records.

        Raises:
            RequestFailed: If an answer holds no rows.
        """
        orders = self.rest_tap.streams["orders"]
        if not isinstance(orders, CovageList):
            msg = "the stream orders is a CovageList"
            raise TypeError(msg)
        api_url = self.config["api_url"]
        references = list(orders.noted())
        asked = ((each, HTTPRequest(url_below(api_url, "order", each, *self.below))) for each in references)
        for reference, answer in self.found(asked):
            try:
                yield from self.records_of(reference, rows_in(body_of(answer), self.row_keys))
            except UnexpectedPage as error:
                raise RequestFailed(f"GET {answer.request.path_url} answered {error}") from error
        self.has_read_all = orders.has_read_all and not self.not_found

    @abstractmethod
    def records_of(self, reference: str, rows: Sequence[Any]) -> Iterator[Record]:
        """Make the records of an order.

        Args:
            reference: The order.
            rows: What was answered, without its envelope.

        Yields:
            Raw records.
        """
