"""Productive's filters and sorts, and which are refused."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from sandbox.productive.catalogue import load_catalogue
from sandbox.server import running_sandbox
from sandbox.tests.productive_client import ProductiveClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.admin_client import StoredRecord
    from sandbox.server import RunningSandbox

FULL_DATETIMES = {"X-Feature-Flags": "filteringSkipDatetimeCastToDate"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox() as running:
        running.admin.set_limits([])
        yield running


@pytest.fixture(scope="module")
def api(sandbox: RunningSandbox) -> ProductiveClient:
    return ProductiveClient(sandbox.url)


@pytest.fixture(scope="module")
def stored(sandbox: RunningSandbox) -> dict[str, list[StoredRecord]]:
    return {resource: sandbox.admin.records(resource) for resource in load_catalogue()}


Stored = dict[str, list["StoredRecord"]]


def all_ids(api: ProductiveClient, path: str) -> set[str]:
    return {row["id"] for row in api.walk(f"{path}&page[size]=200")}


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("filter[boat]=1", "Unsupported Filter"),
        ("filter[updated_at][gt_eq]=2025-01-01", "Unsupported Filter"),
        ("filter[created_at][after]=2025-01-01", "Unsupported Filter Operation"),
        ("filter[created_at][gt_eq]=yesterday", "Unsupported Filter Value"),
        ("filter[created_at][gt_eq]=2025-01-01T00:00:00+02:00", "Unsupported Filter Value"),
        ("filter[company_id]=abc", "Unsupported Filter Value"),
        ("filter[company_id][gt]=1", "Unsupported Filter Operation"),
        ("filter[amount][gt]=much", "Unsupported Filter Value"),
        ("filter[credited]=maybe", "Unsupported Filter Value"),
        ("filter[$op]=xor", "Unsupported Filter Value"),
        ("filter[full_query]=x", "Unsupported Filter Value"),
        ("sort=boat", "Sort param unsupported"),
        ("sort=updated_at", "Sort param unsupported"),
        ("sort=custom_fields", "Sort param unsupported"),
        ("include=line_items", "Unsupported Include"),
        ("include=company.boats", "Unsupported Include"),
    ],
)
def test_unsupported_parameters_are_refused_by_name(api: ProductiveClient, query: str, title: str) -> None:
    status, error = api.error(f"invoices?{query}")
    assert (status, error["title"]) == (400, title)
    assert error["code"] == title.lower().replace(" ", "_")


@pytest.mark.parametrize("resource", sorted(load_catalogue()))
def test_no_documented_filter_is_ignored_silently(api: ProductiveClient, resource: str) -> None:
    for name in sorted(load_catalogue()[resource].filters):
        response = api.get(f"{resource}?filter[{name}]=nonsense-{name}")
        if response.status_code == 200:
            # A text can be anything; nothing is called that.
            assert response.json()["data"] == [], name
        else:
            assert response.json()["errors"][0]["title"] == "Unsupported Filter Value", name


@pytest.mark.parametrize(
    "form", ["filter[id]=3,5", "filter[id][]=3&filter[id][]=5", "filter[id][eq][]=3&filter[id][eq][]=5"]
)
def test_several_values_can_be_given_in_three_ways(api: ProductiveClient, form: str) -> None:
    assert api.ids(f"invoices?{form}") == ["3", "5"]


def test_operations_compare_as_their_names_say(api: ProductiveClient, stored: Stored) -> None:
    amounts = {row["id"]: row["attributes"]["amount"] for row in stored["invoices"]}
    middle = sorted(amounts.values())[150]
    for operation, keeps in (
        ("eq", {row for row, amount in amounts.items() if amount == middle}),
        ("not_eq", {row for row, amount in amounts.items() if amount != middle}),
        ("gt", {row for row, amount in amounts.items() if amount > middle}),
        ("gt_eq", {row for row, amount in amounts.items() if amount >= middle}),
        ("lt", {row for row, amount in amounts.items() if amount < middle}),
        ("lt_eq", {row for row, amount in amounts.items() if amount <= middle}),
    ):
        assert all_ids(api, f"invoices?filter[amount][{operation}]={middle}") == keeps


def test_text_searches_ignore_case(api: ProductiveClient, stored: Stored) -> None:
    names = {row["id"]: row["attributes"]["name"].lower() for row in stored["companies"]}
    with_and = {row for row, name in names.items() if " and " in name}
    assert with_and
    assert all_ids(api, "companies?filter[name][contains]=%20AND%20") == with_and
    assert all_ids(api, "companies?filter[name][not_contain]=%20AND%20") == set(names) - with_and


def test_two_bounds_on_one_field_both_apply(api: ProductiveClient, stored: Stored) -> None:
    days = sorted(row["attributes"]["date"] for row in stored["time_entries"])
    low, high = days[100], days[200]
    expected = {row["id"] for row in stored["time_entries"] if low <= row["attributes"]["date"] <= high}
    assert all_ids(api, f"time_entries?filter[date][gt_eq]={low}&filter[date][lt_eq]={high}") == expected
    assert all_ids(api, f"time_entries?filter[after]={low}&filter[before]={high}") == expected


def test_filter_groups_join_by_and_or_or_and_can_be_nested(api: ProductiveClient) -> None:
    assert api.ids("invoices?filter[$op]=or&filter[0][id][eq][]=3&filter[1][id][eq][]=5") == ["3", "5"]
    assert api.ids("invoices?filter[$op]=and&filter[0][id][eq][]=3&filter[1][id][eq][]=5") == []
    nested = "filter[$op]=and&filter[0][$op]=or&filter[0][0][id][eq]=3&filter[0][1][id][eq]=5&filter[1][id][not_eq]=3"
    assert api.ids(f"invoices?{nested}") == ["5"]


def test_relationship_filters_compare_ids(api: ProductiveClient, stored: Stored) -> None:
    invoice = stored["invoices"][7]
    lines = {row["id"] for row in stored["line_items"] if row["relationships"]["invoice"] == invoice["id"]}
    assert lines
    assert all_ids(api, f"line_items?filter[invoice_id]={invoice['id']}") == lines
    company = invoice["relationships"]["company"]
    theirs = {row["id"] for row in stored["invoices"] if row["relationships"]["company"] == company}
    assert all_ids(api, f"invoices?filter[company_id]={company}") == theirs
    assert all_ids(api, f"invoices?filter[company_id][not_eq]={company}") == (
        {row["id"] for row in stored["invoices"]} - theirs
    )


def test_filters_follow_paths_of_relationships(api: ProductiveClient, stored: Stored) -> None:
    services = {row["id"]: row for row in stored["services"]}
    deals = {row["id"]: row for row in stored["deals"]}
    entry = stored["time_entries"][0]
    deal = services[str(entry["relationships"]["service"])]["relationships"]["deal"]
    project = deals[str(deal)]["relationships"]["project"]
    of_deal, of_project = set(), set()
    for row in stored["time_entries"]:
        its_deal = str(services[str(row["relationships"]["service"])]["relationships"]["deal"])
        if its_deal == deal:
            of_deal.add(row["id"])
        if deals[its_deal]["relationships"]["project"] == project:
            of_project.add(row["id"])
    assert all_ids(api, f"time_entries?filter[deal_id]={deal}") == of_deal
    assert all_ids(api, f"time_entries?filter[budget_id]={deal}") == of_deal
    assert all_ids(api, f"time_entries?filter[project_id]={project}") == of_project
    attributed = {
        row["relationships"]["invoice"]
        for row in stored["invoice_attributions"]
        if deals[str(row["relationships"]["budget"])]["relationships"]["project"] == project
    }
    assert all_ids(api, f"invoices?filter[project_id]={project}") == attributed


@pytest.mark.parametrize(
    ("resource", "attribute"),
    [("projects", "archived_at"), ("companies", "archived_at"), ("people", "deactivated_at"), ("tasks", "closed")],
)
def test_archived_rows_are_listed_and_status_separates_them(
    api: ProductiveClient, stored: Stored, resource: str, attribute: str
) -> None:
    gone = {row["id"] for row in stored[resource] if row["attributes"][attribute]}
    everything = {row["id"] for row in stored[resource]}
    assert gone
    assert all_ids(api, f"{resource}?filter[status]=2") == gone
    assert all_ids(api, f"{resource}?filter[status]=1") == everything - gone
    assert all_ids(api, f"{resource}?filter[status]=1,2") == all_ids(api, f"{resource}?") == everything


def test_every_invoice_has_exactly_one_code_of_each_filter(api: ProductiveClient, stored: Stored) -> None:
    everything = {row["id"] for row in stored["invoices"]}
    for name, codes in (
        ("status", "01234"),
        ("payment_status", "123"),
        ("invoice_state", "12"),
        ("invoice_type", "12"),
    ):
        parts = [all_ids(api, f"invoices?filter[{name}]={code}") for code in codes]
        assert set.union(*parts) == everything
        assert sum(len(part) for part in parts) == len(everything)
    drafts = {row["id"] for row in stored["invoices"] if row["attributes"]["finalized_on"] is None}
    assert all_ids(api, "invoices?filter[status]=4") == drafts


def test_deals_and_budgets_share_a_list_and_type_separates_them(api: ProductiveClient, stored: Stored) -> None:
    budgets = {row["id"] for row in stored["deals"] if row["attributes"]["budget"]}
    assert all_ids(api, "deals?filter[type]=2") == budgets
    assert len(budgets) < 120


def test_custom_fields_filter_by_their_id(api: ProductiveClient, stored: Stored) -> None:
    with_points = {
        row["id"]: row["attributes"]["custom_fields"]["12"]
        for row in stored["tasks"]
        if (row["attributes"]["custom_fields"] or {}).get("12") is not None
    }
    high = {row for row, points in with_points.items() if points > 50}
    assert high
    assert all_ids(api, "tasks?filter[custom_fields][12][gt]=50") == high
    one = next(iter(with_points))
    assert one in all_ids(api, f"tasks?filter[custom_fields][12][eq]={with_points[one]}")


def test_datetimes_compare_by_date_in_the_organizations_time_zone(api: ProductiveClient, stored: Stored) -> None:
    day = datetime.fromisoformat(stored["tasks"][200]["attributes"]["updated_at"]).date()
    same_day = {row["id"] for row in stored["tasks"] if row["attributes"]["updated_at"][:10] == day.isoformat()}
    expected = {row["id"] for row in stored["tasks"] if row["attributes"]["updated_at"][:10] >= day.isoformat()}
    # Noon means the whole day; half an hour before midnight in UTC is the next day in Zagreb.
    for value in (f"{day}T10:00:00Z", f"{day - timedelta(days=1)}T23:30:00Z", day.isoformat()):
        assert all_ids(api, f"tasks?filter[updated_at][gt_eq]={value}") == expected
    assert same_day < expected
    assert all_ids(api, f"tasks?filter[updated_at][eq]={day}") == same_day


def test_with_the_feature_flag_datetimes_compare_by_second(api: ProductiveClient, stored: Stored) -> None:
    instants = {row["id"]: datetime.fromisoformat(row["attributes"]["updated_at"]) for row in stored["tasks"]}
    middle = sorted(instants.values())[210].replace(microsecond=0)
    after = {row for row, instant in instants.items() if instant.replace(microsecond=0) > middle}
    same = {row for row, instant in instants.items() if instant.replace(microsecond=0) == middle}
    assert same
    for operation, keeps in (("gt", after), ("gt_eq", after | same), ("eq", same)):
        for value in (middle, middle + timedelta(milliseconds=999)):
            path = f"tasks?filter[updated_at][{operation}]={quote(value.isoformat())}&page[size]=200"
            found = {row["id"] for page in _pages(api, path) for row in page}
            assert found == keeps


def _pages(api: ProductiveClient, path: str) -> Iterator[list[dict[str, object]]]:
    number = 1
    while rows := api.data(f"{path}&page[number]={number}", FULL_DATETIMES):
        yield rows
        number += 1


def test_filters_apply_to_every_cursor_page(api: ProductiveClient, stored: Stored) -> None:
    open_tasks = {row["id"] for row in stored["tasks"] if not row["attributes"]["closed"]}
    rows = api.walk("tasks?filter[status]=1&page[after]=&page[size]=20&sort=updated_at")
    assert {row["id"] for row in rows} == open_tasks
    assert len(rows) == len(open_tasks)


@pytest.mark.parametrize("resource", sorted(load_catalogue()))
def test_every_documented_sort_works_or_is_refused_by_name(api: ProductiveClient, resource: str) -> None:
    total = api.body(f"{resource}?page[size]=1")["meta"]["total_count"]
    for name in sorted(load_catalogue()[resource].sorts):
        response = api.get(f"{resource}?sort={name}&page[size]=1")
        if response.status_code == 200:
            assert response.json()["meta"]["total_count"] == total
        else:
            assert response.json()["errors"][0]["title"] == "Sort param unsupported"
            assert "documentation does not say" in response.json()["errors"][0]["detail"]


def test_several_sorts_apply_in_turn(api: ProductiveClient) -> None:
    rows = api.walk("companies?sort=-name,created_at&page[size]=200")
    names = [row["attributes"]["name"].casefold() for row in rows]
    assert names == sorted(names, reverse=True)


def test_the_admin_can_refuse_documented_names(sandbox: RunningSandbox, api: ProductiveClient) -> None:
    sandbox.admin.set_refusals(
        includes={"invoices": ["bank_account"]},
        filters={"tasks": ["updated_at"]},
        sorts={"tasks": ["title"]},
        routes=["deals"],
    )
    try:
        assert api.error("invoices?include=company,bank_account")[1]["title"] == "Unsupported Include"
        assert api.error("tasks?filter[updated_at]=2025-01-01")[1]["title"] == "Unsupported Filter"
        assert api.error("tasks?sort=title")[1]["title"] == "Sort param unsupported"
        assert api.error("deals")[1]["title"] == "Route Not Found"
        assert api.get("invoices?include=company").status_code == 200
    finally:
        sandbox.admin.set_refusals()
    assert api.get("deals").status_code == 200


def test_the_admin_can_make_filters_and_sorts_ineffective(
    sandbox: RunningSandbox, api: ProductiveClient, stored: Stored
) -> None:
    sandbox.admin.set_refusals(ignored_filters={"tasks": ["updated_at"]}, ignored_sorts={"tasks": ["updated_at"]})
    requested = "tasks?filter[updated_at][gt_eq]=2026-03-01&filter[status]=1&sort=updated_at&page[size]=200"
    try:
        for path in (requested, f"{requested}&page[after]="):
            rows = api.walk(path)
            assert [row["id"] for row in rows] == [
                row["id"] for row in stored["tasks"] if not row["attributes"]["closed"]
            ]
        # What cannot be read is refused all the same.
        assert api.error("tasks?filter[updated_at]=yesterday")[1]["title"] == "Unsupported Filter Value"
        assert api.error("tasks?sort=boat")[1]["title"] == "Sort param unsupported"
    finally:
        sandbox.admin.set_refusals()
    rows = api.walk(requested)
    stamps = [datetime.fromisoformat(row["attributes"]["updated_at"]) for row in rows]
    assert stamps == sorted(stamps)
    assert all(row["attributes"]["updated_at"] >= "2026-03-01" for row in rows)
