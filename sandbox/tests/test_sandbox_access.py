"""Productive's authentication, authorization and request windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.admin_client import AdminError
from sandbox.server import running_sandbox
from sandbox.tests.productive_client import ProductiveClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.server import RunningSandbox


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    with running_sandbox(scale=0.1) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: RunningSandbox) -> RunningSandbox:
    running.admin.reset()
    return running


@pytest.fixture
def api(sandbox: RunningSandbox) -> ProductiveClient:
    return ProductiveClient(sandbox.url)


def test_a_get_needs_no_content_type(api: ProductiveClient) -> None:
    assert api.get("invoices", {"Content-Type": None}).status_code == 200


def test_another_content_type_is_refused_before_the_token_is_checked(api: ProductiveClient) -> None:
    status, error = api.error("invoices", {"Content-Type": "application/json", "X-Auth-Token": None})
    assert status == 415
    assert error["code"] == "unsupported_content_type"
    assert error["title"] == "Unsupported Media Type"


@pytest.mark.parametrize("token", [None, "wrong"])
def test_a_missing_and_a_wrong_token_give_the_same_error(api: ProductiveClient, token: str | None) -> None:
    status, error = api.error("invoices", {"X-Auth-Token": token})
    assert status == 401
    assert error == {
        "status": "401",
        "code": "invalid_auth_token",
        "title": "Unauthenticated",
        "detail": "You are not authenticated",
        "meta": {},
        "source": {},
    }


@pytest.mark.parametrize("path", ["invoices", "reports/invoice_reports", "companies/1"])
@pytest.mark.parametrize("organization", [None, "2"])
def test_another_organization_is_denied_on_every_path_that_keeps_to_it(
    api: ProductiveClient, path: str, organization: str | None
) -> None:
    status, error = api.error(path, {"X-Organization-Id": organization})
    assert (status, error["code"], error["title"]) == (403, "no_organization_id", "Access Denied")


@pytest.mark.parametrize("path", ["organization_memberships", "users", "organizations"])
@pytest.mark.parametrize("organization", [None, "2", "1"])
def test_the_lists_of_the_token_are_answered_whatever_the_organization(
    sandbox: RunningSandbox, api: ProductiveClient, path: str, organization: str | None
) -> None:
    sandbox.admin.set_refusals(organization="no_person")

    assert len(api.get(path, {"X-Organization-Id": organization}).json()["data"]) == 1


@pytest.mark.parametrize("code", ["no_person", "subscription_expired"])
def test_an_organization_can_be_refused_with_a_code(sandbox: RunningSandbox, api: ProductiveClient, code: str) -> None:
    sandbox.admin.set_refusals(organization=code)

    assert (api.error("invoices")[0], api.error("invoices")[1]["code"]) == (403, code)


def test_every_answer_has_an_id_of_its_own(api: ProductiveClient) -> None:
    answers = [api.get("invoices"), api.get("invoices", {"X-Auth-Token": None}), api.get("boats")]
    assert len({answer.headers["x-request-id"] for answer in answers}) == 3


def test_an_operation_of_filters_can_be_refused(sandbox: RunningSandbox, api: ProductiveClient) -> None:
    sandbox.admin.set_refusals(operations={"tasks": ["gt_eq"]})

    status, error = api.error("tasks?filter[updated_at][gt_eq]=2026-01-01")
    assert (status, error["code"]) == (400, "unsupported_filter_operation")
    assert api.get("tasks?filter[updated_at][gt]=2026-01-01").status_code == 200


def test_the_status_in_a_body_may_be_a_word(api: ProductiveClient) -> None:
    status, error = api.error("tasks?sort=boat")
    assert (status, error["status"], error["code"]) == (400, "unprocessable_content", "sort_param_unsupported")


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE", "PUT"])
def test_only_get_is_answered(api: ProductiveClient, method: str) -> None:
    response = api.get("invoices", method=method)
    assert response.status_code == 405
    assert response.json()["errors"][0]["status"] == "405"


def test_an_unknown_record_and_an_unknown_route_are_not_found(api: ProductiveClient) -> None:
    assert api.error("projects/999999") == (
        404,
        {
            "status": "404",
            "code": "record_not_found",
            "title": "Record Not Found",
            "detail": "The requested record was not found",
            "meta": {},
            "source": {},
        },
    )
    for path in ("boats", "projects/1/tasks", "exchange_rates/1"):
        status, error = api.error(path)
        assert (status, error["title"]) == (404, "Route Not Found")


def test_every_answer_has_its_runtime(api: ProductiveClient) -> None:
    for path, headers in (("invoices", {}), ("invoices", {"X-Auth-Token": None}), ("boats", {})):
        assert 0 <= float(api.get(path, headers).headers["x-runtime"]) < 5


def test_the_hundred_and_first_request_of_a_window_is_refused(sandbox: RunningSandbox, api: ProductiveClient) -> None:
    for _ in range(100):
        assert api.get("tax_rates").status_code == 200
    response = api.get("tax_rates")
    assert response.status_code == 429
    assert response.json() == {
        "errors": [
            {
                "status": 429,
                "title": "Too many requests",
                "detail": "Rate limit reached. Try again later",
                "limit": 100,
                "period": 10,
            }
        ]
    }
    reset_after = int(response.headers["X-RateLimit-Reset"])
    assert 1 <= reset_after <= 10
    sandbox.admin.advance_clock(reset_after)
    assert api.get("tax_rates").status_code == 200


def test_the_organization_has_its_own_longer_window(sandbox: RunningSandbox, api: ProductiveClient) -> None:
    sandbox.admin.set_limits(
        [{"scope": "token", "limit": 2, "period": 10}, {"scope": "organization", "limit": 3, "period": 1800}]
    )
    assert [api.get("tax_rates").status_code for _ in range(3)] == [200, 200, 429]
    sandbox.admin.advance_clock(10)
    assert api.get("tax_rates").status_code == 200
    refused = api.get("tax_rates")
    assert refused.status_code == 429
    assert refused.json()["errors"][0]["period"] == 1800
    assert 1780 <= int(refused.headers["X-RateLimit-Reset"]) <= 1790
    # The other organization shares the token's window, not this one.
    assert api.get("tax_rates", {"X-Organization-Id": "recorded"}).status_code == 200


def test_windows_can_be_switched_off(sandbox: RunningSandbox, api: ProductiveClient) -> None:
    sandbox.admin.set_limits([])
    assert {api.get("tax_rates").status_code for _ in range(120)} == {200}


def test_a_refused_token_counts_in_no_window(sandbox: RunningSandbox, api: ProductiveClient) -> None:
    sandbox.admin.set_limits([{"scope": "token", "limit": 1, "period": 10}])
    for _ in range(3):
        assert api.get("tax_rates", {"X-Auth-Token": "wrong"}).status_code == 401
    assert api.get("tax_rates").status_code == 200


def test_a_feature_that_is_off_denies_only_its_resource(sandbox: RunningSandbox, api: ProductiveClient) -> None:
    sandbox.admin.set_features(financials=False)
    status, error = api.error("tax_rates")
    assert status == 403
    assert error == {
        "status": "403",
        "code": "financials_unavailable",
        "title": "Access Denied",
        "detail": "Feature financials unavailable",
        "source": {},
    }
    assert api.get("invoices").status_code == 200
    sandbox.admin.set_features(financials=True)
    assert api.get("tax_rates").status_code == 200


def test_latency_delays_answers_of_the_api_only() -> None:
    with running_sandbox(scale=0.02, latency_ms=60) as slow:
        assert ProductiveClient(slow.url).get("tax_rates").elapsed.total_seconds() >= 0.06
        assert slow.admin.requests()[0]["status"] == 200


def test_a_window_counts_per_token_or_per_organization_only(sandbox: RunningSandbox, api: ProductiveClient) -> None:
    with pytest.raises(AdminError, match="token or organization"):
        sandbox.admin.set_limits([{"scope": "planet", "limit": 1, "period": 10}])
    assert api.get("tax_rates").status_code == 200
