"""The reports: metrics, groups, ids, pages, and their window."""

from __future__ import annotations

import re
from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.gateway import ApiError
from sandbox.productive.reports.definitions import load_reports
from sandbox.productive.reports.grouping import parse_groups
from sandbox.server import running_sandbox
from sandbox.tests.productive_client import ProductiveClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.server import RunningSandbox

REPORTS = 26
IDS = re.compile(r"[a-z-]+?-report(-[a-z-]+-\d+)*-[0-9a-f]{32}")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox() as running:
        running.admin.set_limits([])
        yield running


@pytest.fixture(scope="module")
def api(sandbox: RunningSandbox) -> ProductiveClient:
    return ProductiveClient(sandbox.url)


def rows_of(api: ProductiveClient, path: str) -> list[dict[str, Any]]:
    return api.walk(f"reports/{path}{'&' if '?' in path else '?'}page[size]=200")


def test_all_documented_reports_exist() -> None:
    assert len(load_reports()) == REPORTS


@pytest.mark.parametrize("name", sorted(load_reports()))
def test_every_report_has_rows_with_distinct_ids(api: ProductiveClient, name: str) -> None:
    rows = rows_of(api, name)
    assert rows
    ids = [row["id"] for row in rows]
    assert len(set(ids)) == len(ids)
    for row in rows:
        assert row["type"] == name
        assert IDS.fullmatch(row["id"]), row["id"]
        assert row["id"].startswith(name.removesuffix("s").replace("_", "-"))
        assert row["attributes"]["count"] >= 1
        assert set(load_reports()[name].attributes) <= set(row["attributes"])
        assert row["attributes"]["formula_fields"] == {}


@pytest.mark.parametrize("name", sorted(load_reports()))
def test_every_documented_group_works_or_is_refused_by_name(api: ProductiveClient, name: str) -> None:
    counts = set()
    for group in sorted(load_reports()[name].groups):
        response = api.get(f"reports/{name}?group={group}&page[size]=200")
        if response.status_code == 200:
            counts.add(sum(row["attributes"]["count"] for row in rows_of(api, f"{name}?group={group}")))
            assert {row["attributes"]["group"] for row in response.json()["data"]} == {group}
        else:
            (error,) = response.json()["errors"]
            assert (response.status_code, error["title"]) == (400, "Unsupported Group")
            assert "documentation does not say" in error["detail"]
    # Whatever they are put together by, they are the same rows.
    assert len(counts) == 1


def test_most_documented_groups_are_supported() -> None:
    given = understood = 0
    for report in load_reports().values():
        for group in report.groups:
            given += 1
            with suppress(ApiError):
                parse_groups(report, group)
                understood += 1
    assert understood / given > 0.75


def test_invoices_are_summed_by_company_across_currencies(sandbox: RunningSandbox, api: ProductiveClient) -> None:
    totals: dict[str, int] = defaultdict(int)
    unpaid: dict[str, int] = defaultdict(int)
    for row in sandbox.admin.records("invoices"):
        company = str(row["relationships"]["company"])
        totals[company] += row["attributes"]["amount_default"]
        unpaid[company] += row["attributes"]["amount_unpaid_default"]
    rows = rows_of(api, "invoice_reports?group=company&include=company")
    found = {row["relationships"]["company"]["data"]["id"]: row["attributes"] for row in rows}
    assert {company: row["total_amount"] for company, row in found.items()} == totals
    assert {company: row["total_amount_unpaid_default"] for company, row in found.items()} == unpaid
    (organization,) = rows_of(api, "invoice_reports?group=organization")
    assert organization["attributes"]["total_amount"] == sum(totals.values())
    assert organization["attributes"]["currency"] == "EUR"


def test_a_group_of_one_currency_has_a_sum_in_that_currency(sandbox: RunningSandbox, api: ProductiveClient) -> None:
    companies = {row["id"]: row["attributes"]["default_currency"] for row in sandbox.admin.records("companies")}
    dollars: dict[str, int] = defaultdict(int)
    for row in sandbox.admin.records("invoices"):
        company = str(row["relationships"]["company"])
        if companies[company] == "USD":
            dollars[company] += row["attributes"]["amount"]
    assert dollars
    for shown in rows_of(api, "invoice_reports?group=company&include=company"):
        company = shown["relationships"]["company"]["data"]["id"]
        if company in dollars:
            assert shown["attributes"]["currency_normalized"] == "USD"
            assert shown["attributes"]["total_amount_normalized"] == dollars[company]


def test_each_combination_of_groups_and_periods_is_one_row(sandbox: RunningSandbox, api: ProductiveClient) -> None:
    expected: dict[tuple[str, str], int] = defaultdict(int)
    for row in sandbox.admin.records("time_entries"):
        expected[str(row["relationships"]["person"]), row["attributes"]["date"][:7]] += row["attributes"]["time"]
    for group, shown in (("person,date:month", "date_period"), ("person,month", "month")):
        rows = rows_of(api, f"time_entry_reports?group={group}&include=person")
        found = {
            (row["relationships"]["person"]["data"]["id"], row["attributes"][shown][:7]): row["attributes"][
                "total_time"
            ]
            for row in rows
        }
        assert found == expected
        assert all(row["attributes"][shown].endswith("-01") for row in rows)
    quarters = {row["attributes"]["date_period"] for row in rows_of(api, "time_entry_reports?group=date:quarter")}
    assert {quarter[5:] for quarter in quarters} <= {"01-01", "04-01", "07-01", "10-01"}


def test_a_timesheet_is_a_persons_week_by_weekday(sandbox: RunningSandbox, api: ProductiveClient) -> None:
    tracked = sum(row["attributes"]["time"] for row in sandbox.admin.records("time_entries"))
    rows = rows_of(api, "timesheet_reports?group=person,week")
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    assert sum(row["attributes"][f"{day}_time"] for row in rows for day in days) == tracked
    for row in rows:
        for day in days:
            capacity, time = row["attributes"][f"{day}_capacity"], row["attributes"][f"{day}_time"]
            assert row["attributes"][f"{day}_available"] == capacity - time


def test_a_report_has_the_form_of_the_documented_example(api: ProductiveClient) -> None:
    row = api.data("reports/booking_reports?group=booking&page[size]=1")[0]
    assert row["id"] == "booking-report-booking-1-99914b932bd37a50b983c5e7c90ae93b"
    attributes = row["attributes"]
    assert attributes["group"] == "booking"
    assert re.fullmatch(r"\d+\.\d+", attributes["mandays"])
    assert attributes["time"] == float(attributes["mandays"]) * 480
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", attributes["created_at"])
    assert attributes["start_date"] <= attributes["end_date"]


def test_groups_are_linked_only_when_included(api: ProductiveClient) -> None:
    (first, *_) = api.data("reports/payment_reports?group=company&page[size]=2")
    assert first["relationships"]["company"] == {"meta": {"included": False}}
    assert first["relationships"]["organization"] == {"data": {"type": "organizations", "id": "1"}}
    body = api.body("reports/payment_reports?group=company&page[size]=2&include=company")
    assert {row["type"] for row in body["included"]} == {"companies"}
    for include in ("invoice", "company.parent_company", "boat"):
        assert (
            api.error(f"reports/payment_reports?group=company&include={include}")[1]["title"] == "Unsupported Include"
        )


def test_filters_of_the_list_and_of_the_report_apply(sandbox: RunningSandbox, api: ProductiveClient) -> None:
    company = str(sandbox.admin.records("invoices")[0]["relationships"]["company"])
    theirs = [row for row in sandbox.admin.records("invoices") if row["relationships"]["company"] == company]
    rows = rows_of(api, f"invoice_reports?group=invoice&filter[company_id]={company}")
    assert sum(row["attributes"]["total_amount"] for row in rows) == sum(
        row["attributes"]["amount_default"] for row in theirs
    )
    since = rows_of(api, "time_entry_reports?group=time_entry&filter[after]=2025-12-01&filter[before]=2025-12-31")
    expected = [row for row in sandbox.admin.records("time_entries") if row["attributes"]["date"][:7] == "2025-12"]
    assert len(since) == len(expected)
    assert api.error("reports/invoice_reports?filter[boat]=1")[1]["title"] == "Unsupported Filter"
    assert api.error("reports/invoice_reports?filter[formulas]=1")[1]["title"] == "Unsupported Filter Value"


def test_deals_and_budgets_have_separate_reports(sandbox: RunningSandbox, api: ProductiveClient) -> None:
    deals = sandbox.admin.records("deals")
    budgets = [row for row in deals if row["attributes"]["budget"]]
    (row,) = rows_of(api, "budget_reports?group=organization")
    assert row["attributes"]["count"] == len(budgets)
    assert row["attributes"]["total_revenue"] == sum(row["attributes"]["revenue_default"] for row in budgets)
    (row,) = rows_of(api, "deal_reports?group=organization")
    assert row["attributes"]["count"] == len(deals) - len(budgets)


def test_a_project_sums_its_deals(sandbox: RunningSandbox, api: ProductiveClient) -> None:
    expected: dict[str, int] = defaultdict(int)
    for row in sandbox.admin.records("deals"):
        expected[str(row["relationships"]["project"])] += row["attributes"]["revenue_default"]
    found = {
        row["relationships"]["project"]["data"]["id"]: row["attributes"]["total_revenue"]
        for row in rows_of(api, "project_reports?group=project&include=project")
    }
    assert found == expected


def test_rows_sort_by_metrics_and_by_the_names_of_their_groups(api: ProductiveClient) -> None:
    totals = [
        row["attributes"]["total_amount"] for row in rows_of(api, "invoice_reports?group=company&sort=-total_amount")
    ]
    assert totals == sorted(totals, reverse=True)
    body = api.body("reports/invoice_reports?group=company&sort=company&include=company&page[size]=200")
    names = {row["id"]: row["attributes"]["name"].casefold() for row in body["included"]}
    order = [names[row["relationships"]["company"]["data"]["id"]] for row in body["data"]]
    assert order == sorted(order)
    for sort in ("boat", "issuer"):
        assert api.error(f"reports/invoice_reports?group=company&sort={sort}")[1]["title"] == "Sort param unsupported"


@pytest.mark.parametrize("group", ["boat", "company,boat", "created_at:decade", "company:month", "invoice:day"])
def test_an_unsupported_group_is_refused(api: ProductiveClient, group: str) -> None:
    status, error = api.error(f"reports/invoice_reports?group={group}")
    assert (status, error["title"], error["code"]) == (400, "Unsupported Group", "unsupported_group")
    assert error["source"] == {"parameter": "group"}


def test_report_pages_have_numbers_and_no_cursor(api: ProductiveClient) -> None:
    body = api.body("reports/invoice_reports?group=invoice&page[size]=200&page[number]=2")
    assert (body["meta"]["total_count"], len(body["data"])) == (300, 100)
    status, error = api.error("reports/invoice_reports?page[after]=")
    assert (status, error["code"]) == (400, "keyset_unsupported_sort")


def test_other_routes_below_reports_are_not_found(sandbox: RunningSandbox, api: ProductiveClient) -> None:
    for path in ("reports", "reports/boat_reports", "reports/invoice_reports/1"):
        assert api.error(path)[1]["title"] == "Route Not Found"
    sandbox.admin.set_refusals(routes=["invoice_reports"])
    try:
        assert api.get("reports/invoice_reports").status_code == 404
        assert api.get("invoices").status_code == 200
    finally:
        sandbox.admin.set_refusals()


def test_reports_have_their_own_window() -> None:
    with running_sandbox(scale=0.05) as sandbox:
        api = ProductiveClient(sandbox.url)
        assert [api.get("reports/price_reports").status_code for _ in range(11)] == [200] * 10 + [429]
        refused = api.get("reports/invoice_reports")
        assert refused.json()["errors"][0]["limit"] == 10
        assert refused.json()["errors"][0]["period"] == 30
        assert 20 < int(refused.headers["X-RateLimit-Reset"]) <= 30
        assert api.get("invoices").status_code == 200
        sandbox.admin.advance_clock(30)
        assert api.get("reports/price_reports").status_code == 200
