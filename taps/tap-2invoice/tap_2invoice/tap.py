"""tap-2invoice: its settings and its streams, and when their schemas are inferred."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from singer_sdk import typing as th
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.streams.rest import HTTPRequest
from typing_extensions import override

from singer_rest_core import RequestFailed, RestTap, StreamUnavailable, settings_schema
from singer_rest_core.api import Window
from tap_2invoice.client import HEADERS
from tap_2invoice.discovery import infer_schemas
from tap_2invoice.inferred_schema import InferredSchemaStream
from tap_2invoice.streams import DETAILS, LISTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    import requests

    from singer_rest_core.api import Rule


class Tap2Invoice(RestTap):
    """Singer tap for 2invoice: invoices, receipts, clients and products, with schemas inferred from the account."""

    name = "tap-2invoice"

    # "60 requests per second per user". Laravel's own default is 60 a minute: headers of answers override this.
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
            description="Token of an API user, from POST auth/generate-token.",
        ),
        api_url="https://api.2invoice.ro",
        page_size=None,
        start_date=None,
    )

    _has_inferred = False

    @override
    def discover_streams(self) -> Sequence[InferredSchemaStream]:
        """Return every stream, without requesting a sample (see `infer_schemas`)."""
        return [stream(self) for stream in (*LISTS, *DETAILS)]

    @property
    @override
    def catalog_dict(self) -> dict[str, Any]:
        """The catalog as `--discover` prints it."""
        self.infer_schemas()
        catalog: dict[str, Any] = super().catalog_dict
        return catalog

    @override
    def setup_mapper(self) -> None:
        """Set up what writes records; by now a run without a catalog needs the schemas."""
        self.infer_schemas()
        super().setup_mapper()

    def infer_schemas(self) -> None:
        """Infer the schema of every stream from a sample of the account, unless there is a catalog or no token.

        Raises:
            ConfigValidationError: If settings are wrong.
            AccessRefused: If the token is not accepted.
        """
        if self.input_catalog is not None or self._has_inferred:
            return
        self._has_inferred = True
        if not self.config.get("access_token"):
            self.logger.info("Without access_token nothing is known of the records but their id")
            return
        errors = self.config_errors(self.config_jsonschema)
        if errors:
            raise ConfigValidationError("; ".join(errors), errors=errors, schema=self.config_jsonschema)
        self.check_token()
        infer_schemas(self._inferred_streams, self.run)

    @override
    def load_state(self, state: dict[str, Any]) -> None:
        """Use the state of the run before, with the columns it had."""
        super().load_state(state)
        if state.get("bookmarks"):
            for stream in self._inferred_streams:
                stream.restore_columns(self.catalog)
            self.setup_mapper()  # it has copied the schemas as they were before

    @override
    def before_streams(self) -> None:
        """Check the token, and remember the columns that the tables will have."""
        super().before_streams()
        self.check_token()
        for stream in self._inferred_streams:
            if stream.selected:
                stream.remember_columns()

    @property
    def _inferred_streams(self) -> list[InferredSchemaStream]:
        return [stream for stream in self.streams.values() if isinstance(stream, InferredSchemaStream)]

    def check_token(self) -> None:
        """Request information about the token, unless the API has accepted it already; its content is not used.

        Neither the form of the answer nor that the endpoint still exists is documented: the run goes on unless it is
        the token that is refused.

        Raises:
            AccessRefused: If the token is not accepted.
        """
        if self.run.client.accepted:
            return
        url = f"{self.config['api_url'].rstrip('/')}/auth/token-information"
        try:
            self.run.client.send_for_document(HTTPRequest(url=url, headers=dict(HEADERS)))
        except (RequestFailed, StreamUnavailable) as refusal:
            self.logger.info("The token could not be checked before the first stream: %s", refusal)

    @override
    def authenticate(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.config['access_token']}"
        return request
