"""The Covage client API and its Keycloak, checked against their documentation."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from sandbox.admin_client import AdminError
from sandbox.server import running_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sandbox.admin_client import SystemAdmin
    from sandbox.server import RunningSandbox

LOGIN = {
    "grant_type": "password",
    "client_id": "api-client",
    "username": "sandbox-user",
    "password": "sandbox-password",
}
ORDER = {
    "modification_date",
    "order_reference",
    "id",
    "order_date",
    "cancellation_date",
    "cancellation_reason",
    "completion_date",
    "state",
    "project_id",
    "offer_technology",
    "commitment",
}
INVOICE = {
    "invoice_number",
    "customer_name",
    "billing_site_ref",
    "billing_site_name",
    "invoice_type",
    "invoice_type_label",
    "accounting_date",
    "payment_deadline",
}


class Client:
    """HTTP client of the API and of Keycloak."""

    def __init__(self, url: str, session: requests.Session) -> None:
        """Use the sandbox at `url`, without a token."""
        self.root = f"{url}/covage"
        self.session = session

    def ask_token(self, form: Mapping[str, str], realm: str = "covage") -> requests.Response:
        """Post a form to Keycloak's token endpoint."""
        path = f"auth/realms/{realm}/protocol/openid-connect/token"
        return self.session.post(f"{self.root}/{path}", data=form, timeout=10)

    def login(self) -> dict[str, Any]:
        """Log in by password, and use the token from now on."""
        answer = self.ask_token(LOGIN)
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        self.session.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        return tokens

    def get(self, path: str, method: str = "GET", **params: str | int) -> requests.Response:
        """Request the API; redirects are not followed."""
        url = f"{self.root}/api/v1/{path}"
        return self.session.request(method, url, params=params, timeout=10, allow_redirects=False)

    def walk(self, path: str, **params: str) -> list[list[dict[str, Any]]]:
        """Return the pages of a list, following the cursor of `next_page`."""
        pages: list[list[dict[str, Any]]] = []
        cursor: dict[str, str] = {}
        while True:
            body = self.get(path, **{**params, **cursor}).json()
            pages.append(body["results"])
            if body["next_page"] is None:
                return pages
            cursor = {"cursor": cursor_of(body["next_page"])}


def cursor_of(link: str) -> str:
    (cursor,) = parse_qs(urlsplit(link).query)["cursor"]
    return cursor


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
    return sandbox.admin.system("covage")


@pytest.fixture
def stranger(sandbox: RunningSandbox) -> Iterator[Client]:
    with requests.Session() as session:
        session.trust_env = False
        yield Client(sandbox.url, session)


@pytest.fixture
def api(stranger: Client) -> Client:
    stranger.login()
    return stranger


def test_a_password_gives_tokens_as_documented(stranger: Client) -> None:
    tokens = stranger.login()
    assert tokens.keys() == {
        "access_token",
        "expires_in",
        "refresh_expires_in",
        "refresh_token",
        "token_type",
        "session_state",
        "scope",
    }
    assert (tokens["token_type"], tokens["expires_in"], tokens["refresh_expires_in"]) == ("Bearer", 300, 1800)
    assert stranger.get("order/").status_code == 200


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"password": "wrong"}, 401, "invalid_grant"),
        ({"username": "wrong"}, 401, "invalid_grant"),
        ({"client_id": "other"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"grant_type": "refresh_token"}, 400, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "made up"}, 400, "invalid_grant"),
    ],
)
def test_invalid_logins_are_refused_as_keycloak_does(
    stranger: Client, admin: SystemAdmin, change: dict[str, str], status: int, error: str
) -> None:
    answer = stranger.ask_token({**LOGIN, **change})
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"]
    assert admin.get("logins") == {"password": 0, "refresh_token": 0, "refused": 1}


def test_another_realm_another_method_and_another_body_are_refused(stranger: Client) -> None:
    assert stranger.ask_token(LOGIN, realm="master").status_code == 404
    url = f"{stranger.root}/auth/realms/covage/protocol/openid-connect/token"
    assert requests.get(url, timeout=10).status_code == 405
    assert requests.post(url, json=LOGIN, timeout=10).status_code == 415


def test_an_expired_token_can_be_refreshed(sandbox: RunningSandbox, api: Client) -> None:
    admin = sandbox.admin.system("covage")
    admin.put("tokens", {"expires_in": 60, "refresh_expires_in": 120})
    tokens = api.login()
    assert (tokens["expires_in"], tokens["refresh_expires_in"]) == (60, 120)
    sandbox.admin.advance_clock(59)
    assert api.get("order/").status_code == 200
    sandbox.admin.advance_clock(2)
    refused = api.get("order/")
    assert (refused.status_code, refused.json().keys()) == (401, {"detail"})
    refresh = {"grant_type": "refresh_token", "client_id": "api-client", "refresh_token": tokens["refresh_token"]}
    renewed = api.ask_token(refresh).json()
    assert renewed["access_token"] != tokens["access_token"]
    api.session.headers["Authorization"] = f"Bearer {renewed['access_token']}"
    assert api.get("order/").status_code == 200
    sandbox.admin.advance_clock(60)
    late = api.ask_token(refresh)
    assert (late.status_code, late.json()["error_description"]) == (400, "Token is not active")
    # The fixture's login, that of this test, and one renewal.
    assert admin.get("logins") == {"password": 2, "refresh_token": 1, "refused": 1}


def test_the_admin_revokes_tokens(api: Client, admin: SystemAdmin) -> None:
    tokens = api.login()
    refresh = {"grant_type": "refresh_token", "client_id": "api-client", "refresh_token": tokens["refresh_token"]}
    admin.post("revocations", {"refresh_tokens": False})
    assert api.get("order/").status_code == 401
    assert api.ask_token(refresh).status_code == 200
    admin.post("revocations")
    assert api.ask_token(refresh).status_code == 400
    api.login()
    assert api.get("order/").status_code == 200


def test_a_token_can_expire_after_a_number_of_requests(api: Client, admin: SystemAdmin) -> None:
    admin.put("tokens", {"requests_per_token": 2})
    assert api.login()["expires_in"] == 300
    assert [api.get("order/").status_code for _ in range(3)] == [200, 200, 401]


@pytest.mark.parametrize("header", [None, "Bearer sandbox-token", "JWT sandbox-token"])
def test_requests_without_a_token_are_unauthorized(stranger: Client, header: str | None) -> None:
    if header:
        stranger.session.headers["Authorization"] = header
    for path in ("invoice/", "invoice/FACTTSO25100246/download/", "nothing/"):
        answer = stranger.get(path)
        assert (answer.status_code, answer.json().keys()) == (401, {"detail"})
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_page_of_invoices_is_as_documented(api: Client) -> None:
    body = api.get("invoice/").json()
    assert body.keys() == {"page_size", "count", "next_page", "previous_page", "results"}
    assert (body["page_size"], body["count"], body["previous_page"]) == (20, 150, None)
    assert len(body["results"]) == 20
    for row in body["results"]:
        assert row.keys() == INVOICE
        assert row["invoice_number"].startswith("FACTTSO")
        assert row["accounting_date"] < row["payment_deadline"]


def test_links_have_another_host_and_plain_http(api: Client) -> None:
    link = api.get("invoice/", page_size=30, invoice_type=1).json()["next_page"]
    assert link.startswith("http://api.example.com/api/v1/invoice/?")
    query = parse_qs(urlsplit(link).query)
    assert (query["page_size"], query["invoice_type"]) == (["30"], ["1"])


def test_the_pages_have_every_invoice_once_and_not_by_date(api: Client, admin: SystemAdmin) -> None:
    pages = api.walk("invoice/")
    assert [len(page) for page in pages] == [20] * 7 + [10]
    rows = [row for page in pages for row in page]
    stored = admin.records("invoices")
    assert sorted(rows, key=number) == sorted(stored, key=number)
    dates = [row["accounting_date"] for row in rows]
    assert dates not in (sorted(dates), sorted(dates, reverse=True))


def number(invoice: Mapping[str, Any]) -> str:
    return str(invoice["invoice_number"])


def test_previous_page_leads_back(api: Client) -> None:
    first = api.get("invoice/", page_size=40).json()
    second = api.get("invoice/", page_size=40, cursor=cursor_of(first["next_page"])).json()
    third = api.get("invoice/", page_size=40, cursor=cursor_of(second["next_page"])).json()
    back = api.get("invoice/", page_size=40, cursor=cursor_of(third["previous_page"])).json()
    assert back == second
    assert api.get("invoice/", page_size=40, cursor=cursor_of(back["previous_page"])).json() == first


def test_added_and_deleted_rows_do_not_shift_the_pages(api: Client, admin: SystemAdmin) -> None:
    first = api.get("invoice/").json()
    expected = api.get("invoice/", cursor=cursor_of(first["next_page"])).json()["results"]
    admin.delete("invoices", first["results"][3]["invoice_number"])
    admin.create("invoices", {"invoice_number": "A", "billing_site_ref": "A"})
    assert api.get("invoice/", cursor=cursor_of(first["next_page"])).json()["results"] == expected


def test_the_bounds_of_dates_are_inclusive(api: Client, admin: SystemAdmin) -> None:
    dates = Counter(row["accounting_date"] for row in admin.records("invoices"))
    low, high = sorted(dates)[20], sorted(dates)[-20]

    def found(**query: str) -> Counter[str]:
        return Counter(row["accounting_date"] for page in api.walk("invoice/", **query) for row in page)

    assert found(accounting_date_gt=low) == {day: count for day, count in dates.items() if day >= low}
    assert found(accounting_date_lt=high) == {day: count for day, count in dates.items() if day <= high}
    assert found(accounting_date_gt=low, accounting_date_lt=low) == {low: dates[low]}


def test_an_invoice_is_found_by_its_number(api: Client, admin: SystemAdmin) -> None:
    one = admin.records("invoices")[7]
    body = api.get("invoice/", invoice_number=one["invoice_number"]).json()
    assert (body["count"], body["results"], body["next_page"]) == (1, [one], None)


def test_invalid_parameters_are_refused(api: Client) -> None:
    assert api.get("invoice/", cursor="2").json() == {"detail": "Invalid cursor"}
    assert api.get("invoice/", cursor="2").status_code == 404
    bad = api.get("invoice/", accounting_date_gt="yesterday")
    assert (bad.status_code, bad.json()) == (400, {"accounting_date_gt": ["Enter a valid date."]})
    for size, given in (("0", 20), ("x", 20), ("7", 7), ("5000", 100)):
        assert api.get("invoice/", page_size=size).json()["page_size"] == given


def test_a_pdf_is_an_attachment_and_changes_only_with_its_invoice(api: Client, admin: SystemAdmin) -> None:
    one, other = (row["invoice_number"] for row in admin.records("invoices")[:2])
    answer = api.get(f"invoice/{one}/download/")
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"] == f"attachment; filename={one}.pdf"
    assert answer.content.startswith(b"%PDF-")
    admin.update("invoices", other, {"customer_name": "other"})
    assert api.get(f"invoice/{one}/download/").content == answer.content
    admin.update("invoices", one, {"customer_name": "other"})
    assert api.get(f"invoice/{one}/download/").content != answer.content
    missing = api.get("invoice/none/download/")
    assert (missing.status_code, missing.json()) == (404, {"detail": "Not found."})


def test_orders_have_a_detail_and_a_history_as_documented(api: Client, admin: SystemAdmin) -> None:
    rows = [row for page in api.walk("order/") for row in page]
    assert len(rows) == 60
    assert {frozenset(row) for row in rows} == {frozenset(ORDER)}
    assert {row["cancellation_reason"] for row in rows} == {"", "Doublon"}
    one = rows[4]
    detail = api.get(f"order/{one['order_reference']}/").json()
    assert one.items() <= detail.items()
    assert detail["external_id"] == "EXT-5"
    assert detail["enni_reference"] in {row["reference"] for row in admin.records("ennis")}
    history = api.get(f"order/{one['order_reference']}/historic/").json()
    assert [row["step"] for row in history] == [
        "production_manager_assigned",
        "optical_route_received",
        "technical_visit_planned",
    ]
    assert history[0].keys() == {"step", "date", "comment"}
    assert api.get(f"order/{rows[9]['order_reference']}/historic/").json() == []
    for path in ("order/none/", "order/none/historic/"):
        assert api.get(path).status_code == 404


def test_quotes_and_reference_lists_are_as_documented(api: Client) -> None:
    (quotes, more) = api.walk("quote/")
    assert (len(quotes), len(more)) == (20, 5)
    fields = {"external_id", "project_id", "id", "quote_date", "creation_date", "state"}
    assert {frozenset(row) for row in quotes} == {frozenset(fields)}
    assert {row["quote_date"][-6:] for row in quotes} == {"+01:00", "+02:00"}
    (quote,) = api.get("quote/", external_id="EXT3").json()["results"]
    assert quote["external_id"] == "EXT3"
    projects = api.get("referential/project").json()
    assert projects[0].keys() == {"code", "active", "start_date", "end_date", "code_client"}
    assert api.get("referential/project", active="true").json() == [row for row in projects if row["active"]]
    assert api.get("referential/project", code="FLASH").json() == [row for row in projects if row["code"] == "FLASH"]
    ennis = api.get("referential/enni/").json()
    fields = {"code", "name", "short_name", "reference", "label", "offer", "dsp", "delivery_mode", "active"}
    assert {frozenset(row) for row in ennis} == {frozenset(fields)}
    assert api.get("referential/enni/", offer="BPE", active="false").json() == [
        row for row in ennis if row["offer"] == "BPE" and not row["active"]
    ]
    assert api.get("catalog/category/").json() == [
        {"name": "BPE", "type": "OFFER_FAMILY", "description": ""},
        {"name": "BPEA", "type": "OFFER_FAMILY", "description": ""},
    ]


@pytest.mark.parametrize(
    ("requested", "documented"),
    [
        ("order?page_size=3", "order/?page_size=3"),
        ("catalog/category", "catalog/category/"),
        ("referential/project/?active=true", "referential/project?active=true"),
    ],
)
def test_a_wrong_trailing_slash_is_redirected_on_the_same_host(api: Client, requested: str, documented: str) -> None:
    answer = api.get(requested)
    assert (answer.status_code, answer.headers["Location"]) == (301, f"/covage/api/v1/{documented}")
    assert api.get(documented).status_code == 200


def test_each_resource_can_have_any_envelope(api: Client, admin: SystemAdmin) -> None:
    reference = admin.records("orders")[0]["order_reference"]
    paths = {
        "invoices": "invoice/",
        "orders": "order/",
        "order_details": f"order/{reference}/",
        "order_history": f"order/{reference}/historic/",
        "quotes": "quote/",
        "projects": "referential/project",
        "ennis": "referential/enni/",
        "catalog_categories": "catalog/category/",
    }
    for resource, path in paths.items():
        bodies = {}
        for envelope in ("bare", "results", "single", "unknown"):
            admin.put("envelopes", {resource: envelope})
            bodies[envelope] = api.get(path, page_size=100).json()
        rows = bodies["bare"]
        assert rows[:100] == bodies["results"]["results"]
        assert len(rows) == bodies["results"]["count"]
        assert bodies["single"] == rows[0]
        assert bodies["unknown"] == {"status": "ok", "payload": {"elements": rows}}
    with pytest.raises(AdminError, match="must be bare"):
        admin.put("envelopes", {"orders": "wrapped"})


def test_only_get_and_the_login_are_answered(sandbox: RunningSandbox, api: Client) -> None:
    before = len(sandbox.admin.requests())
    answer = api.get("quote/", "POST")
    assert (answer.status_code, answer.json()) == (405, {"detail": 'Method "POST" not allowed.'})
    assert [request["method"] for request in sandbox.admin.requests()[before:]] == ["POST"]


@pytest.mark.parametrize("path", ["boats/", "invoice/FACTTSO25100246/", "referential/", "quote/1/", "order/a/b/"])
def test_undocumented_paths_are_not_found(api: Client, path: str) -> None:
    assert api.get(path).status_code == 404


def test_the_log_has_no_credentials(sandbox: RunningSandbox, api: Client) -> None:
    tokens = api.login()
    api.get("order/")
    log = json.dumps(sandbox.admin.requests())
    assert "openid-connect/token" in log
    assert not [
        secret for secret in (LOGIN["password"], *map(str, tokens.values())) if len(secret) > 6 and secret in log
    ]


def test_a_changed_order_has_a_new_modification_date(api: Client, admin: SystemAdmin) -> None:
    one = admin.records("orders")[0]
    admin.update("orders", one["order_reference"], {"state": "completed"})
    shown = api.get(f"order/{one['order_reference']}/").json()
    assert (shown["state"], shown["modification_date"]) == ("completed", "2026-03-16T07:00:00Z")
    created = admin.create("orders")
    assert created["order_reference"] == "CMD_X_00000061"
    assert created["order_date"] == "2026-03-16"
    admin.delete("orders", created["order_reference"])
    assert api.get(f"order/{created['order_reference']}/").status_code == 404
