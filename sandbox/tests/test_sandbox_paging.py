"""Productive's pages by number and by cursor."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.server import running_sandbox
from sandbox.tests.productive_client import ProductiveClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.server import RunningSandbox


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    with running_sandbox() as sandbox:
        sandbox.admin.set_limits([])
        yield sandbox


@pytest.fixture(scope="module")
def api(running: RunningSandbox) -> ProductiveClient:
    return ProductiveClient(running.url)


@pytest.fixture
def changing() -> Iterator[tuple[RunningSandbox, ProductiveClient]]:
    with running_sandbox(scale=0.2) as sandbox:
        yield sandbox, ProductiveClient(sandbox.url)


def test_a_page_has_thirty_rows_by_default_and_totals(api: ProductiveClient) -> None:
    body = api.body("invoices")
    assert len(body["data"]) == 30
    assert body["meta"] == {
        "current_page": 1,
        "total_pages": 10,
        "total_count": 300,
        "page_size": 30,
        "max_page_size": 200,
    }
    assert set(body["links"]) == {"first", "last", "next"}


def test_links_keep_every_other_parameter_and_encode_their_brackets(api: ProductiveClient) -> None:
    links = api.body("tasks?page[number]=2&page[size]=100&filter[status]=1,2&include=project&sort=-updated_at")["links"]
    assert set(links) == {"first", "last", "next", "prev"}
    for name, number in (("first", "1"), ("last", "5"), ("next", "3"), ("prev", "1")):
        assert "[" not in links[name]
        assert links[name].startswith(api.root)
        assert parse_qs(urlsplit(links[name]).query) == {
            "page[number]": [number],
            "page[size]": ["100"],
            "filter[status]": ["1,2"],
            "include": ["project"],
            "sort": ["-updated_at"],
        }


def test_the_last_page_has_no_next_and_one_after_it_is_empty(api: ProductiveClient) -> None:
    last = api.body("invoices?page[number]=2&page[size]=200")
    assert (len(last["data"]), set(last["links"])) == (100, {"first", "last", "prev"})
    behind = api.body("invoices?page[number]=3&page[size]=200")
    assert (behind["data"], "next" in behind["links"]) == ([], False)


@pytest.mark.parametrize("page", ["page[size]=0", "page[size]=x", "page[number]=0", "page[number]=-1"])
def test_an_invalid_page_is_an_error(api: ProductiveClient, page: str) -> None:
    status, error = api.error(f"invoices?{page}")
    assert (status, error["title"]) == (400, "Invalid Page")


def test_a_page_larger_than_the_largest_is_cut(api: ProductiveClient) -> None:
    body = api.body("invoices?page[size]=500")
    assert (len(body["data"]), body["meta"]["page_size"]) == (200, 200)


def test_the_default_order_is_by_id_except_for_projects_and_people(api: ProductiveClient) -> None:
    for resource in ("invoices", "deals", "tasks", "companies"):
        assert api.ids(f"{resource}?page[size]=50") == [str(number) for number in range(1, 51)]
    for resource in ("projects", "people"):
        ids = [int(row_id) for row_id in api.ids(f"{resource}?page[size]=50")]
        assert ids != sorted(ids)


@pytest.mark.parametrize(
    "path",
    ["invoices?", "people?", "tasks?sort=-updated_at&", "companies?sort=last_activity_at&", "time_entries?sort=date&"],
)
def test_cursor_pages_have_the_same_rows_in_the_same_order_as_numbered_pages(api: ProductiveClient, path: str) -> None:
    numbered = [row["id"] for row in api.walk(f"{path}page[size]=70")]
    walked = [row["id"] for row in api.walk(f"{path}page[after]=&page[size]=33")]
    assert walked == numbered
    assert len(set(walked)) == len(walked)


def test_a_cursor_page_has_no_totals_and_links_only_to_the_next(api: ProductiveClient) -> None:
    body = api.body("invoices?page[after]=&page[size]=200&include=company")
    assert body["meta"] == {"page_size": 200, "max_page_size": 200}
    assert set(body["links"]) == {"next"}
    following = parse_qs(urlsplit(body["links"]["next"]).query)
    assert (following["include"], following["page[size]"]) == (["company"], ["200"])
    assert "next" not in api.body(body["links"]["next"])["links"]


@settings(max_examples=15, deadline=None)
@given(size=st.integers(1, 200), descending=st.booleans(), field=st.sampled_from(["created_at", "due_date", "title"]))
def test_no_page_size_loses_or_repeats_a_row(api: ProductiveClient, size: int, *, descending: bool, field: str) -> None:
    sort = f"{'-' if descending else ''}{field}"
    rows = api.walk(f"tasks?page[after]=&page[size]={max(size, 20)}&sort={sort}")
    assert sorted(int(row["id"]) for row in rows) == list(range(1, 421))


def test_nulls_are_last_ascending_and_first_descending(api: ProductiveClient) -> None:
    up = [row["attributes"]["due_date"] for row in api.walk("tasks?sort=due_date&page[size]=200")]
    down = [row["attributes"]["due_date"] for row in api.walk("tasks?sort=-due_date&page[size]=200")]
    assert None in up
    known = [value for value in up if value]
    assert up == sorted(known) + [None] * up.count(None)
    assert down == [None] * up.count(None) + sorted(known, reverse=True)


def test_timestamps_sort_as_instants_across_daylight_saving_time(api: ProductiveClient) -> None:
    stamps = [row["attributes"]["updated_at"] for row in api.walk("tasks?sort=updated_at&page[size]=200")]
    assert {stamp[-6:] for stamp in stamps} == {"+01:00", "+02:00"}
    instants = [datetime.fromisoformat(stamp) for stamp in stamps]
    assert instants == sorted(instants)


def test_equal_sort_values_are_ordered_by_id(api: ProductiveClient) -> None:
    rows = api.walk("invoices?sort=-invoiced_on&page[size]=200")
    for one, other in pairwise(rows):
        if one["attributes"]["invoiced_on"] == other["attributes"]["invoiced_on"]:
            assert int(one["id"]) < int(other["id"])


def test_a_cursor_is_refused_together_with_a_number(api: ProductiveClient) -> None:
    status, error = api.error("invoices?page[after]=&page[number]=1")
    assert (status, error["code"]) == (400, "keyset_conflict")


def test_a_cursor_from_another_list_is_refused(api: ProductiveClient) -> None:
    query = parse_qs(urlsplit(api.body("invoices?page[after]=&sort=created_at")["links"]["next"]).query)
    (cursor,) = query["page[after]"]
    for path in (f"invoices?page[after]={cursor}", "invoices?page[after]=abc", f"invoices?page[after]={cursor[:-3]}"):
        status, error = api.error(path)
        assert (status, error["code"]) == (400, "keyset_invalid_cursor")


def test_a_sort_by_a_related_row_has_no_cursor(api: ProductiveClient) -> None:
    assert api.get("invoices?sort=company_name").status_code == 200
    status, error = api.error("invoices?sort=company_name&page[after]=")
    assert (status, error["code"]) == (400, "keyset_unsupported_sort")


def test_the_admin_can_disable_cursors_of_sorts_or_whole_lists(
    changing: tuple[RunningSandbox, ProductiveClient],
) -> None:
    sandbox, api = changing
    sandbox.admin.set_refusals(keyset_sorts={"invoices": ["last_activity_at"], "deals": ["*"]})
    for path in ("invoices?sort=-last_activity_at&page[after]=", "deals?page[after]="):
        status, error = api.error(path)
        assert (status, error["code"]) == (400, "keyset_unsupported_sort")
    assert api.get("invoices?page[after]=").status_code == 200
    assert api.get("invoices?sort=-last_activity_at").status_code == 200


def test_a_delete_between_pages_shifts_numbered_pages_but_no_cursor(
    changing: tuple[RunningSandbox, ProductiveClient],
) -> None:
    sandbox, api = changing
    change = {"action": "delete", "resource": "invoices", "id": "3"}
    sandbox.admin.script_changes("/invoices", after_request=1, changes=[change])
    walked = [row["id"] for row in api.walk("invoices?page[after]=&page[size]=10")]
    assert walked == [str(number) for number in range(1, 61)]
    sandbox.admin.script_changes("/invoices", after_request=1, changes=[{**change, "id": "4"}])
    numbered = [row["id"] for row in api.walk("invoices?page[size]=10")]
    assert "12" not in numbered
    assert "11" in numbered


def test_an_insert_and_an_update_between_pages_shift_no_cursor(
    changing: tuple[RunningSandbox, ProductiveClient],
) -> None:
    sandbox, api = changing
    order = "tasks?sort=-updated_at&page[after]=&page[size]=10"
    before = [row["id"] for row in api.walk(order)]
    changes = [
        {"action": "update", "resource": "tasks", "id": before[40], "attributes": {"title": "Moved"}},
        {"action": "create", "resource": "tasks", "attributes": {"title": "New"}},
    ]
    sandbox.admin.script_changes("/tasks", after_request=2, changes=changes)
    during = [row["id"] for row in api.walk(order)]
    assert during == [row_id for row_id in before if row_id != before[40]]
    assert set(api.ids("tasks?sort=-updated_at&page[size]=2")) == {before[40], str(len(before) + 1)}
