"""Invobi, checked against its documentation."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox.admin_client import AdminError
from sandbox.server import running_sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.admin_client import SystemAdmin
    from sandbox.json_types import Json
    from sandbox.server import RunningSandbox

    Get = Callable[..., requests.Response]

LISTED = {"id", "title", "issued_at", "due_at", "paid_at", "currency"}
DETAILED = {"id", "title", "issued_at", "due_at", "currency", "locale"}
NESTED = {"from_details", "to_details", "items", "discounts", "taxes", "payment_details"}


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: RunningSandbox) -> RunningSandbox:
    running.admin.reset()
    return running


@pytest.fixture
def admin(sandbox: RunningSandbox) -> SystemAdmin:
    sandbox.admin.set_limits([])
    return sandbox.admin.system("invobi")


@pytest.fixture
def get(sandbox: RunningSandbox) -> Iterator[Get]:
    with requests.Session() as session:
        session.headers["Authorization"] = "Bearer sandbox-token"

        def ask(path: str, method: str = "GET", **options: Any) -> requests.Response:  # noqa: ANN401 - of requests
            return session.request(method, f"{sandbox.url}/invobi/api/v1/{path}", timeout=10, **options)

        yield ask


def walk(get: Get, path: str) -> list[dict[str, Any]]:
    """Return all invoices of a list."""
    rows: list[dict[str, Any]] = []
    page, last = 1, 1
    while page <= last:
        body = get(path, params={"page": page}).json()
        rows += body["invoices"]
        page, last = page + 1, body["pagination"]["total_pages"]
    return rows


def test_a_page_of_invoices_is_as_documented(get: Get) -> None:
    body = get("invoices").json()
    assert body.keys() == {"invoices", "pagination"}
    assert body["pagination"] == {"total": 250, "page": 1, "per_page": 20, "total_pages": 13}
    assert len(body["invoices"]) == 20
    for row in body["invoices"]:
        assert row.keys() == LISTED
        assert isinstance(row["id"], str)
        assert len(row["issued_at"]) == len(row["due_at"]) == 10
        assert row["issued_at"] <= row["due_at"]


def test_the_pages_have_every_invoice_once(get: Get, admin: SystemAdmin) -> None:
    stored = {row["id"] for row in admin.records("invoices")}
    assert len(stored) == 250
    rows = walk(get, "invoices?per_page=100")
    assert len(rows) == 250
    assert {row["id"] for row in rows} == stored


@pytest.mark.parametrize(("requested", "given"), [("7", 7), ("100", 100), ("101", 100), ("5000", 100)])
def test_no_page_is_larger_than_a_hundred(get: Get, requested: str, given: int) -> None:
    body = get(f"invoices?per_page={requested}").json()
    assert (len(body["invoices"]), body["pagination"]["per_page"]) == (given, given)


def test_a_page_after_the_last_is_empty(get: Get) -> None:
    body = get("invoices?page=14").json()
    assert (body["invoices"], body["pagination"]["total_pages"]) == ([], 13)


def test_every_invoice_is_either_paid_or_unpaid(get: Get, admin: SystemAdmin) -> None:
    assert admin.records("invoices")
    paid, unpaid = walk(get, "invoices?status=paid"), walk(get, "invoices?status=unpaid")
    assert {row["paid_at"] is None for row in paid} == {False}
    assert {row["paid_at"] for row in unpaid} == {None}
    assert len(paid) + len(unpaid) == 250
    assert min(len(paid), len(unpaid)) > 20


@pytest.mark.parametrize("query", ["status=late", "page=0", "page=-1", "page=x", "per_page=0", "per_page=1.5"])
def test_an_invalid_parameter_is_a_bad_request(get: Get, query: str) -> None:
    answer = get(f"invoices?{query}")
    assert (answer.status_code, answer.json().keys()) == (400, {"error"})


def test_an_invoice_is_as_documented_and_its_money_adds_up(get: Get, admin: SystemAdmin) -> None:
    for stored in admin.records("invoices")[:60]:
        body = get(f"invoices/{stored['id']}").json()
        assert body.keys() == {"invoice"}
        assert body["invoice"].keys() == DETAILED | NESTED
        assert body["invoice"].items() <= stored.items()
        assert Decimal(amount_due(stored)) == total(stored)


def amount_due(invoice: dict[str, Any]) -> str:
    """Return the amount due that the invoice states."""
    (amount,) = (field["value"] for field in invoice["payment_details"] if field["label"] == "Amount due")
    return str(amount)


def total(invoice: dict[str, Any]) -> Decimal:
    """Return the total of its items, discounts and taxes."""
    amount = sum((Decimal(str(item["qty"])) * Decimal(str(item["price"])) for item in invoice["items"]), Decimal(0))
    for discount in invoice["discounts"]:
        if not discount["useValue"]:
            share = amount * Decimal(str(discount["percentage"])) / 100
            assert Decimal(discount["value"]) == share.quantize(Decimal("0.01"))
        amount -= Decimal(discount["value"])
    for tax in invoice["taxes"]:
        amount *= 1 + Decimal(str(tax["percentage"])) / 100
    return amount.quantize(Decimal("0.01"))


def test_nested_numbers_are_sometimes_texts_and_lists_sometimes_empty(admin: SystemAdmin) -> None:
    invoices = admin.records("invoices")
    items = [item for invoice in invoices for item in invoice["items"]]
    assert {type(item["qty"]) for item in items} == {str, int, float}
    assert {type(item["price"]) for item in items} == {str, int, float}
    assert {tuple(sorted(item)) for item in items} == {
        ("id", "name", "price", "qty"),
        ("name", "order", "price", "qty"),
    }
    assert {bool(invoice["discounts"]) for invoice in invoices} == {True, False}
    assert {bool(invoice["taxes"]) for invoice in invoices} == {True, False}


def test_a_pdf_changes_only_with_its_invoice(get: Get, admin: SystemAdmin) -> None:
    one, other = (row["id"] for row in admin.records("invoices")[:2])
    answer = get(f"invoices/{one}/download")
    assert answer.headers["Content-Type"] == "application/pdf"
    assert "Content-Disposition" not in answer.headers
    assert answer.content.startswith(b"%PDF-")
    admin.update("invoices", other, {"title": "Another"})
    assert get(f"invoices/{one}/download").content == answer.content
    changes: list[dict[str, Json]] = [{"items": []}, {"paid_at": "2026-03-16"}, {"unheard_of": "ő"}]
    for change in changes:
        before = get(f"invoices/{one}/download").content
        admin.update("invoices", one, change)
        assert get(f"invoices/{one}/download").content != before


def test_prompts_are_served_as_a_list_and_one_by_one(get: Get) -> None:
    body = get("prompts").json()
    assert body.keys() == {"prompts"}
    assert len(body["prompts"]) == 30
    for row in body["prompts"]:
        assert row.keys() == {"id", "user_id", "prompt_text", "labels", "created_at"}
        assert row["created_at"].endswith("Z")
        assert all(label.keys() == {"name", "color"} for label in row["labels"])
    last = body["prompts"][-1]
    assert get(f"prompts/{last['id']}").json() == {"prompt": last}


def test_prompts_are_found_by_label_and_by_content(get: Get) -> None:
    prompts = get("prompts").json()["prompts"]

    def found(**query: str) -> list[str]:
        return [row["id"] for row in get("prompts", params=query).json()["prompts"]]

    def of(name: str) -> list[str]:
        return [row["id"] for row in prompts if name in {label["name"] for label in row["labels"]}]

    assert found(label="Design") == of("Design") != []
    assert found(label="__no_label__") == [row["id"] for row in prompts if not row["labels"]] != []
    words = prompts[3]["prompt_text"].upper()
    assert found(content=words) == [prompts[3]["id"]]
    assert found(content=words, label="nothing") == []


def test_labels_are_distinct_names(get: Get, admin: SystemAdmin) -> None:
    labels = get("prompts/labels").json()["labels"]
    assert sorted(labels) == ["Consulting", "Design", "Development", "Retainer"]
    admin.create("prompts", {"labels": [{"name": "New", "color": "#fff"}, {"name": "Design", "color": "#000"}]})
    assert sorted(get("prompts/labels").json()["labels"]) == sorted([*labels, "New"])


@pytest.mark.parametrize("header", [None, "Bearer wrong", "sandbox-token", "Basic sandbox-token"])
def test_requests_without_the_token_are_unauthorized(get: Get, header: str | None) -> None:
    answer = get("invoices", headers={"Authorization": header})
    assert (answer.status_code, answer.json()) == (401, {"error": "Invalid or expired API token"})
    assert answer.headers["X-RateLimit-Limit"] == "100"


@pytest.mark.parametrize("path", ["invoices/none", "invoices/none/download", "prompts/none", "clients", "invoices/a/b"])
def test_unknown_paths_and_rows_are_not_found(get: Get, path: str) -> None:
    answer = get(path)
    assert answer.status_code == 404
    assert isinstance(answer.json()["error"], str)


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "invoices"), ("DELETE", "invoices/1"), ("PUT", "prompts/prompt-1"), ("POST", "invoices/1/mark-paid")],
)
def test_writes_are_refused_and_logged(sandbox: RunningSandbox, get: Get, method: str, path: str) -> None:
    before = sandbox.admin.system("invobi").records("prompts")
    assert get(path, method).status_code == 405
    (request,) = sandbox.admin.requests()
    assert (request["method"], request["status"], request["authenticated"]) == (method, 405, True)
    assert sandbox.admin.system("invobi").records("prompts") == before


def test_the_hundred_and_first_request_of_a_minute_is_refused(sandbox: RunningSandbox, get: Get) -> None:
    first = get("prompts/labels")
    assert (first.headers["X-RateLimit-Limit"], first.headers["X-RateLimit-Remaining"]) == ("100", "99")
    reset = int(first.headers["X-RateLimit-Reset"])
    assert 55 < reset - time.time() <= 61
    remaining = [int(get("prompts/labels").headers["X-RateLimit-Remaining"]) for _ in range(99)]
    assert remaining == list(range(98, -1, -1))
    refused = get("prompts/labels")
    assert (refused.status_code, refused.json()) == (429, {"error": "Rate limit exceeded"})
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert abs(int(refused.headers["X-RateLimit-Reset"]) - reset) <= 1
    assert "Retry-After" not in refused.headers
    sandbox.admin.advance_clock(60)
    asked = time.time()
    after = get("prompts/labels")
    assert (after.status_code, after.headers["X-RateLimit-Remaining"]) == (200, "99")
    assert asked + 119 <= int(after.headers["X-RateLimit-Reset"]) <= time.time() + 121


def test_faults_and_errors_have_rate_limit_headers_too(sandbox: RunningSandbox, get: Get) -> None:
    sandbox.admin.add_fault("*/prompts", status=500, body="{}")
    for path, status in (("prompts", 500), ("invoices/none", 404), ("invoices?page=x", 400)):
        answer = get(path)
        assert answer.status_code == status
        assert int(answer.headers["X-RateLimit-Remaining"]) > 90


def test_the_admin_can_create_update_and_delete_rows(get: Get, admin: SystemAdmin) -> None:
    created = admin.create("invoices", {"title": "New", "items": [{"anything": [1, "2"]}]})
    assert get("invoices").json()["invoices"][0]["id"] == created["id"]
    assert created["issued_at"] == "2026-03-16"
    admin.update("invoices", created["id"], {"currency": None, "brand": {"new": True}})
    shown = get(f"invoices/{created['id']}").json()["invoice"]
    assert (shown["currency"], shown["brand"], shown["items"]) == (None, {"new": True}, [{"anything": [1, "2"]}])
    assert get("invoices").json()["invoices"][0]["brand"] == {"new": True}
    admin.delete("invoices", created["id"])
    assert get(f"invoices/{created['id']}").status_code == 404
    with pytest.raises(AdminError, match="KeyError"):
        admin.delete("invoices", created["id"])
    with pytest.raises(AdminError, match="KeyError"):
        admin.create("boats", {})


def test_a_new_invoice_shifts_all_others_by_one(get: Get, admin: SystemAdmin) -> None:
    last_of_first = get("invoices").json()["invoices"][-1]
    admin.script_changes("/invoices", after_request=1, changes=[{"action": "create", "resource": "invoices"}])
    assert get("invoices").json()["invoices"][-1] == last_of_first
    assert get("invoices?page=2").json()["invoices"][0] == last_of_first


def test_the_list_can_have_more_fields_and_the_detail_fewer(get: Get, admin: SystemAdmin) -> None:
    admin.put("left_out", {"invoices": [], "invoice_details": ["locale"]})
    row = get("invoices?per_page=1").json()["invoices"][0]
    assert row.keys() == LISTED | DETAILED | NESTED
    assert get(f"invoices/{row['id']}").json()["invoice"].keys() == row.keys() - {"locale"}
    admin.set_extra_attributes({"invoices": {"brand_new": 1}})
    assert get("invoices?per_page=1").json()["invoices"][0]["brand_new"] == 1
    with pytest.raises(AdminError, match="omitted from"):
        admin.put("left_out", {"prompts": []})


def test_the_world_is_the_same_for_the_same_seed() -> None:
    def world(seed: int, scale: float) -> str:
        with running_sandbox(seed=seed, scale=scale) as sandbox:
            admin = sandbox.admin.system("invobi")
            return json.dumps([admin.records(name) for name in ("invoices", "prompts")])

    assert world(3, 0.1) == world(3, 0.1) != world(4, 0.1)
    assert len(json.loads(world(3, 0.1))[0]) == 25
