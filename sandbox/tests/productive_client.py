"""HTTP client of the sandbox's Productive, for its tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import requests

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HEADERS = {
    "X-Auth-Token": "sandbox-token",
    "X-Organization-Id": "1",
    "Content-Type": "application/vnd.api+json",
}


class ProductiveClient:
    """Requests Productive with valid headers, unless others are given; a header of None is left out."""

    def __init__(self, url: str) -> None:
        """Use the sandbox at `url`."""
        self.root = f"{url}/productive/api/v2"
        self.session = requests.Session()
        self.session.trust_env = False

    def get(self, path: str, headers: Mapping[str, str | None] | None = None, method: str = "GET") -> requests.Response:
        """Return the answer to `path`, query included, or to a whole URL."""
        url = path if path.startswith("http") else f"{self.root}/{path}"
        merged = {name: value for name, value in {**HEADERS, **(headers or {})}.items() if value is not None}
        return self.session.request(method, url, headers=merged, timeout=10, allow_redirects=False)

    def body(self, path: str, headers: Mapping[str, str | None] | None = None) -> dict[str, Any]:
        """Return the body of a 200."""
        response = self.get(path, headers)
        assert response.status_code == 200, response.text
        return cast("dict[str, Any]", response.json())

    def data(self, path: str, headers: Mapping[str, str | None] | None = None) -> list[dict[str, Any]]:
        """Return the rows of one page."""
        return cast("list[dict[str, Any]]", self.body(path, headers)["data"])

    def ids(self, path: str, headers: Mapping[str, str | None] | None = None) -> list[str]:
        """Return the ids of one page."""
        return [row["id"] for row in self.data(path, headers)]

    def error(self, path: str, headers: Mapping[str, str | None] | None = None) -> tuple[int, dict[str, Any]]:
        """Return the status of an answer and its one error."""
        response = self.get(path, headers)
        (error,) = response.json()["errors"]
        return response.status_code, error

    def pages(self, path: str) -> Iterator[list[dict[str, Any]]]:
        """Yield the pages of a list, following `links.next`."""
        following: str | None = path
        while following:
            body = self.body(following)
            yield body["data"]
            following = body["links"].get("next")

    def walk(self, path: str) -> list[dict[str, Any]]:
        """Return all rows of a list."""
        return [row for page in self.pages(path) for row in page]
