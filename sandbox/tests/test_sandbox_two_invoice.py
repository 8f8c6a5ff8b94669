"""2invoice, checked against what is known of it: paths, keys, limits. The records' fields are invented."""

from __future__ import annotations

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
    from sandbox.server import RunningSandbox

    Get = Callable[..., requests.Response]

PLAIN = {
    "clients": "clients",
    "products": "data",
    "document-series": "document_series",
    "branch-offices": "branch_offices",
    "inventories": "inventories",
    "templates": "templates",
}
"""The lists that come whole, with the key that each stands under."""

PAGINATOR = {
    "current_page",
    "data",
    "first_page_url",
    "from",
    "last_page",
    "last_page_url",
    "next_page_url",
    "path",
    "per_page",
    "prev_page_url",
    "to",
    "total",
}
"""The keys of Laravel's page object."""


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
    return sandbox.admin.system("2invoice")


@pytest.fixture
def get(sandbox: RunningSandbox) -> Iterator[Get]:
    with requests.Session() as session:
        session.headers.update({"Authorization": "Bearer sandbox-token", "Accept": "application/json"})

        def ask(path: str, method: str = "GET", **options: Any) -> requests.Response:  # noqa: ANN401 - of requests
            url = path if path.startswith("http") else f"{sandbox.url}/2invoice/{path}"
            return session.request(method, url, timeout=10, **options)

        yield ask


@pytest.mark.parametrize(("path", "key"), PLAIN.items())
def test_a_plain_list_is_complete_under_its_key(get: Get, admin: SystemAdmin, path: str, key: str) -> None:
    stored = admin.records(path.replace("-", "_"))
    assert get(path).json() == get(path, params={"page": 2}).json() == {key: stored}
    assert [row["id"] for row in stored] == list(range(1, len(stored) + 1))


@pytest.mark.parametrize(("path", "total", "last"), [("invoices", 100, 7), ("receipts", 60, 4)])
def test_a_paginated_list_is_laravels_page_object_under_its_key(get: Get, path: str, total: int, last: int) -> None:
    body = get(path).json()
    assert body.keys() == {path}
    page = body[path]
    assert page.keys() == PAGINATOR
    assert (page["total"], page["per_page"], page["last_page"], page["current_page"]) == (total, 15, last, 1)
    assert (page["from"], page["to"], page["prev_page_url"]) == (1, 15, None)
    rows: list[dict[str, Any]] = []
    while True:
        rows += page["data"]
        if page["next_page_url"] is None:
            break
        page = get(page["next_page_url"]).json()[path]
    assert (page["current_page"], page["to"]) == (last, total)
    assert [row["id"] for row in rows] == list(range(1, total + 1))
    beyond = get(path, params={"page": last + 1}).json()[path]
    assert (beyond["data"], beyond["from"], beyond["to"], beyond["next_page_url"]) == ([], None, None, None)


def test_an_invalid_page_number_is_the_first_page(get: Get) -> None:
    for page in ("0", "x", "-1", ""):
        assert get("invoices", params={"page": page}).json()["invoices"]["current_page"] == 1


def test_the_money_of_invoices_and_receipts_adds_up(admin: SystemAdmin) -> None:
    clients = {row["id"]: row for row in admin.records("clients")}
    products = {row["id"]: row for row in admin.records("products")}
    invoices = {row["id"]: row for row in admin.records("invoices")}
    for invoice in invoices.values():
        lines = invoice["products"]
        net, tax = (sum(Decimal(line[name]) for line in lines) for name in ("total_without_vat", "total_vat"))
        assert (invoice["total_without_vat"], invoice["total_vat"]) == (str(net), str(tax))
        assert invoice["total"] == str(net + tax)
        assert invoice["client"].items() <= clients[invoice["client_id"]].items()
        for line in lines:
            product = products[line["product_id"]]
            assert (line["name"], line["unit"]) == (product["name"], product["unit"])
            off = Decimal(line["total_without_vat"]) - Decimal(line["quantity"]) * Decimal(line["price"])
            assert abs(off) <= Decimal("0.005")
    for receipt in admin.records("receipts"):
        invoice = invoices[receipt["invoice_id"]]
        assert (receipt["amount"], receipt["client"]) == (invoice["total"], invoice["client"])


def test_the_first_page_lacks_values_that_later_pages_have(get: Get) -> None:
    first, third = (get("invoices", params={"page": page}).json()["invoices"]["data"] for page in (1, 3))
    assert {row["canceled_at"] for row in first} == {row["observations"] for row in first} == {None}
    assert not [row for row in first if "efactura_index" in row]
    assert [row for row in third if row.get("efactura_index")]
    assert [row for row in third if row["observations"]]


def test_timestamps_have_both_of_laravels_formats(admin: SystemAdmin) -> None:
    assert admin.records("invoices")[-1]["created_at"] == "2026-03-16 06:00:00"
    assert admin.records("clients")[-1]["created_at"] == "2026-03-16T06:00:00.000000Z"


def test_details_are_bare_or_keyed(get: Get, admin: SystemAdmin) -> None:
    invoice, client = admin.records("invoices")[2], admin.records("clients")[2]
    receipts = [row for row in admin.records("receipts") if row["invoice_id"] == 3]
    assert get("invoices/3").json() == {"invoice": {**invoice, "receipts": receipts}}
    assert get("clients/3").json() == client
    admin.put("details", {"invoices": "bare", "clients": "keyed"})
    assert get("invoices/3").json() == {**invoice, "receipts": receipts}
    assert get("clients/3").json() == {"client": client}
    for path in ("invoices/999", "clients/x", "products/1"):
        answer = get(path)
        assert (answer.status_code, answer.json().keys()) == (404, {"message"})


def test_lists_can_have_any_envelope(get: Get, admin: SystemAdmin) -> None:
    rows = admin.records("clients")
    bodies = {}
    for envelope in ("plain", "paginated", "simple", "beside", "linked"):
        admin.put("lists", {"clients": envelope})
        bodies[envelope] = get("clients", params={"page": 2}).json()
    assert bodies["plain"] == {"clients": rows}
    assert bodies["paginated"]["clients"].keys() == PAGINATOR
    assert bodies["simple"]["clients"].keys() == PAGINATOR - {"total", "last_page", "last_page_url"}
    assert bodies["beside"].keys() == PAGINATOR - {"data"} | {"clients"}
    assert bodies["linked"].keys() == {"clients", "links", "meta"}
    for name in ("paginated", "simple"):
        assert bodies[name]["clients"]["data"] == rows[15:30]
        assert bodies[name]["clients"]["next_page_url"].endswith("/2invoice/clients?page=3")
    for name in ("beside", "linked"):
        assert bodies[name]["clients"] == rows[15:30]
    assert (bodies["linked"]["meta"]["last_page"], bodies["linked"]["links"]["next"][-6:]) == (3, "page=3")
    admin.put("lists", {"products": "beside"})
    assert get("clients").json() == {"clients": rows}
    assert get("products", params={"page": 2}).json().keys() == PAGINATOR
    with pytest.raises(AdminError, match="must be plain"):
        admin.put("lists", {"invoices": "strange"})


def test_fields_can_be_omitted_from_a_list(get: Get, admin: SystemAdmin) -> None:
    admin.put("left_out", {"templates": ["id", "color"]})
    assert get("templates").json()["templates"][0].keys() == {"name", "is_default", "created_at", "updated_at"}


def test_a_page_can_be_repeated_forever(get: Get, admin: SystemAdmin) -> None:
    admin.put("repeats", {"invoices": 2})
    pages = [get("invoices", params={"page": page}).json() for page in (1, 2, 3, 50)]
    assert pages[0] != pages[1] == pages[2] == pages[3]
    assert pages[3]["invoices"]["next_page_url"].endswith("?page=3")


def test_token_information_can_be_any_answer(get: Get, admin: SystemAdmin) -> None:
    assert get("auth/token-information").status_code == 200
    admin.put("token_information", {"body": [1]})
    assert get("auth/token-information").json() == [1]
    admin.put("token_information", {"text": "valid"})
    assert get("auth/token-information").text == "valid"
    admin.put("token_information", {"text": "", "status": 204})
    answer = get("auth/token-information")
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize("header", [None, "Bearer wrong"])
@pytest.mark.parametrize("path", ["invoices", "auth/token-information", "boats"])
def test_requests_without_the_token_are_unauthorized(get: Get, path: str, header: str | None) -> None:
    answer = get(path, headers={"Authorization": header})
    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthenticated."})


def test_only_get_is_answered(sandbox: RunningSandbox, get: Get) -> None:
    answer = get("auth/generate-token", "POST")
    assert (answer.status_code, answer.json().keys()) == (405, {"message"})
    assert [request["method"] for request in sandbox.admin.requests()] == ["POST"]


def test_the_sixty_first_request_of_a_window_is_refused(sandbox: RunningSandbox, get: Get) -> None:
    # As documented, but over a minute, lest a slow machine begin a new window.
    sandbox.admin.set_limits([{"scope": "token", "limit": 60, "period": 60}], system="2invoice")
    answers = [get("templates") for _ in range(60)]
    assert [int(answer.headers["X-RateLimit-Remaining"]) for answer in answers] == list(range(59, -1, -1))
    refused = get("templates")
    assert (refused.status_code, refused.json()) == (429, {"message": "Too Many Attempts."})
    assert refused.headers["X-RateLimit-Limit"] == "60"
    assert 0 < int(refused.headers["X-RateLimit-Reset"]) - time.time() <= 61
    sandbox.admin.advance_clock(60)
    assert get("templates").status_code == 200


def test_the_documented_window_is_a_second(sandbox: RunningSandbox, get: Get) -> None:
    assert get("templates").headers["X-RateLimit-Limit"] == "60"
    sandbox.admin.advance_clock(1)
    assert get("templates").headers["X-RateLimit-Remaining"] == "59"


@pytest.mark.parametrize("status", [402, 409])
def test_documented_errors_can_be_injected(sandbox: RunningSandbox, get: Get, status: int) -> None:
    headers = {"Content-Type": "application/json"}
    sandbox.admin.add_fault("/2invoice/clients", status=status, body='{"message": "no"}', headers=headers)
    answer = get("clients")
    assert (answer.status_code, answer.json()) == (status, {"message": "no"})
    assert get("clients").status_code == 200


def test_the_admin_can_create_update_and_delete_rows(get: Get, admin: SystemAdmin) -> None:
    created = admin.create("products", {"price": 12.5})
    assert (created["id"], created["price"]) == (31, 12.5)
    changed = admin.update("products", 31, {"price": "12.50", "brand": ["new"]})
    assert changed["updated_at"] > created["updated_at"]
    assert get("products").json()["data"][-1] == changed
    admin.set_extra_attributes({"products": {"name": None}})
    assert {row["name"] for row in get("products").json()["data"]} == {None}
    admin.delete("products", 31)
    assert len(get("products").json()["data"]) == 30
    assert admin.create("products")["id"] == 32
