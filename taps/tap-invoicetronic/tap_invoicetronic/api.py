"""Single requests to Invoicetronic: everything but the pages of lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.streams.rest import HTTPRequest

from singer_rest_core import body_of
from tap_invoicetronic.client import HEADERS

if TYPE_CHECKING:
    import requests

    from singer_rest_core.api import ApiClient


class InvoicetronicApi:
    """Sends GET requests to paths below `api_url`.

    Args:
        client: The HTTP client of the run.
        api_url: The setting.
    """

    def __init__(self, client: ApiClient, api_url: str) -> None:
        """Keep the client; nothing is sent yet."""
        self._client = client
        self._api_url = api_url.rstrip("/")

    def get(self, path: str, **params: str) -> Any:  # noqa: ANN401 - JSON is any of six types
        """Request a JSON document.

        Args:
            path: The path below `api_url`, with a leading slash.
            params: The query parameters.

        Returns:
            The decoded body.

        Raises:
            StreamUnavailable: On 403.
            RequestFailed: On any other error.
        """
        return body_of(self._client.send(self._request(path, params), thorough=True))

    def download(self, path: str, **params: str) -> requests.Response:
        """Request something other than JSON.

        Args:
            path: The path below `api_url`, with a leading slash.
            params: The query parameters.

        Returns:
            The response, completely read.

        Raises:
            StreamUnavailable: On 403.
            RequestFailed: On any other error.
        """
        request = self._request(path, params)
        request.headers["Accept"] = "*/*"
        return self._client.send_for_document(request)

    def stop(self) -> None:
        """Send no further request; one that is waiting to be sent raises an error."""
        self._client.stop()

    def _request(self, path: str, params: dict[str, str]) -> HTTPRequest:
        return HTTPRequest(url=f"{self._api_url}{path}", headers=dict(HEADERS), params={**params})
