"""Server time: the runtime of answers, and budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.server import running_sandbox
from sandbox.tests.productive_client import ProductiveClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.server import RunningSandbox


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    with running_sandbox(scale=0.05) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: RunningSandbox) -> RunningSandbox:
    running.admin.reset()
    running.admin.set_limits([])
    return running


@pytest.fixture
def api(sandbox: RunningSandbox) -> ProductiveClient:
    return ProductiveClient(sandbox.url)


def test_the_admin_can_set_the_runtime_of_an_answer(sandbox: RunningSandbox, api: ProductiveClient) -> None:
    sandbox.admin.set_runtimes({"/invoices": 12.5, "/reports/*": 3})
    assert float(api.get("invoices").headers["x-runtime"]) == 12.5
    assert float(api.get("reports/invoice_reports").headers["x-runtime"]) == 3
    assert float(api.get("companies").headers["x-runtime"]) < 3


def test_a_spent_budget_is_answered_with_429_until_its_period_ends(
    sandbox: RunningSandbox, api: ProductiveClient
) -> None:
    sandbox.admin.set_runtimes({"/invoices": 10})
    sandbox.admin.set_server_time(limit=20, period=3600)
    assert [api.get("invoices").status_code for _ in range(3)] == [200, 200, 429]
    refused = api.get("companies")
    assert refused.status_code == 429
    assert refused.json() == {
        "errors": [
            {
                "status": 429,
                "title": "Server time limit exceeded",
                "detail": "Server time limit reached. Try again later",
                "limit": 20,
                "period": 3600,
            }
        ]
    }
    assert float(refused.headers["x-runtime"]) < 1
    reset_after = int(refused.headers["X-RateLimit-Reset"])
    assert 3500 < reset_after <= 3600
    sandbox.admin.advance_clock(reset_after)
    assert api.get("companies").status_code == 200


def test_the_documented_budgets_apply_by_default(sandbox: RunningSandbox, api: ProductiveClient) -> None:
    sandbox.admin.set_runtimes({"/invoices": 1800})
    assert api.get("invoices").status_code == 200
    status, error = api.error("invoices")
    assert (status, error["limit"], error["period"]) == (429, 1800, 3600)
    # Twelve times half an hour are the day's six hours.
    for _ in range(11):
        sandbox.admin.advance_clock(3600)
        assert api.get("invoices").status_code == 200
    sandbox.admin.advance_clock(3600)
    status, error = api.error("invoices")
    assert (status, error["limit"], error["period"]) == (429, 6 * 3600, 24 * 3600)
    sandbox.admin.advance_clock(12 * 3600)
    assert api.get("invoices").status_code == 200


def test_each_organization_has_its_own_budget(sandbox: RunningSandbox, api: ProductiveClient) -> None:
    sandbox.admin.set_runtimes({"/invoices": 10})
    sandbox.admin.set_server_time(limit=5)
    assert [api.get("invoices").status_code for _ in range(2)] == [200, 429]
    assert api.get("invoices", {"X-Organization-Id": "recorded"}).status_code == 200


def test_refused_requests_cost_no_server_time(sandbox: RunningSandbox, api: ProductiveClient) -> None:
    sandbox.admin.set_runtimes({"/boats": 100})
    sandbox.admin.set_server_time(limit=5)
    assert [api.get("boats").status_code for _ in range(3)] == [404, 404, 404]
    assert api.get("invoices").status_code == 200


def test_a_reset_restores_the_budgets(sandbox: RunningSandbox, api: ProductiveClient) -> None:
    sandbox.admin.set_runtimes({"/invoices": 10})
    sandbox.admin.set_server_time(limit=5)
    assert [api.get("invoices").status_code for _ in range(2)] == [200, 429]
    sandbox.admin.reset()
    response = api.get("invoices")
    assert response.status_code == 200
    assert float(response.headers["x-runtime"]) < 5
