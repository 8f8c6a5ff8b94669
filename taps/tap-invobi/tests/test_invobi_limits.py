"""The limit of requests: used completely, not exceeded, and waited for."""

from __future__ import annotations

from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import pytest
import requests

if TYPE_CHECKING:
    from conftest import FakeClock, ReadTap
    from sandbox.server import RunningSandbox


def test_the_limit_is_used_completely_and_not_exceeded(
    sandbox: RunningSandbox, read_invobi: ReadTap, clock_of_both: FakeClock
) -> None:
    sandbox.admin.set_limits([{"scope": "token", "limit": 100, "period": 60}], system="invobi")

    reading = read_invobi("invoices invoice_details", concurrency=1)

    assert reading.error is None
    assert len(reading.ids("invoice_details")) == 250
    assert {request["status"] for request in sandbox.admin.requests()} == {200}
    # 253 requests: 100 in each minute.
    assert sum(clock_of_both.waits) == pytest.approx(120, rel=0.1)


def test_a_limit_that_others_have_used_up_pauses_the_run_until_its_reset(
    sandbox: RunningSandbox, read_invobi: ReadTap, clock_of_both: FakeClock
) -> None:
    now = parsedate_to_datetime(requests.get(sandbox.url + "/invobi/api/v1/invoices", timeout=10).headers["Date"])
    reset = now + timedelta(seconds=40)
    headers = {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "0"}
    headers["X-RateLimit-Reset"] = str(int(reset.timestamp()))
    sandbox.admin.add_fault("*/invoices", status=429, body='{"error": "Rate limit exceeded"}', headers=headers)

    reading = read_invobi("invoices", concurrency=1)

    assert reading.error is None
    assert len(reading.ids("invoices")) == 250
    assert 35 <= sum(clock_of_both.waits) <= 60


def test_a_smaller_limit_than_documented_is_learned_from_the_answers(
    sandbox: RunningSandbox, read_invobi: ReadTap, clock_of_both: FakeClock
) -> None:
    sandbox.admin.set_limits([{"scope": "token", "limit": 20, "period": 60}], system="invobi")

    reading = read_invobi("invoices", page_size=10, concurrency=1)

    assert reading.error is None
    assert len(reading.ids("invoices")) == 250
    assert {request["status"] for request in sandbox.admin.requests()} == {200}
    # 25 requests: 20 in the first minute.
    assert sum(clock_of_both.waits) >= 50
