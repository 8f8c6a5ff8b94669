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
    sandbox.admin.add_fault("*/line_items", query="page[number]=2", status=403)

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


def test_a_documented_list_that_does_not_exist_fails_the_run_but_not_the_others(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    sandbox.admin.set_refusals(routes=["prices"])

    reading = read_productive("payments prices tasks")

    assert isinstance(reading.error, RunIncomplete)
    assert "prices" in str(reading.error)
    assert len(reading.ids("tasks")) == len(sandbox.admin.records("tasks"))


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
