"""tap-2invoice: its settings, its streams, and the discovery of what their records are like."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from singer_sdk import typing as th
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.streams.rest import HTTPRequest

from singer_rest_core import RequestFailed, RestTap, StreamUnavailable, settings_schema
from singer_rest_core.api import Window
from singer_rest_core.cli import schema_errors
from singer_rest_core.paging.prefetch import Pending
from tap_2invoice.client import HEADERS, ID, DetailStream, InferredSchemaStream, ListStream
from tap_2invoice.streams import DETAILS, LISTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    import requests

    from singer_rest_core import Record
    from singer_rest_core.api import Rule

    _Asked = tuple[InferredSchemaStream, HTTPRequest, Callable[[requests.Response], Sequence[Record]]]


class Tap2Invoice(RestTap):
    """Singer tap for 2invoice: invoices, receipts, clients and products, with schemas derived from the account."""

    name = "tap-2invoice"

    # "60 requests per second per user". Laravel's own default is 60 a minute: what the headers say goes before.
    rate_limits: ClassVar[Mapping[str, Sequence[Rule]]] = {"": (Window(60, 1),)}

    refusal_hint = "Check access_token (POST auth/generate-token makes one; it expires, after a year or so)"

    status_meanings: ClassVar[Mapping[int, str]] = {
        402: "By the vendor's documentation the parameters were valid, but the request failed all the same",
        409: "By the vendor's documentation the request conflicts with another one",
    }

    config_jsonschema: ClassVar[dict[str, Any]] = settings_schema(
        th.Property(
            "access_token",
            th.StringType,
            required=True,
            secret=True,
            title="Access Token",
            description="Token of an API user, as POST auth/generate-token answers it.",
        ),
        api_url="https://api.2invoice.ro",
        page_size=None,
        start_date=None,
    )

    _has_derived = False

    def discover_streams(self) -> Sequence[InferredSchemaStream]:
        """Give every stream; what their records are like is not asked here, see `derive_schemas`.

        Returns:
            One instance each.
        """
        return [stream(self) for stream in (*LISTS, *DETAILS)]

    @property
    def catalog_dict(self) -> dict[str, Any]:
        """The catalog as `--discover` prints it."""
        self.derive_schemas()
        catalog: dict[str, Any] = super().catalog_dict
        return catalog

    def setup_mapper(self) -> None:
        """Prepare the writing of records; here at last a run without a catalog has to know what they are like."""
        self.derive_schemas()
        super().setup_mapper()

    def derive_schemas(self) -> None:
        """Derive the schema of every stream from a page of it, or one detail, unless there is a catalog or no token.

        A stream that cannot be read has a schema without fields.

        Raises:
            ConfigValidationError: If settings are wrong.
            AccessRefused: If the token is not accepted.
        """
        if self.input_catalog is not None or self._has_derived:
            return
        self._has_derived = True
        if not self.config.get("access_token"):
            self.logger.info("Without access_token nothing is known of the records but their id")
            return
        errors = schema_errors(self.config_jsonschema, dict(self.config), plugin=self.name) + self.settings_errors()
        if errors:
            raise ConfigValidationError("; ".join(errors), errors=errors, schema=self.config_jsonschema)
        self.check_token()
        streams = self.streams.values()
        lists = [stream for stream in streams if isinstance(stream, ListStream)]
        samples = self._derive([(stream, stream.sample_request(), stream.sample_of) for stream in lists])
        known = [
            (stream, row[ID])
            for stream in streams
            if isinstance(stream, DetailStream)
            for row in samples[stream.listing.name][:1]
            if row.get(ID) is not None
        ]
        self._derive([(stream, stream.request_for_row(key), partial(stream.sample_of, key)) for stream, key in known])

    def _derive(self, asked: Sequence[_Asked]) -> dict[str, Sequence[Record]]:
        """Ask for samples side by side, and let each stream take its schema from its own.

        Returns:
            The samples by stream; empty where there was none to be had.
        """
        under_way = [(stream, self._send(request, place), read) for place, (stream, request, read) in enumerate(asked)]
        samples: dict[str, Sequence[Record]] = {}
        for stream, pending, read in under_way:
            samples[stream.name] = []
            try:
                samples[stream.name] = read(pending.result())
            except (RequestFailed, StreamUnavailable) as refusal:
                stream.logger.warning("nothing is known of the records but their id: %s", refusal)
            else:
                stream.derive_schema(samples[stream.name])
        return samples

    def _send(self, request: HTTPRequest, place: int) -> Pending:
        send = partial(self.run.client.send, thorough=True)
        if self.run.prefetcher is not None:
            return self.run.prefetcher.submit((0, place), request, send)
        pending = Pending(request, send)
        pending.settle()
        return pending

    def load_state(self, state: dict[str, Any]) -> None:
        """Take over the state of the run before, with the columns it had.

        Args:
            state: The state.
        """
        super().load_state(state)
        if state.get("bookmarks"):
            for stream in self._derived_streams:
                stream.keep_columns(self.catalog)
            self.setup_mapper()  # it has taken over the schemas as they were

    def before_streams(self) -> None:
        """Check the token before the first stream is read, and note which columns the tables will have."""
        super().before_streams()
        self.check_token()
        for stream in self._derived_streams:
            if stream.selected:
                stream.remember_columns()

    @property
    def _derived_streams(self) -> list[InferredSchemaStream]:
        return [stream for stream in self.streams.values() if isinstance(stream, InferredSchemaStream)]

    def check_token(self) -> None:
        """Ask what the token is, unless the API has accepted it already; any answer below 300 will do.

        What the answer looks like is not documented, nor could anybody see that there is one: another refusal than of
        the token is no reason to read nothing.

        Raises:
            AccessRefused: If the token is not accepted.
        """
        if self.run.client.accepted:
            return
        url = f"{self.config['api_url'].rstrip('/')}/auth/token-information"
        try:
            self.run.client.send_for_document(HTTPRequest(url=url, headers=dict(HEADERS)))
        except (RequestFailed, StreamUnavailable) as refusal:
            self.logger.info("The token could not be checked before the first stream is: %s", refusal)

    def authenticate(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put the token into a request.

        Args:
            request: A request to the configured origin.

        Returns:
            The same request.
        """
        request.headers["Authorization"] = f"Bearer {self.config['access_token']}"
        return request


if __name__ == "__main__":
    Tap2Invoice.cli()
