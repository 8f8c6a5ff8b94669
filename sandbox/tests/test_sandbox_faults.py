"""Faults that the admin injects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox.admin_client import AdminError
from sandbox.server import running_sandbox
from sandbox.tests.productive_client import ProductiveClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.admin_client import AdminClient
    from sandbox.server import RunningSandbox


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    with running_sandbox(scale=0.1) as sandbox:
        yield sandbox


@pytest.fixture
def admin(running: RunningSandbox) -> AdminClient:
    running.admin.reset()
    return running.admin


@pytest.fixture
def api(running: RunningSandbox) -> ProductiveClient:
    return ProductiveClient(running.url)


def test_a_status_fault_happens_the_given_number_of_times(admin: AdminClient, api: ProductiveClient) -> None:
    admin.add_fault("*/invoices", status=503, body="down", headers={"Retry-After": "2"}, times=2)
    answers = [api.get("invoices") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert (answers[0].text, answers[0].headers["Retry-After"]) == ("down", "2")


def test_a_fault_applies_to_its_path_and_query_and_may_skip_requests(admin: AdminClient, api: ProductiveClient) -> None:
    admin.add_fault("*/invoices", query="page[number]=2", skip=1, status=500)
    assert api.get("companies").status_code == 200
    assert api.get("invoices").status_code == 200
    assert [api.get("invoices?page[number]=2").status_code for _ in range(3)] == [200, 500, 200]


def test_a_truncated_body_ends_before_its_announced_length(admin: AdminClient, api: ProductiveClient) -> None:
    admin.add_fault("*/invoices", truncate=True)
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        api.get("invoices")
    assert api.get("invoices").status_code == 200


def test_a_dropped_connection_gives_no_answer(admin: AdminClient, api: ProductiveClient) -> None:
    admin.add_fault("*/invoices", drop=True)
    with pytest.raises(requests.exceptions.ConnectionError):
        api.get("invoices")
    assert api.get("invoices").status_code == 200
    assert [entry["status"] for entry in admin.requests()] == [0, 200]


def test_an_answer_can_be_invalid_json(admin: AdminClient, api: ProductiveClient) -> None:
    admin.add_fault("*/invoices", not_json=True)
    answer = api.get("invoices")
    assert answer.status_code == 200
    with pytest.raises(requests.exceptions.JSONDecodeError):
        answer.json()


def test_an_answer_can_be_late(admin: AdminClient, api: ProductiveClient) -> None:
    admin.add_fault("*/invoices", delay_ms=80)
    answer = api.get("invoices")
    assert (answer.status_code, answer.elapsed.total_seconds() >= 0.08) == (200, True)


def test_an_answer_can_be_a_redirect(admin: AdminClient, api: ProductiveClient) -> None:
    admin.add_fault("*/invoices", redirect_to="http://other.example/invoices")
    answer = api.get("invoices")
    assert (answer.status_code, answer.headers["Location"]) == (302, "http://other.example/invoices")


def test_cleared_faults_do_not_happen(admin: AdminClient, api: ProductiveClient) -> None:
    admin.add_fault("*", status=500, times=100)
    assert api.get("invoices").status_code == 500
    admin.clear_faults()
    assert api.get("invoices").status_code == 200


def test_a_fault_has_exactly_one_kind(admin: AdminClient) -> None:
    with pytest.raises(AdminError, match="exactly one of"):
        admin.add_fault("*")
    with pytest.raises(AdminError, match="exactly one of"):
        admin.add_fault("*", status=500, drop=True)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"status": 200, "body": {"a": 1}}, "body must be a text"),
        ({"status": 200, "body": None}, "body must be a text"),
        ({"status": 200, "body": "\ud800"}, "body must be a text"),
        ({"status": 204, "body": "a"}, "body must be empty: an answer with status 204 has none"),
        ({"status": "500"}, "status must be a whole number from 200 to 599"),
        ({"status": True}, "status must be a whole number from 200 to 599"),
        ({"status": 99}, "status must be a whole number from 200 to 599"),
        ({"status": 503, "headers": {"Retry-After": 2}}, "headers must be an object of texts"),
        ({"status": 503, "headers": {"Retry-After": "2\r\n"}}, "headers must be an object of texts"),
        ({"status": 503, "headers": {"Retry After": "2"}}, "headers must be an object of texts"),
        ({"status": 503, "headers": ["Retry-After"]}, "headers must be an object of texts"),
        ({"drop": "yes"}, "drop must be true"),
        ({"truncate": False}, "truncate must be true"),
        ({"drop": True, "times": "2"}, "times must be a whole number, 1 or more"),
        ({"drop": True, "times": 0}, "times must be a whole number, 1 or more"),
        ({"drop": True, "skip": -1}, "skip must be a whole number, 0 or more"),
        ({"drop": True, "path": 5}, "path must be a text"),
        ({"drop": True, "query": ["a"]}, "query must be a text"),
        ({"drop": True, "account": None}, "account must be a text"),
        ({"drop": True, "carried_out": 1}, "carried_out must be true or false"),
        ({"delay_ms": "80"}, "delay_ms must be a number of milliseconds, 0 or more"),
        ({"drip_ms": -1}, "drip_ms must be a number of milliseconds, 0 or more"),
        ({"media_type": "é€"}, "media_type must be a text that a header can have"),
        ({"redirect_to": 5}, "redirect_to must be a text that a header can have"),
        ({"answer_of": "last"}, 'answer_of must be "first" or "previous"'),
        ({"answer_of": ["first"]}, 'answer_of must be "first" or "previous"'),
        ({"answer_of": ""}, 'answer_of must be "first" or "previous"'),
        ({"added_to_total": 1.5}, "added_to_total must be a whole number"),
    ],
)
def test_a_fault_of_which_no_answer_can_be_made_is_refused(
    running: RunningSandbox, admin: AdminClient, api: ProductiveClient, fault: dict[str, Any], said: str
) -> None:
    answer = requests.post(f"{running.url}/admin/faults", json={"path": "*", **fault}, timeout=10)
    assert (answer.status_code, said in answer.json()["error"]) == (400, True), answer.text
    assert api.get("invoices").status_code == 200
    assert admin.requests()


def test_a_request_to_the_admin_is_an_object(running: RunningSandbox) -> None:
    answer = requests.post(f"{running.url}/admin/faults", json=[{"path": "*", "status": 500}], timeout=10)
    assert (answer.status_code, answer.json()["error"]) == (400, "InvalidAdminRequest: the body must be a JSON object")


def test_a_delay_may_be_a_part_of_a_millisecond(admin: AdminClient, api: ProductiveClient) -> None:
    admin.add_fault("*/invoices", delay_ms=0.5)
    assert api.get("invoices").status_code == 200


def test_a_body_may_be_badly_compressed(admin: AdminClient, api: ProductiveClient) -> None:
    admin.add_fault("*/invoices", broken_gzip=True)
    with pytest.raises(requests.exceptions.ContentDecodingError):
        api.get("invoices")


def test_an_answer_may_claim_another_type(admin: AdminClient, api: ProductiveClient) -> None:
    admin.add_fault("*/invoices", media_type="text/plain")
    answer = api.get("invoices")
    assert answer.headers["content-type"] == "text/plain"
    assert answer.json()["data"]


def test_a_dripping_body_is_complete(admin: AdminClient, api: ProductiveClient) -> None:
    admin.add_fault("*/invoices", drip_ms=1)
    assert len(api.get("invoices").json()["data"]) == len(api.get("invoices").json()["data"])


@pytest.mark.parametrize("which", ["first", "previous"])
def test_an_answer_may_be_that_of_another_page(admin: AdminClient, api: ProductiveClient, which: str) -> None:
    admin.add_fault("*/line_items", query="page[number]=3", answer_of=which)
    first, second, third = (
        api.get(f"line_items?page[size]=5&page[number]={number}").json()["data"] for number in (1, 2, 3)
    )
    assert third == (first if which == "first" else second)


def test_a_page_may_lack_its_rows_and_a_count_may_be_wrong(admin: AdminClient, api: ProductiveClient) -> None:
    total = api.get("line_items?page[size]=5").json()["meta"]["total_count"]
    admin.add_fault("*/line_items", no_rows=True)
    admin.add_fault("*/line_items", added_to_total=3)
    empty, wrong = (api.get("line_items?page[size]=5").json() for _ in range(2))
    assert (empty["data"], empty["meta"]["total_count"]) == ([], total)
    assert (len(wrong["data"]), wrong["meta"]["total_count"]) == (5, total + 3)
