"""Reports: the setting, what is requested, and their own limit of requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.exceptions import ConfigValidationError

from tap_productive.report_groups import GROUPS
from tap_productive.tap import TapProductive

if TYPE_CHECKING:
    from conftest import FakeClock, ReadProductive
    from sandbox.server import RunningSandbox

BY_PERSON = {"name": "time_entry_reports", "group": ["person", "date:month"], "filter": {"after": "2026-01-01"}}
NAME = "time_entry_reports_by_person_and_date_month"


def report_queries(sandbox: RunningSandbox) -> list[dict[str, str]]:
    return [
        {name: value for name, value in request["query"]}  # noqa: C416 - pairs come as lists
        for request in sandbox.admin.requests()
        if "/reports/" in request["path"]
    ]


def test_no_report_is_read_by_default(sandbox: RunningSandbox, read_productive: ReadProductive) -> None:
    read_productive()

    assert report_queries(sandbox) == []


def test_a_report_is_a_stream_of_its_own(sandbox: RunningSandbox, read_productive: ReadProductive) -> None:
    reading = read_productive(NAME, reports=[BY_PERSON], page_size=10)

    assert reading.error is None
    records = reading.records[NAME]
    assert len(records) > 10
    assert len({record["id"] for record in records}) == len(records)
    people = {row["id"] for row in sandbox.admin.records("people")}
    assert {record["person_id"] for record in records} <= people
    assert all(isinstance(record["total_time"], int) for record in records)
    assert reading.activated == [NAME]
    first = report_queries(sandbox)[0]
    assert first["group"] == "person,date:month"
    assert first["filter[after]"] == "2026-01-01"
    assert first["include"] == "person"
    assert sorted(int(query["page[number]"]) for query in report_queries(sandbox)) == list(
        range(1, len(report_queries(sandbox)) + 1)
    )


def test_sums_of_a_report_are_those_of_its_records(sandbox: RunningSandbox, read_productive: ReadProductive) -> None:
    reading = read_productive("invoice_reports_by_company", reports=[{"name": "invoice_reports", "group": ["company"]}])

    counted: dict[str, int] = {}
    for row in sandbox.admin.records("invoices"):
        company = str(row["relationships"]["company"])
        counted[company] = counted.get(company, 0) + 1
    assert {row["company_id"]: row["count"] for row in reading.records["invoice_reports_by_company"]} == counted


@pytest.mark.parametrize("name", sorted(GROUPS))
def test_every_report_fits_its_schema(read_productive: ReadProductive, name: str) -> None:
    reading = read_productive(f"{name}_by_organization", reports=[{"name": name, "group": ["organization"]}])

    assert reading.error is None
    rows = reading.records[f"{name}_by_organization"]
    assert rows
    assert [row["_rescued_data"] for row in rows if row["_rescued_data"]] == []


@pytest.mark.usefixtures("sandbox")
def test_groups_may_be_a_text_as_the_api_has_them(read_productive: ReadProductive) -> None:
    as_list = read_productive(NAME, reports=[BY_PERSON])

    as_text = read_productive(NAME, reports=[BY_PERSON | {"group": "person, date:month"}])

    assert as_text.error is None
    assert as_text.ids(NAME) == as_list.ids(NAME) != []


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (
            {"date": {"gt_eq": "2026-01-01", "lt": "2026-02-01"}},
            {"date][gt_eq": "2026-01-01", "date][lt": "2026-02-01"},
        ),
        ({"person_id": [1, 2], "overhead": False}, {"person_id": "1,2", "overhead": "false"}),
    ],
)
def test_filters_are_written_as_the_api_names_them(
    sandbox: RunningSandbox, read_productive: ReadProductive, filters: dict[str, Any], expected: dict[str, str]
) -> None:
    read_productive("time_reports", reports=[{"name": "time_reports", "filter": filters}])

    query = report_queries(sandbox)[0]
    sent = {name: value for name, value in query.items() if name.startswith("filter")}
    assert sent == {f"filter[{name}]": value for name, value in expected.items()}


@pytest.mark.parametrize(
    ("reports", "line"),
    [
        (
            [{"name": "sales_reports"}],
            "Setting reports names 'sales_reports', which is not a report; there are: booking_rep",
        ),
        (
            [{"name": "payment_reports", "group": ["person"]}],
            (
                "Setting reports groups payment_reports by 'person'; it can be grouped by: "
                "company, date, invoice, month, organization, payment, quarter, subsidiary, week, year"
            ),
        ),
        (
            [{"name": "payment_reports", "group": ["date:decade"]}],
            (
                "Setting reports groups payment_reports by 'date:decade'; a date can be rounded to: "
                "day, month, quarter, week, year"
            ),
        ),
        ([BY_PERSON, BY_PERSON | {"filter": {}}], f"Setting reports requests {NAME} twice: a report and its groups"),
        (
            [{"name": "payment_reports", "group": ["company:month"]}],
            "Setting reports groups payment_reports by 'company:month', but company is not a date that can be rounded",
        ),
        ([{"group": ["person"]}], "Setting reports.0.name is missing"),
        (
            [{"name": "time_reports", "sort": "date"}],
            "Setting reports.0 contains the unknown name sort: use name, group, filter",
        ),
        ("time_reports", "Setting reports must be of type array"),
    ],
)
def test_a_wrong_report_is_refused_before_anything_is_read(
    sandbox: RunningSandbox, productive_settings: dict[str, Any], reports: object, line: str
) -> None:
    with pytest.raises(ConfigValidationError) as refusal:
        TapProductive(config=productive_settings | {"reports": reports})

    assert len(refusal.value.errors) == 1
    assert refusal.value.errors[0].startswith(line)
    assert sandbox.admin.requests() == []


def test_a_filter_that_the_api_refuses_fails_the_report_alone(
    sandbox: RunningSandbox, read_productive: ReadProductive
) -> None:
    reading = read_productive(f"{NAME} payments", reports=[BY_PERSON | {"filter": {"shoe_size": 43}}])

    assert f"1 of 2 streams failed: {NAME}" in str(reading.error)
    assert len(reading.ids("payments")) == len(sandbox.admin.records("payments"))


def test_reports_keep_to_their_own_limit(
    sandbox: RunningSandbox, read_productive: ReadProductive, clock_of_both: FakeClock
) -> None:
    sandbox.admin.set_limits([{"scope": "report", "limit": 10, "period": 30}])

    reading = read_productive(f"{NAME} payments", reports=[BY_PERSON], page_size=2, concurrency=1)

    assert reading.error is None
    pages = len(report_queries(sandbox))
    assert pages > 20
    assert {request["status"] for request in sandbox.admin.requests()} == {200}
    assert sum(clock_of_both.waits) == pytest.approx(30 * ((pages - 1) // 10), rel=0.2)
