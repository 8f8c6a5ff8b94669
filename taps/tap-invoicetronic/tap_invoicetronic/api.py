"""Single requests to Invoicetronic: everything but the pages of lists."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from singer_sdk.streams.rest import HTTPRequest

from singer_rest_core import StreamUnavailable, body_of
from tap_invoicetronic.client import HEADERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

    from singer_rest_core.api import ApiClient
    from tap_invoicetronic.refusals import Refusals


class InvoicetronicApi:
    """Sends GET requests to paths below `api_url`; what the API refused with 403 is not requested again.

    Args:
        client: The HTTP client of the run.
        api_url: The setting.
        refusals: What was refused in this run.
    """

    def __init__(self, client: ApiClient, api_url: str, refusals: Refusals) -> None:
        """Keep the client; nothing is sent yet."""
        self._client = client
        self._api_url = api_url.rstrip("/")
        self.refusals = refusals

    def get(self, path: str, **params: str) -> Any:  # noqa: ANN401 - JSON is any of six types
        """Request a JSON document.

        Args:
            path: The path below `api_url`, with a leading slash.
            params: The query parameters.

        Returns:
            The decoded body.

        Raises:
            StreamUnavailable: If the key has no permission for it.
            RequestFailed: On any other error.
        """
        with self._noting_refusal(path):
            return body_of(self._client.send(self._request(path, params), thorough=True))

    def get_once(self, path: str, **params: str) -> Any:  # noqa: ANN401 - JSON is any of six types
        """Request a JSON document that may cost money, at most once; otherwise as `get`.

        Raises:
            OutcomeUnknown: If the request was sent, and no usable response came.
        """
        with self._noting_refusal(path):
            return body_of(self._client.send_once(self._request(path, params)))

    def download_once(self, path: str, **params: str) -> requests.Response:
        """Request something other than JSON that may cost money, at most once; otherwise as `get`.

        Returns:
            The response, completely read.

        Raises:
            OutcomeUnknown: If the request was sent, and no usable response came.
        """
        request = self._request(path, params)
        request.headers["Accept"] = "*/*"
        with self._noting_refusal(path):
            return self._client.send_for_document(request, once=True)

    def stop(self) -> None:
        """Send no further request; one that is waiting to be sent raises an error."""
        self._client.stop()

    @contextmanager
    def _noting_refusal(self, path: str) -> Iterator[None]:
        self.refusals.check(path)
        try:
            yield
        except StreamUnavailable as refusal:
            raise self.refusals.note(path, refusal) from refusal

    def _request(self, path: str, params: dict[str, str]) -> HTTPRequest:
        return HTTPRequest(url=f"{self._api_url}{path}", headers=dict(HEADERS), params={**params})
