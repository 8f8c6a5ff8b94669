"""Invoicetronic's request windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.tests.invoicetronic.client import LIVE, TEST, InvoicetronicClient

if TYPE_CHECKING:
    from sandbox.server import RunningSandbox

BUCKET_LISTS = ("receive", "update", "send", "log", "webhookhistory")


def test_every_answer_has_rate_limit_headers(running: RunningSandbox) -> None:
    running.admin.reset()
    for key, path in ((LIVE, "status"), ("wrong", "status"), (LIVE, "nothing")):
        headers = InvoicetronicClient(running.url, key).get(path).headers
        assert headers["RateLimit-Limit"] == "100"
        assert headers["RateLimit-Policy"] == "100;w=1, 2000;w=60, 100000;w=86400"


@pytest.mark.parametrize("name", BUCKET_LISTS)
def test_the_bucket_accepts_two_hundred_and_is_refilled_one_by_one(running: RunningSandbox, name: str) -> None:
    running.admin.reset()
    # A hundredth of the documented pace: a slow machine shall not see it refilled while it is emptied.
    bucket = {"scope": "reads", "limit": 60, "period": 6000, "burst": 200}
    running.admin.set_limits([bucket], system="invoicetronic")  # type: ignore[list-item]
    api = InvoicetronicClient(running.url, LIVE, **{"Accept-Language": "en"})
    path = f"{name}/999999"
    assert [api.get(path).status_code for _ in range(201)] == [404] * 200 + [429]
    refused = api.get(path)
    assert refused.json()["detail"] == "Too many requests"
    assert 0 < int(refused.headers["Retry-After"]) <= 100
    assert api.get("company").status_code == 200
    running.admin.advance_clock(100)
    assert [api.get(path).status_code for _ in range(2)] == [404, 429]


def test_the_windows_of_the_user_are_shared_by_both_environments(running: RunningSandbox) -> None:
    running.admin.reset()
    running.admin.set_limits([{"scope": "user", "limit": 3, "period": 60}], system="invoicetronic")
    statuses = [InvoicetronicClient(running.url, key).get("status").status_code for key in (LIVE, TEST, LIVE, TEST)]
    assert statuses == [200, 200, 200, 429]


def test_health_is_answered_twelve_times_a_minute(running: RunningSandbox) -> None:
    running.admin.reset()
    api = InvoicetronicClient(running.url, None)
    assert [api.get("health").status_code for _ in range(13)] == [200] * 12 + [429]
