"""HTTP client of the sandbox's Invoicetronic, for its tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from sandbox.admin_client import SystemAdmin

LIVE, TEST = "ik_live_sandbox", "ik_test_sandbox"
LISTS = ("company", "send", "receive", "update", "log", "webhook", "webhookhistory", "subkey")


class InvoicetronicClient:
    """Requests Invoicetronic with one key."""

    def __init__(self, url: str, key: str | None, password: str = "", **headers: str) -> None:
        """Use the sandbox at `url`."""
        self.root = f"{url}/invoicetronic/v1"
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers.update(headers)
        if key is not None:
            self.session.auth = (key, password)

    def get(self, path: str, **query: object) -> requests.Response:
        """Return any answer."""
        texts = {name: str(value) for name, value in query.items()}
        return self.session.get(f"{self.root}/{path}", params=texts, timeout=10)

    def json(self, path: str, **query: object) -> Any:  # noqa: ANN401 - any JSON
        """Return the body of a 200."""
        response = self.get(path, **query)
        assert response.status_code == 200, response.text
        return response.json()

    def ids(self, path: str, **query: object) -> list[int]:
        """Return the ids of one page."""
        return [row["id"] for row in self.json(path, **query)]

    def all(self, path: str, **query: object) -> list[dict[str, Any]]:
        """Return all rows of a list."""
        rows: list[dict[str, Any]] = []
        for page in range(1, 100):
            found = self.json(path, **query, page=page, page_size=200)
            if not found:
                return rows
            rows += found
        raise AssertionError(path)


def unread(admin: SystemAdmin) -> list[int]:
    """Return the ids of the unread received invoices."""
    return [row["id"] for row in admin.records("receive") if not row["is_read"]]
