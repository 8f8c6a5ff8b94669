"""Refused access: of one stream, of a feature, of the organization."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from conftest import queries_to, warnings_of
from singer_rest_core import AccessRefused, RunIncomplete
from singer_rest_core.errors import ApiUnreachable
from singer_rest_core.records import encode
from tap_productive.streams import STREAMS

if TYPE_CHECKING:
    from conftest import ReadProductive
    from sandbox.server import RunningSandbox


def test_a_refusal_in_the_middle_of_a_list_is_a_failure(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    sandbox.admin.add_fault("*/line_items", query="page[after]", skip=1, status=403)

    reading = read_productive("line_items payments")

    assert isinstance(reading.error, RunIncomplete)
    assert "line_items" not in reading.activated


def test_a_feature_that_is_off_skips_its_stream_with_one_warning(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    sandbox.admin.set_features(financials=False)

    reading = read_productive()

    assert reading.error is None
    assert not reading.records["tax_rates"]
    assert "tax_rates" not in reading.activated
    (warning,) = [line for line in warnings_of(caplog) if "kept in _rescued_data" not in line]
    assert "Feature financials unavailable" in warning
    summary = next(r.getMessage() for r in caplog.records if "read to their end" in r.getMessage())
    others = {message["stream"] for message in reading.of("SCHEMA")} - {"tax_rates"}
    assert others > {str(vars(stream)["name"]) for stream in STREAMS} - {"tax_rates"}
    assert f"{len(others)} streams read to their end, 1 skipped: tax_rates (GET /productive/api/v2/tax_rates" in summary


def test_a_feature_that_is_off_does_not_end_the_run_even_if_it_is_requested_first(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    sandbox.admin.set_features(financials=False)
    sandbox.admin.set_refusals(routes=["organization_memberships"])

    reading = read_productive("tax_rates time_entries")

    assert reading.error is None
    assert reading.ids("time_entries")
    assert queries_to(sandbox, "/organization_memberships") == []


@pytest.mark.parametrize("fault", [{"status": 404}, {"status": 500}])
def test_a_first_refusal_skips_its_stream_alone_where_the_memberships_cannot_be_read(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    fault: dict[str, Any],
) -> None:
    sandbox.admin.add_fault("*/salaries", status=403)
    sandbox.admin.add_fault("*/organization_memberships", times=100, **fault)

    reading = read_productive("salaries time_entries")

    assert reading.error is None
    assert reading.ids("time_entries")


def test_a_first_refusal_ends_the_run_if_the_memberships_are_of_other_organizations(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    sandbox.admin.add_fault("*/activities", status=403)
    membership = {"type": "organization_memberships", "id": "1"}
    elsewhere = {"organization": {"data": {"type": "organizations", "id": "99"}}}
    body = encode({"data": [membership | {"relationships": elsewhere}]}).decode()
    sandbox.admin.add_fault("*/organization_memberships", status=200, body=body)

    reading = read_productive("activities payments")

    assert isinstance(reading.error, AccessRefused)
    assert str(reading.error).endswith("belongs to that organization; its organizations are: 99")
    assert queries_to(sandbox, "/organization_memberships")[0]["include"] == "organization"


def test_an_api_url_that_leads_nowhere_is_named(
    productive_settings: dict[str, Any],
    read_productive: ReadProductive,
) -> None:
    wrong = f"{productive_settings['api_url']}/v3"

    reading = read_productive("activities payments", api_url=wrong)

    assert isinstance(reading.error, AccessRefused)
    assert f"Check api_url {wrong}" in str(reading.error)


def test_an_organization_id_may_be_a_number(read_productive: ReadProductive) -> None:
    assert read_productive("payments", organization_id=1).ids("payments")


def test_an_undocumented_list_that_does_not_exist_is_skipped(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    sandbox.admin.set_refusals(routes=["payment_reminders"])

    reading = read_productive("payment_reminders payments")

    assert reading.error is None
    assert reading.ids("payments")


@pytest.mark.parametrize("gone", ["prices", "project_assignments", "approval_workflows", "reports/price_reports"])
def test_a_list_that_does_not_exist_is_skipped_with_one_line(
    sandbox: RunningSandbox, read_productive: ReadProductive, caplog: pytest.LogCaptureFixture, gone: str
) -> None:
    name = gone.removeprefix("reports/")
    sandbox.admin.set_refusals(routes=[name])

    reading = read_productive(f"payments {name} tasks", reports=[{"name": "price_reports"}])

    assert reading.error is None
    assert len(reading.ids("tasks")) == len(sandbox.admin.records("tasks"))
    assert reading.activated.count(name) == 0
    (warning,) = warnings_of(caplog)
    assert warning.startswith(f"{name}: skipped: GET /productive/api/v2/{gone} answered 404 (x-request-id sandbox-")


REMEDIES = {
    "no_organization_id": "Check organization_id 1: no organization that the token reaches has this number",
    "no_person": "Check organization_id 1: the owner of auth_token has no person in that organization",
    "subscription_expired": "Check organization_id 1: that organization has no current plan at Productive",
}


@pytest.mark.parametrize("code", REMEDIES)
@pytest.mark.parametrize("select", ["*", "invoices", "organizations payments users", "users", "custom_field_values"])
def test_an_organization_that_is_refused_ends_the_run_with_one_line_that_names_the_setting(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    caplog: pytest.LogCaptureFixture,
    code: str,
    select: str,
) -> None:
    sandbox.admin.set_refusals(organization=code)

    reading = read_productive(select)

    assert isinstance(reading.error, AccessRefused)
    assert str(reading.error).endswith(REMEDIES[code])
    assert "Access Denied" in str(reading.error)
    assert warnings_of(caplog) == []


def test_an_organization_may_be_refused_in_the_middle_of_a_run(
    sandbox: RunningSandbox, read_productive: ReadProductive
) -> None:
    body = encode({"errors": [{"status": "unprocessable_content", "code": "subscription_expired"}]}).decode()
    sandbox.admin.add_fault("*/line_items", query="page[after]", skip=1, status=403, body=body)

    reading = read_productive("line_items payments tasks", page_size=100, concurrency=1)

    assert isinstance(reading.error, AccessRefused)
    assert "subscription_expired. Check organization_id 1" in str(reading.error)
    assert not reading.ids("tasks")


@pytest.mark.parametrize("status_in_the_body", ["401", 401, "unprocessable_content", "404", 200, None, ["403"]])
@pytest.mark.parametrize("code", ["access_denied", "financials_unavailable", "no_organization", 403, None])
def test_any_other_403_skips_its_list_whatever_the_status_in_its_body(
    sandbox: RunningSandbox, read_productive: ReadProductive, status_in_the_body: object, code: object
) -> None:
    error = {"status": status_in_the_body, "code": code, "title": "Access Denied", "detail": "Feature is not enabled"}
    sandbox.admin.add_fault("*/placeholders", status=403, body=encode({"errors": [error]}).decode())

    reading = read_productive("payments placeholders tasks")

    assert reading.error is None
    assert not reading.records["placeholders"]
    assert reading.ids("tasks")


def test_lists_that_are_answered_for_any_organization_prove_nothing(
    sandbox: RunningSandbox, read_productive: ReadProductive
) -> None:
    """A refusal without a code, as the guides show it, after lists of the token's owner were read."""
    error = {"status": 403, "title": "Access Denied", "detail": "You are not authorized to access this resource"}
    sandbox.admin.add_fault("*/payments", status=403, body=encode({"errors": [error]}).decode())

    reading = read_productive("organization_memberships organizations payments", organization_id="4711")

    assert isinstance(reading.error, AccessRefused)
    assert str(reading.error).endswith("belongs to that organization; its organizations are: 1")


def test_lists_of_the_token_alone_are_read_after_one_request_to_a_list_of_the_organization(
    sandbox: RunningSandbox, read_productive: ReadProductive
) -> None:
    reading = read_productive("organizations users")

    assert reading.error is None
    assert len(reading.ids("users")) == 1
    assert [query["page[size]"] for query in queries_to(sandbox, "/people")] == ["1"]


def test_errors_under_status_200_fail_their_list_in_the_words_of_the_api(
    sandbox: RunningSandbox, read_productive: ReadProductive, caplog: pytest.LogCaptureFixture
) -> None:
    error = {"status": "500", "title": "Internal Error", "detail": "Something went wrong on our side."}
    sandbox.admin.add_fault("*/tasks", status=200, times=100, body=encode({"errors": [error]}).decode())

    reading = read_productive("payments tasks")

    assert isinstance(reading.error, RunIncomplete)
    assert reading.ids("payments")
    assert "tasks" not in reading.activated
    (line,) = warnings_of(caplog)
    assert line.startswith("tasks: failed: GET /tasks answered (x-request-id sandbox-")
    assert line.endswith(") with an error: Internal Error: Something went wrong on our side")


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"auth_token": "wrong"}, AccessRefused, "Check auth_token"),
        ({"organization_id": "4711"}, AccessRefused, "Check organization_id 4711"),
        ({"api_url": "http://127.0.0.1:9/api"}, ApiUnreachable, "Check api_url"),
    ],
)
def test_wrong_access_ends_the_run_with_one_line_that_says_what_to_do(
    read_productive: ReadProductive,
    caplog: pytest.LogCaptureFixture,
    settings: dict[str, Any],
    error: type[Exception],
    words: str,
) -> None:
    reading = read_productive(**settings)

    assert isinstance(reading.error, error)
    assert words in str(reading.error)
    assert "\n" not in str(reading.error)
    assert not reading.of("RECORD")
    assert warnings_of(caplog) == []
