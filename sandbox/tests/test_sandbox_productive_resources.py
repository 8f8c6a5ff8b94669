"""All lists: their rows, filters and sorts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.productive.catalogue import load_catalogue
from sandbox.productive.field_lookup import filter_field, sort_field
from sandbox.productive.filters import WITH_DRAFT
from sandbox.server import running_sandbox
from sandbox.tests.productive_client import ProductiveClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.admin_client import StoredRecord
    from sandbox.server import RunningSandbox

NOTHING_KNOWN = {"einvoice_identities", "pulses", "report_categories"}
RELATIONSHIPS_ALONE = {"service_assignments", "service_type_assignments", "team_memberships"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox(scale=0.3) as running:
        running.admin.set_limits([])
        yield running


@pytest.fixture(scope="module")
def api(sandbox: RunningSandbox) -> ProductiveClient:
    return ProductiveClient(sandbox.url)


@pytest.fixture(scope="module")
def stored(sandbox: RunningSandbox) -> dict[str, list[StoredRecord]]:
    return {resource: sandbox.admin.records(resource) for resource in load_catalogue()}


Stored = dict[str, list["StoredRecord"]]


def ids_where(rows: list[StoredRecord], relationship: str, target: object) -> list[str]:
    return [row["id"] for row in rows if row["relationships"][relationship] == target]


def test_all_documented_lists_have_rows(api: ProductiveClient) -> None:
    for name in load_catalogue():
        body = api.body(f"{name}?page[size]=1")
        assert len(body["data"]) == 1
        assert body["data"][0]["type"] == name


def test_resources_without_documented_attributes_have_none(api: ProductiveClient) -> None:
    for name in NOTHING_KNOWN | RELATIONSHIPS_ALONE:
        assert api.data(f"{name}?page[size]=1")[0]["attributes"] == {}
    known = {name for name, page in load_catalogue().items() if page.attributes}
    assert set(load_catalogue()) - known == NOTHING_KNOWN | RELATIONSHIPS_ALONE


def test_most_documented_filters_and_sorts_are_supported() -> None:
    given = understood = 0
    unsorted = []
    for name, page in load_catalogue().items():
        for filter_name in page.filters:
            given += 1
            understood += filter_name in {"custom_fields", "people_custom_fields", WITH_DRAFT} or bool(
                filter_field(page, filter_name)
            )
        unsorted += [(name, sort) for sort in page.sorts if sort_field(page, sort) is None]
    assert understood / given > 0.8
    # Sorts by a custom field name none; the others are of deals, expenses, people and time entries.
    assert {name for name, sort in unsorted if sort != "custom_fields"} == {
        "deals",
        "expenses",
        "people",
        "time_entries",
    }


@pytest.mark.parametrize("resource", sorted(name for name, page in load_catalogue().items() if "id" in page.filters))
def test_rows_can_be_filtered_by_id(api: ProductiveClient, stored: Stored, resource: str) -> None:
    last = stored[resource][-1]
    draft = "&filter[with_draft]=true" if WITH_DRAFT in load_catalogue()[resource].filters else ""
    assert api.ids(f"{resource}?filter[id]={last['id']},999999{draft}") == [last["id"]]


def test_bookings_hide_drafts_by_default(api: ProductiveClient, stored: Stored) -> None:
    drafts = [row["id"] for row in stored["bookings"] if row["attributes"]["draft"]]
    assert drafts
    assert set(api.ids("bookings?page[size]=200")) == {row["id"] for row in stored["bookings"]} - set(drafts)
    assert len(api.ids("bookings?page[size]=200&filter[with_draft]=true")) == len(stored["bookings"])
    assert api.ids("bookings?page[size]=200&filter[with_draft]=true&filter[draft]=true") == drafts
    assert api.error("bookings?filter[with_draft]=perhaps")[1]["title"] == "Unsupported Filter Value"


def test_a_booking_has_either_a_service_or_an_absence(stored: Stored) -> None:
    for row in stored["bookings"]:
        service, event = row["relationships"]["service"], row["relationships"]["event"]
        assert (service is None) is (event is not None)
        assert row["attributes"]["booking_type_id"] == (1 if service else 2)


def test_bookings_can_be_filtered_by_overlapping_dates(api: ProductiveClient, stored: Stored) -> None:
    day = stored["bookings"][3]["attributes"]["started_on"]
    expected = [
        row["id"]
        for row in stored["bookings"]
        if row["attributes"]["started_on"] <= day <= row["attributes"]["ended_on"]
    ]
    assert api.ids(f"bookings?filter[after]={day}&filter[before]={day}&filter[with_draft]=true") == expected


def test_salaries_are_ordered_newest_first(api: ProductiveClient, stored: Stored) -> None:
    assert api.ids("salaries?page[size]=200") == [row["id"] for row in reversed(stored["salaries"])]
    walked = [row["id"] for row in api.walk("salaries?page[after]=&page[size]=20")]
    assert walked == [row["id"] for row in reversed(stored["salaries"])]


@pytest.mark.parametrize("resource", ["services", "task_dependencies"])
def test_a_list_can_be_filtered_by_a_hidden_instant(
    sandbox: RunningSandbox, api: ProductiveClient, resource: str
) -> None:
    assert "updated_at" not in api.data(f"{resource}?page[size]=1")[0]["attributes"]
    assert api.ids(f"{resource}?filter[updated_at][gt_eq]=2000-01-01&page[size]=1") != []
    sandbox.admin.advance_clock(24 * 3600)
    sandbox.admin.update(resource, "2")
    today = sandbox.admin.records("activities")[-1]["attributes"]["created_at"][:10]
    assert api.ids(f"{resource}?filter[updated_at][gt_eq]={today}") == ["2"]


def test_a_sort_by_an_id_is_numeric(api: ProductiveClient, stored: Stored) -> None:
    rows = api.walk("survey_responses?sort=survey_id&page[size]=200&include=survey")
    surveys = [int(row["relationships"]["survey"]["data"]["id"]) for row in rows]
    assert surveys == sorted(surveys)
    assert len(surveys) == len(stored["survey_responses"])


@pytest.mark.parametrize(
    ("resource", "relationship"),
    [
        ("task_lists", "folder"),
        ("sections", "deal"),
        ("team_memberships", "team"),
        ("page_versions", "page"),
        ("workflow_statuses", "workflow"),
        ("approval_statuses", "booking"),
    ],
)
def test_lists_can_be_filtered_by_their_relationships(
    api: ProductiveClient, stored: Stored, resource: str, relationship: str
) -> None:
    target = next(row["relationships"][relationship] for row in stored[resource] if row["relationships"][relationship])
    assert api.ids(f"{resource}?filter[{relationship}_id]={target}&page[size]=200") == ids_where(
        stored[resource], relationship, target
    )


def test_statuses_belong_to_the_rows_own_workflow_or_pipeline(stored: Stored) -> None:
    workflow_of = {row["id"]: row["relationships"]["workflow"] for row in stored["workflow_statuses"]}
    projects = {row["id"]: row for row in stored["projects"]}
    for task in stored["tasks"]:
        project = projects[str(task["relationships"]["project"])]
        assert workflow_of[str(task["relationships"]["workflow_status"])] == project["relationships"]["workflow"]
    pipeline_of = {row["id"]: row["relationships"]["pipeline"] for row in stored["deal_statuses"]}
    for deal in stored["deals"]:
        assert pipeline_of[str(deal["relationships"]["deal_status"])] == deal["relationships"]["pipeline"]


def test_revenue_distributions_are_shares_of_the_budgets_revenue(stored: Stored) -> None:
    deals = {row["id"]: row["attributes"] for row in stored["deals"]}
    for row in stored["revenue_distributions"]:
        revenue = deals[str(row["relationships"]["deal"])]["revenue"]
        assert abs(int(row["attributes"]["amount"]) - revenue / 4) <= 1
        assert row["attributes"]["amount_normalized"] == int(row["attributes"]["amount"])


def test_a_task_dependency_and_its_reverse_refer_to_each_other(stored: Stored) -> None:
    by_id = {row["id"]: row for row in stored["task_dependencies"]}
    for row in by_id.values():
        reverse = by_id[str(row["relationships"]["reverse_dependency"])]
        assert reverse["relationships"]["reverse_dependency"] == row["id"]
        assert reverse["relationships"]["task"] == row["relationships"]["dependent_task"]
        assert {row["attributes"]["type_id"], reverse["attributes"]["type_id"]} == {1, 2}


def test_tags_can_be_filtered_by_what_is_tagged(api: ProductiveClient, stored: Stored) -> None:
    invoice = next(row for row in stored["invoices"] if row["attributes"]["tag_list"])
    tags = {row["attributes"]["name"] for row in api.data(f"tags?filter[invoice_id]={invoice['id']}")}
    assert tags == set(invoice["attributes"]["tag_list"])
    of_tasks = {tag for row in stored["tasks"] for tag in row["attributes"]["tag_list"]}
    assert {row["attributes"]["name"] for row in api.data("tags?filter[taggable_type]=task")} == of_tasks


def test_query_matches_part_of_the_name(api: ProductiveClient, stored: Stored) -> None:
    assert [row["attributes"]["name"] for row in api.data("workflow_statuses?filter[query]=START")] == [
        "Not started",
        "Started",
        "Not started",
        "Started",
    ]
    assert api.error("workflow_statuses?filter[query][contains]=x")[1]["code"] == "unsupported_filter_operation"
    assert len(stored["workflow_statuses"]) == 6


def test_a_session_belongs_to_its_user_id(api: ProductiveClient) -> None:
    for row in api.data("sessions?include=user&page[size]=200"):
        assert row["relationships"]["user"]["data"]["id"] == str(row["attributes"]["user_id"])
