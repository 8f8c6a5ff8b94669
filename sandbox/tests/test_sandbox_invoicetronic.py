"""Invoicetronic as the sandbox serves it: access, lists, costs, export, limits, and what the admin changes."""

from __future__ import annotations

import base64
import io
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox.admin_client import AdminRefused
from sandbox.clock import Clock
from sandbox.invoicetronic.api import InvoicetronicApi
from sandbox.invoicetronic.moments import ticks_of
from sandbox.server import running_sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.admin_client import SystemAdmin
    from sandbox.server import RunningSandbox

LIVE, TEST = "ik_live_sandbox", "ik_test_sandbox"
LISTS = ("company", "send", "receive", "update", "log", "webhook", "webhookhistory", "subkey")
INVOICE = (
    "id created version user_id company_id committente? prestatore? identifier? file_name? format? payload "
    "last_update? date_sent? documents encoding"
)
FIELDS = {
    "company": "id created version user_id vat fiscal_code name",
    "send": f"{INVOICE} nome_committente? meta_data? latest_state? company",
    "receive": f"{INVOICE} nome_prestatore? is_read message_id?",
    "update": (
        "id created version user_id company_id send_id last_update state description? message_id? errors? is_read send"
    ),
    "log": (
        "id created version user_id api_key_id company_id? method endpoint api_version status_code date_time error? "
        "resource_id? user_agent? success query? response_body?"
    ),
    "webhook": "id created version user_id company_id? url enabled secret? description? events failure_notified_at?",
    "webhookhistory": (
        "id created version user_id web_hook_id event status_code error? date_time success event_id? attempt"
    ),
    "subkey": "id created version description? active permissions company_ids? cors_origins? previous_key_expires_at?",
}
"""The documented members of each row; those with a question mark may be null."""
BUCKET_LISTS = ("receive", "update", "send", "log", "webhookhistory")


class Account:
    """Asks Invoicetronic with one key."""

    def __init__(self, url: str, key: str | None, password: str = "", **headers: str) -> None:
        """Ask the sandbox at `url`."""
        self.root = f"{url}/invoicetronic/v1"
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers.update(headers)
        if key is not None:
            self.session.auth = (key, password)

    def get(self, path: str, **query: object) -> requests.Response:
        """Any answer."""
        texts = {name: str(value) for name, value in query.items()}
        return self.session.get(f"{self.root}/{path}", params=texts, timeout=10)

    def json(self, path: str, **query: object) -> Any:  # noqa: ANN401 - any JSON
        """The body of a 200."""
        response = self.get(path, **query)
        assert response.status_code == 200, response.text
        return response.json()

    def ids(self, path: str, **query: object) -> list[int]:
        """The ids of one page."""
        return [row["id"] for row in self.json(path, **query)]

    def all(self, path: str, **query: object) -> list[dict[str, Any]]:
        """All rows of a list."""
        rows: list[dict[str, Any]] = []
        for page in range(1, 100):
            found = self.json(path, **query, page=page, page_size=200)
            if not found:
                return rows
            rows += found
        raise AssertionError(path)


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    with running_sandbox(scale=0.02, scales={"invoicetronic": 0.3}) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: RunningSandbox) -> RunningSandbox:
    running.admin.reset()
    running.admin.set_limits([])
    return running


@pytest.fixture
def api(sandbox: RunningSandbox) -> Account:
    return Account(sandbox.url, LIVE, **{"Accept-Language": "en"})


@pytest.fixture
def admin(sandbox: RunningSandbox) -> SystemAdmin:
    return sandbox.admin.system("invoicetronic/live")


def unread(admin: SystemAdmin) -> list[int]:
    return [row["id"] for row in admin.records("receive") if not row["is_read"]]


@pytest.mark.parametrize(("key", "password"), [(None, ""), ("wrong", ""), (LIVE, "secret")])
def test_only_a_key_with_an_empty_password_gets_in(sandbox: RunningSandbox, key: str | None, password: str) -> None:
    response = Account(sandbox.url, key, password).get("status")
    assert response.status_code == 401
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["WWW-Authenticate"] == "Basic"


@pytest.mark.parametrize("header", ["Basic !", "Basic /w==", "Bearer x", "Basic"])
def test_a_header_that_is_no_basic_authentication_is_refused(sandbox: RunningSandbox, header: str) -> None:
    response = Account(sandbox.url, None, Authorization=header).get("status")
    assert response.status_code == 401


def test_health_needs_no_key(sandbox: RunningSandbox) -> None:
    assert Account(sandbox.url, None).get("health").status_code == 200


def test_the_prefix_of_the_key_selects_the_environment(sandbox: RunningSandbox, api: Account) -> None:
    test = Account(sandbox.url, TEST)
    assert api.json("company", sort="id")[0]["vat"] != test.json("company", sort="id")[0]["vat"]
    assert test.get("company").headers["Invoicetronic-Total-Count"] == "4"


def test_a_restricted_key_sees_what_it_may(sandbox: RunningSandbox, api: Account, admin: SystemAdmin) -> None:
    admin.put("restricted_keys", {"ik_live_reader": {"permissions": {"send": "Read", "status": "Read"}}})
    reader = Account(sandbox.url, "ik_live_reader", **{"Accept-Language": "en"})
    assert reader.ids("send") == api.ids("send")
    assert reader.json("status")["is_sub_key"] is True
    for path in ("receive", "receive/1", "receive/1/payload", "export", "subkey", "log"):
        refused = reader.get(path)
        assert refused.status_code == 403
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert refused.json()["code"] == "subkey_not_allowed"
    assert refused.json()["detail"] == "The key has no access to log"
    assert api.json("status")["is_sub_key"] is False


def test_a_restricted_key_may_be_of_some_companies_alone(sandbox: RunningSandbox, admin: SystemAdmin) -> None:
    everything = dict.fromkeys(LISTS, "Read")
    admin.put("restricted_keys", {"ik_live_reader": {"permissions": everything, "company_ids": [3]}})
    reader = Account(sandbox.url, "ik_live_reader")
    assert reader.ids("company") == [3]
    for name in ("send", "receive", "update"):
        assert {row["company_id"] for row in reader.all(name)} == {3}
    others = next(row["id"] for row in admin.records("send") if row["company_id"] != 3)
    assert reader.get(f"send/{others}").status_code == 404


def test_a_restricted_key_has_the_prefix_of_its_environment(admin: SystemAdmin) -> None:
    for key in ("ik_test_reader", "reader", LIVE):
        with pytest.raises(AdminRefused, match="ik_live_"):
            admin.put("restricted_keys", {key: {"permissions": {}}})


def test_only_get_is_answered(api: Account) -> None:
    assert api.session.post(f"{api.root}/send", timeout=10).status_code == 405


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_a_bare_array_in_pages_with_its_total_in_a_header(api: Account, name: str) -> None:
    response = api.get(name, page_size=2, page=1)
    total = int(response.headers["Invoicetronic-Total-Count"])
    assert len(response.json()) == 2
    pages = [api.ids(name, page_size=2, page=page) for page in (1, 2)]
    assert len({row for page in pages for row in page}) == min(total, 4)
    assert api.json(name, page=10_000) == []
    assert api.json(f"{name}/{pages[0][0]}")["id"] == pages[0][0]
    assert api.get(f"{name}/999999").status_code == 404


def test_there_are_several_pages_of_two_hundred_invoices() -> None:
    with running_sandbox(scale=0.02, scales={"invoicetronic": 1}) as whole:
        api = Account(whole.url, LIVE)
        for name in ("send", "receive"):
            assert len(api.json(name)) == 100
            assert [len(api.json(name, page_size=200, page=page)) for page in (1, 2, 3, 4)] == [200, 200, 50, 0]
            assert api.get(name).headers["Invoicetronic-Total-Count"] == "450"


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ({"page_size": 201}, "page_size cannot be greater than 200"),
        ({"page": 0}, "page: invalid value"),
        ({"page": "x"}, "page: invalid value"),
        ({"company_id": "x"}, "company_id: invalid value"),
        ({"last_update_from": "yesterday"}, "last_update_from: invalid value"),
        ({"latest_state": "Perso"}, "latest_state: invalid value"),
        ({"ids": ",".join(map(str, range(101)))}, "ids: invalid value"),
        ({"include_payload": "maybe"}, "include_payload: invalid value"),
        ({"sort": "colour"}, "Cannot sort by colour"),
        ({"sort": "-documents"}, "Cannot sort by documents"),
    ],
)
def test_a_wrong_parameter_is_named(api: Account, query: dict[str, object], detail: str) -> None:
    response = api.get("send", **query)
    assert response.status_code == 400
    assert response.json() == {
        "type": "https://tools.ietf.org/html/rfc9110#section-15.5.1",
        "title": "Bad Request",
        "status": 400,
        "detail": detail,
    }


def test_errors_speak_italian_unless_asked_otherwise(sandbox: RunningSandbox) -> None:
    details = [
        Account(sandbox.url, LIVE, **headers).get("send", page=0).json()["detail"]
        for headers in ({"Accept-Language": ""}, {"Accept-Language": "de-AT,en;q=0.5"}, {"Accept-Language": "fr, en"})
    ]
    assert details == ["page: valore non valido", "page: ungültiger Wert", "page: invalid value"]


def test_errors_may_be_of_the_older_shape(api: Account, admin: SystemAdmin) -> None:
    admin.put("behaviour", {"problem_shape": "wrapped"})
    body = api.get("send", page=0).json()
    assert set(body) == {"problem_details", "content_type", "status_code"}
    assert body["problem_details"]["detail"] == "page: invalid value"


def test_an_unknown_parameter_is_passed_over(api: Account) -> None:
    assert len(api.json("send", pageSize=3)) == 100


@pytest.mark.parametrize(
    ("name", "query", "keeps"),
    [
        ("send", {"company_id": 4}, lambda row: row["company_id"] == 4),
        ("send", {"latest_state": "Scartato"}, lambda row: row["latest_state"] == "Scartato"),
        ("send", {"latest_state": "7"}, lambda row: row["latest_state"] == "Scartato"),
        ("send", {"ids": "3,5,99999"}, lambda row: row["id"] in {3, 5}),
        (
            "send",
            {"document_date_from": "2026-01-01"},
            lambda row: row["documents"][0]["date"] >= "2026-01-01T00:00:00Z",
        ),
        (
            "send",
            {"date_sent_to": "2025-01-01T00:00:00Z"},
            lambda row: (row["date_sent"] or "9") < "2025-01-01T00:00:00Z",
        ),
        ("receive", {"unread": "true"}, lambda row: not row["is_read"]),
        ("receive", {"unread": "false"}, lambda _row: True),
        ("update", {"state": "Inviato"}, lambda row: row["state"] == "Inviato"),
        ("update", {"unread": "True"}, lambda row: not row["is_read"]),
        ("update", {"send_id": 17}, lambda row: row["send_id"] == 17),
        ("log", {"success": "false"}, lambda row: not row["success"]),
        ("log", {"method": "POST"}, lambda row: row["method"] == "POST"),
        ("log", {"api_verion": 2}, lambda _row: False),
        ("webhook", {"enabled": "false"}, lambda row: not row["enabled"]),
        ("webhook", {"events": "receive.add"}, lambda row: "receive.add" in row["events"]),
        ("webhookhistory", {"webhook_id": 2}, lambda row: row["web_hook_id"] == 2),
        ("subkey", {"active": "true"}, lambda row: row["active"]),
        ("subkey", {"company_id": 3}, lambda row: 3 in (row["company_ids"] or [])),
    ],
)
def test_a_filter_keeps_what_it_says(
    api: Account, name: str, query: dict[str, object], keeps: Callable[[dict[str, Any]], bool]
) -> None:
    # The window leaves out the rows of /log that the test itself makes.
    window: dict[str, object] = {"date_time_to": "2026-03-16T07:00:00Z"} if name == "log" else {}
    rows = api.all(name, **window)
    expected = [row["id"] for row in rows if keeps(row)]
    assert [row["id"] for row in api.all(name, **window, **query)] == expected
    assert len(expected) < len(rows) or query == {"unread": "false"}


@pytest.mark.parametrize("name", ["identifier", "committente", "prestatore", "file_name"])
def test_texts_are_matched_whole(api: Account, name: str) -> None:
    row = api.json("receive/7")
    assert 7 in api.ids("receive", **{name: row[name]})
    assert api.ids("receive", **{name: row[name][2:]}) == []


def test_a_document_number_finds_its_file(api: Account) -> None:
    assert api.ids("receive", document_number=api.json("receive/15")["documents"][-1]["number"]) == [15]


def test_the_ends_of_a_window_belong_to_it(api: Account) -> None:
    moment = api.json("update/40")["last_update"]
    assert 40 in api.ids("update", last_update_from=moment, last_update_to=moment)


def test_a_search_looks_into_numbers_and_names(api: Account) -> None:
    row = api.json("send/9")
    assert api.ids("send", q=row["file_name"].lower()) == [9]
    company = api.json("company/3")
    assert 3 in api.ids("company", q=company["name"][:6].upper())


def test_a_company_is_found_by_its_vat_number_and_a_sent_invoice_by_its_identifier(api: Account) -> None:
    company = api.json("company/3")
    assert api.json(f"company/{company['vat']}") == company
    sent = api.json("send/9")
    assert api.json(f"send/{sent['identifier']}") == sent


def test_lists_are_sorted_by_one_field_and_then_by_id(api: Account) -> None:
    for name, field in (("send", "created"), ("receive", "created"), ("update", "last_update"), ("company", "name")):
        for sign in ("", "-"):
            rows = api.all(name, sort=f"{sign}{field}")
            keys = [ticks_of(row[field]) if field != "name" else row[field] for row in rows]
            assert keys == sorted(keys, reverse=bool(sign))
    assert api.ids("update") == api.ids("update", sort="last_update")
    assert api.ids("send") == list(range(1, 101))


def test_nulls_are_the_largest(api: Account) -> None:
    assert api.json("send", sort="-last_update")[0]["last_update"] is None
    assert api.all("send", sort="last_update")[-1]["last_update"] is None


def test_a_sort_may_be_refused_or_ignored(api: Account, admin: SystemAdmin) -> None:
    in_order = api.ids("receive", sort="-created")
    admin.put("behaviour", {"refused_sorts": {"receive": ["created"]}, "ignored_sorts": {"send": ["created"]}})
    assert api.get("receive", sort="-created").status_code == 400
    assert api.ids("send", sort="-created") == api.ids("send")
    admin.put("behaviour", {})
    assert api.ids("receive", sort="-created") == in_order != api.ids("receive")


@pytest.mark.parametrize("name", LISTS)
def test_rows_have_the_documented_members(api: Account, name: str) -> None:
    fields = FIELDS[name].split()
    for row in api.all(name):
        assert set(row) == {field.rstrip("?") for field in fields}
        assert {field for field, value in row.items() if value is None} <= {
            field.rstrip("?") for field in fields if field.endswith("?")
        }
        assert ticks_of(row["created"]) > 0


def test_status_has_the_documented_members(api: Account) -> None:
    assert api.json("status") == {
        "operation_left": 950,
        "signature_left": 100,
        "has_active_seat": False,
        "is_sub_key": False,
    }


def test_a_sent_invoice_has_no_last_update_before_the_first_one(api: Account) -> None:
    rows = api.all("send")
    told = {row["send_id"] for row in api.all("update")}
    assert {row["id"] for row in rows if row["last_update"] is None} == {row["id"] for row in rows} - told
    assert {row["latest_state"] is None for row in rows if row["last_update"] is None} == {True}
    assert not set(api.ids("send", last_update_from="2000-01-01", page_size=200, sort="-id")) - told
    assert any(row["date_sent"] is None for row in rows)


def test_an_update_shows_its_invoice_as_it_is_now(api: Account) -> None:
    sent = {row["id"]: row for row in api.all("send")}
    for update in api.all("update"):
        row = sent[update["send_id"]]
        assert update["company_id"] == row["company_id"]
        assert update["send"] == {name: row[name] for name in update["send"]}
        assert set(update["send"]) == {
            "identifier",
            "prestatore",
            "meta_data",
            "documents",
            "date_sent",
            "latest_state",
        }
    for row in sent.values():
        states = [update["state"] for update in api.json("update", send_id=row["id"])]
        assert row["latest_state"] == (states[-1] if states else None)


def test_some_received_invoices_come_long_after_their_date(api: Account) -> None:
    rows = api.all("receive")
    late = [row for row in rows if days_between(row["documents"][0]["date"], row["created"]) > 14]
    assert 10 < len(late) < len(rows) / 5
    assert any(row["date_sent"] is None for row in rows)


def test_instants_have_seven_places_now_and_then_and_some_rows_share_one(api: Account) -> None:
    created = [row["created"] for row in api.all("receive")]
    assert {len(moment) for moment in created} == {20, 28}
    assert len(set(created)) < len(created)


def test_some_files_hold_several_documents(api: Account) -> None:
    assert {len(row["documents"]) for row in api.all("send")} >= {1, 2, 3}


def test_the_world_is_the_same_for_the_same_seed_and_quickly_made() -> None:
    begun = time.process_time()
    first = InvoicetronicApi(Clock(), 1, 1.0).environments["live"].tables
    first.stored("send")
    # Made within half a second on a free machine; this one may be busy.
    assert time.process_time() - begun < 2
    again, other = (InvoicetronicApi(Clock(), seed, 1.0).environments["live"].tables for seed in (1, 2))
    for name in LISTS:
        assert first.stored(name) == again.stored(name)
    assert first.stored("send") != other.stored("send")


def test_scale_makes_more_or_fewer_invoices() -> None:
    sizes = [
        len(InvoicetronicApi(Clock(), 1, scale).environments["live"].tables.stored("receive"))
        for scale in (0.01, 0.5, 2.0)
    ]
    assert sizes == [24, 225, 900]


def test_lists_and_details_cost_nothing_and_read_nothing(api: Account, admin: SystemAdmin) -> None:
    before = (admin.get("billing"), unread(admin), [row["is_read"] for row in admin.records("update")])
    for name in LISTS:
        rows = api.all(name)
        api.json(f"{name}/{rows[0]['id']}")
    api.json("status")
    assert (admin.get("billing"), unread(admin), [row["is_read"] for row in admin.records("update")]) == before
    assert admin.get("reads") == {"payloads": {"send": {}, "receive": {}}, "exports": 0}


@pytest.mark.parametrize("path", ["receive/{id}?include_payload=true", "receive/{id}/payload"])
def test_the_payload_of_a_received_invoice_costs_an_operation_and_marks_it(
    api: Account, admin: SystemAdmin, path: str
) -> None:
    chosen, *others = unread(admin)
    response = api.get(path.format(id=chosen))
    assert response.status_code == 200
    assert unread(admin) == others
    assert api.json("status")["operation_left"] == 949
    assert admin.get("billing")["paid"] == {str(chosen): 1}
    assert admin.get("reads")["payloads"]["receive"] == {str(chosen): 1}


def test_payloads_of_a_list_cost_one_for_each_row(api: Account, admin: SystemAdmin) -> None:
    rows = api.json("receive", include_payload="true", unread="true", page_size=7)
    assert all(row["payload"] and row["is_read"] for row in rows)
    assert admin.get("billing")["operation_left"] == 943
    assert not {row["id"] for row in rows} & set(unread(admin))


def test_a_second_read_costs_again_or_not_as_the_admin_has_it(api: Account, admin: SystemAdmin) -> None:
    chosen = unread(admin)[0]
    for _ in range(2):
        api.get(f"receive/{chosen}/payload")
    assert admin.get("billing")["paid"] == {str(chosen): 2}
    admin.put("billing", {"repeated_reads": "free"})
    api.get(f"receive/{chosen}/payload")
    assert admin.get("billing")["operation_left"] == 948


def test_payloads_of_sent_invoices_cost_nothing(api: Account, admin: SystemAdmin) -> None:
    whole = api.json("send/4", include_payload="true")["payload"]
    assert api.get("send/4/payload").content.decode() == whole
    assert admin.get("billing")["operation_left"] == 950
    assert admin.get("reads")["payloads"]["send"] == {"4": 2}


def test_the_test_environment_costs_nothing_but_marks(sandbox: RunningSandbox) -> None:
    admin, test = sandbox.admin.system("invoicetronic/test"), Account(sandbox.url, TEST)
    chosen, *others = unread(admin)
    admin.put("billing", {"operation_left": 0})
    assert test.get(f"receive/{chosen}/payload").status_code == 200
    assert unread(admin) == others
    assert admin.get("billing")["paid"] == {}


def test_a_balance_that_does_not_cover_it_refuses_and_changes_nothing(api: Account, admin: SystemAdmin) -> None:
    admin.put("billing", {"operation_left": 2})
    before = unread(admin)
    for path in ("receive?include_payload=true&page_size=3", "export?year=2026&month=3"):
        response = api.get(path)
        assert response.status_code == 403
        assert response.json()["code"] == "usage_limit_exceeded"
    assert unread(admin) == before
    assert api.json("status")["operation_left"] == 2
    admin.put("billing", {"operation_left": 0})
    assert api.get("receive/1/payload").status_code == 403
    assert api.get("receive").status_code == 200
    admin.put("billing", {"refused_at_zero": "receive"})
    assert {api.get(path).status_code for path in ("receive", "receive/1", "receive/1/payload")} == {403}
    assert api.get("send/1/payload").status_code == 200


def test_a_setting_that_is_none_is_refused(admin: SystemAdmin) -> None:
    with pytest.raises(AdminRefused, match="billing has no paid"):
        admin.put("billing", {"paid": {}})
    with pytest.raises(AdminRefused, match="repeated_reads is paid or free"):
        admin.put("billing", {"repeated_reads": "sometimes"})
    with pytest.raises(AdminRefused, match="problem_shape is problem or wrapped"):
        admin.put("behaviour", {"problem_shape": "round"})
    with pytest.raises(AdminRefused, match="colour"):
        admin.put("behaviour", {"colour": "red"})


def test_what_stands_for_a_payload_not_asked_for_can_be_chosen(api: Account, admin: SystemAdmin) -> None:
    assert api.json("receive/1")["payload"] == ""
    admin.put("behaviour", {"payload_left_out": "null"})
    assert api.json("receive/1")["payload"] is None
    admin.put("behaviour", {"payload_left_out": "absent"})
    assert "payload" not in api.json("receive/1")


def test_a_payload_is_text_or_base64_as_encoding_says(api: Account) -> None:
    forms = set()
    for row in api.json("send", include_payload="true", page_size=60):
        if row["encoding"] == "Xml":
            assert row["payload"].startswith("<")
        else:
            content = base64.b64decode(row["payload"], validate=True)
            forms.add("xml" if content.lstrip(b"\xef\xbb\xbf").startswith(b"<") else "signed")
            assert row["file_name"].endswith(".p7m") == (not content.lstrip(b"\xef\xbb\xbf").startswith(b"<"))
    assert forms == {"xml", "signed"}


def test_a_payload_agrees_with_its_row(api: Account) -> None:
    for row in api.json("send", include_payload="true", page_size=200):
        if row["encoding"] == "Xml":
            assert f'versione="{row["format"]}"' in row["payload"]
            assert row["payload"].count("<FatturaElettronicaBody") == len(row["documents"])
            for document in row["documents"]:
                assert f">{document['number']}<" in row["payload"]
                assert f">{document['date'][:10]}<" in row["payload"]


def test_a_payload_alone_is_the_same_text_in_utf_8_that_does_not_say_so(api: Account) -> None:
    rows = api.json("receive", include_payload="true", page_size=100)
    row = next(row for row in rows if row["encoding"] == "Xml" and not row["payload"].isascii())
    response = api.get(f"receive/{row['id']}/payload")
    assert response.headers["Content-Type"] == "text/plain"
    assert response.content.decode() == row["payload"]


def test_a_payload_that_is_not_there_is_told_of_as_a_problem(api: Account) -> None:
    assert api.get("receive/99999").content == b""
    response = api.get("receive/99999/payload")
    assert (response.status_code, response.json()["title"]) == (404, "Not Found")


def test_the_admin_can_put_any_payload(api: Account, admin: SystemAdmin) -> None:
    admin.update("receive", 5, {"payload": "<x/>", "encoding": "Xml"})
    assert api.get("receive/5/payload").text == "<x/>"
    assert api.json("receive/5")["payload"] == ""


def members(response: requests.Response) -> dict[str, bytes]:
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(response.content)) as zipped:
        return {name: zipped.read(name) for name in zipped.namelist()}


def test_an_export_has_the_files_of_a_month_by_company(api: Account, admin: SystemAdmin) -> None:
    vats = {row["id"]: row["vat"] for row in admin.records("company")}
    wanted = {
        f"{vats[row['company_id']]}/receive/{row['file_name']}": row
        for row in admin.records("receive")
        if row["documents"][0]["date"].startswith("2026-01")
    }
    before = set(unread(admin))
    found = members(api.get("export", type="Receive", year=2026, month=1))
    assert set(found) == set(wanted)
    read = {row["id"] for row in wanted.values()}
    assert set(unread(admin)) == before - read
    assert admin.get("billing")["paid"] == {str(number): 1 for number in before & read}
    assert admin.get("reads")["exports"] == 1
    chosen_name, chosen = next((name, row) for name, row in wanted.items() if row["encoding"] == "Base64")
    payload = api.json(f"receive/{chosen['id']}", include_payload="true")["payload"]
    assert found[chosen_name] == base64.b64decode(payload)


def test_a_quarter_and_a_range_of_dates_are_periods_too(api: Account) -> None:
    quarter = members(api.get("export", type="send", year=2025, quarter=4))
    months = [members(api.get("export", type="SEND", year=2025, month=month)) for month in (10, 11, 12)]
    assert quarter == {name: content for month in months for name, content in month.items()}
    dates = {"document_date_from": "2025-10-01", "document_date_to": "2025-12-31"}
    assert members(api.get("export", type="Send", **dates)) == quarter
    assert all("/send/" in name for name in quarter)


def test_both_directions_are_the_default(api: Account) -> None:
    assert {name.split("/")[1] for name in members(api.get("export", year=2025, month=5))} == {"send", "receive"}


def test_only_sent_invoices_that_have_come_to_their_end_are_exported(api: Account, admin: SystemAdmin) -> None:
    year = {"document_date_from": "2024-01-01", "document_date_to": "2026-12-31"}
    found = {name.split("/")[2] for name in members(api.get("export", type="send", **year))}
    states = {row["file_name"]: (row["format"], row["latest_state"]) for row in admin.records("send")}
    exported = {states[name] for name in found}
    assert ("FPR12", "Consegnato") in exported
    assert ("FPA12", "DecorrenzaTermini") in exported
    assert not {("FPA12", "Consegnato"), ("FPR12", "Scartato")} & exported
    assert not {state for _, state in exported} & {None, "Inviato"}


def test_an_export_may_be_of_one_company(api: Account, admin: SystemAdmin) -> None:
    found = members(api.get("export", year=2025, month=5, company_id=1))
    assert {name.split("/")[0] for name in found} == {admin.records("company")[0]["vat"]}


def test_nothing_to_export_has_no_content(api: Account, admin: SystemAdmin) -> None:
    response = api.get("export", year=1999, month=1)
    assert (response.status_code, response.content) == (204, b"")
    assert admin.get("billing")["operation_left"] == 950


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"year": 2026},
        {"month": 1},
        {"year": 2026, "month": 13},
        {"year": 2026, "quarter": 5},
        {"year": 2026, "month": 1, "quarter": 1},
        {"year": 2026, "month": 1, "document_date_from": "2026-01-01"},
        {"document_date_from": "soon"},
        {"year": 2026, "month": 1, "type": "All"},
        {"year": 2026, "month": 1, "company_id": "x"},
    ],
)
def test_an_export_is_of_one_period(api: Account, query: dict[str, object]) -> None:
    response = api.get("export", **query)
    assert response.status_code == 400
    assert response.headers["Content-Type"] == "application/problem+json"


def test_of_two_exports_at_the_same_time_one_is_refused(sandbox: RunningSandbox, admin: SystemAdmin) -> None:
    admin.put("behaviour", {"export_seconds": 0.5})
    accounts = [Account(sandbox.url, key) for key in (LIVE, LIVE)]
    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(lambda account: account.get("export", year=1999, month=1), accounts))
    refused, granted = sorted(answers, key=lambda answer: answer.status_code, reverse=True)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert granted.status_code == 204
    assert accounts[0].get("export", year=1999, month=1).status_code == 204


def test_an_export_may_have_members_of_the_admins_own(api: Account, admin: SystemAdmin) -> None:
    admin.put("behaviour", {"export_members": {"../../evil.xml": base64.b64encode(b"<x/>").decode()}})
    assert members(api.get("export", year=1999, month=1)) == {"../../evil.xml": b"<x/>"}


def test_the_files_of_an_export_may_be_called_by_the_id_of_their_invoice(api: Account, admin: SystemAdmin) -> None:
    named = members(api.get("export", type="receive", year=2025, month=2))
    admin.put("behaviour", {"export_names": "id"})

    by_id = members(api.get("export", type="receive", year=2025, month=2))

    assert list(by_id.values()) == list(named.values())
    ids = {name.rpartition("/")[2] for name in by_id}
    assert ids <= {f"{row['id']}.xml" for row in admin.records("receive")}
    assert len(ids) == len(named) > 0


def test_requests_do_not_move_the_time_of_the_world(api: Account, admin: SystemAdmin) -> None:
    first = admin.create("receive", {})["created"]
    for _ in range(20):
        api.get("send", page_size=1)
    second = admin.create("receive", {})["created"]
    assert 0 < ticks_of(second) - ticks_of(first) < 200_000


def test_every_request_leaves_a_row_at_the_machines_time(sandbox: RunningSandbox, api: Account) -> None:
    begun = datetime.now(UTC).isoformat()
    before = api.get("log", date_time_to=begun).headers["Invoicetronic-Total-Count"]
    api.session.headers["User-Agent"] = "tester/1"
    api.get("receive", page_size=3, sort="-created")
    api.get("send", page=0)
    Account(sandbox.url, "wrong").get("send")
    rows = api.json("log", user_agent="tester/1", sort="id")
    assert [(row["endpoint"], row["status_code"], row["success"]) for row in rows] == [
        ("/receive", 200, True),
        ("/send", 400, False),
    ]
    assert rows[0]["query"] == "page_size=3&sort=-created"
    assert rows[1]["error"] == "page: invalid value"
    assert all(ticks_of(row["date_time"]) >= ticks_of(begun) for row in rows)
    assert api.get("log", date_time_to=begun).headers["Invoicetronic-Total-Count"] == before == "96"


def test_every_answer_names_the_limits(running: RunningSandbox) -> None:
    running.admin.reset()
    for key, path in ((LIVE, "status"), ("wrong", "status"), (LIVE, "nothing")):
        headers = Account(running.url, key).get(path).headers
        assert headers["RateLimit-Limit"] == "100"
        assert headers["RateLimit-Policy"] == "100;w=1, 2000;w=60, 100000;w=86400"


@pytest.mark.parametrize("name", BUCKET_LISTS)
def test_the_bucket_holds_two_hundred_and_is_refilled_one_by_one(running: RunningSandbox, name: str) -> None:
    running.admin.reset()
    # A hundredth of the documented pace: a slow machine shall not see it refilled while it is emptied.
    bucket = {"scope": "reads", "limit": 60, "period": 6000, "burst": 200}
    running.admin.set_limits([bucket], system="invoicetronic")  # type: ignore[list-item]
    api = Account(running.url, LIVE, **{"Accept-Language": "en"})
    path = f"{name}/999999"
    assert [api.get(path).status_code for _ in range(201)] == [404] * 200 + [429]
    refused = api.get(path)
    assert refused.json()["detail"] == "Too many requests"
    assert 0 < int(refused.headers["Retry-After"]) <= 100
    assert api.get("company").status_code == 200
    running.admin.advance_clock(100)
    assert [api.get(path).status_code for _ in range(2)] == [404, 429]


def test_the_windows_of_the_user_are_shared_by_both_environments(running: RunningSandbox) -> None:
    running.admin.reset()
    running.admin.set_limits([{"scope": "user", "limit": 3, "period": 60}], system="invoicetronic")
    statuses = [Account(running.url, key).get("status").status_code for key in (LIVE, TEST, LIVE, TEST)]
    assert statuses == [200, 200, 200, 429]


def test_health_is_answered_twelve_times_a_minute(running: RunningSandbox) -> None:
    running.admin.reset()
    api = Account(running.url, None)
    assert [api.get("health").status_code for _ in range(13)] == [200] * 12 + [429]


def test_a_new_invoice_is_the_newest_and_unread(api: Account, admin: SystemAdmin) -> None:
    created = admin.create("receive", {})
    assert api.ids("receive", sort="-created", page_size=1) == [created["id"]] == [136]
    assert created["is_read"] is False
    assert api.get(f"receive/{created['id']}/payload").status_code == 200
    assert admin.create("send", {})["last_update"] is None


@pytest.mark.parametrize("name", LISTS)
def test_a_row_can_be_made_with_nothing_given(admin: SystemAdmin, name: str) -> None:
    assert set(admin.create(name, {})) == set(admin.records(name)[0])


def test_an_update_of_the_sdi_moves_its_invoice(api: Account, admin: SystemAdmin) -> None:
    newest = admin.records("send")[-1]
    assert newest["last_update"] is None
    update = admin.post("sdi_updates", {"send_id": newest["id"], "state": "Inviato"})
    row = api.json(f"send/{newest['id']}")
    assert (row["last_update"], row["latest_state"]) == (update["last_update"], "Inviato")
    assert row["date_sent"] is not None
    assert api.ids("update", sort="-last_update", page_size=1) == [update["id"]]
    with pytest.raises(AdminRefused, match="send has no 99999"):
        admin.post("sdi_updates", {"send_id": 99999, "state": "Inviato"})


def test_listing_updates_may_read_them(api: Account, admin: SystemAdmin) -> None:
    admin.put("behaviour", {"updates_read_by_list": True})
    found = [update["id"] for update in api.json("update", unread="true", page_size=5)]
    assert all(row["is_read"] for row in admin.records("update") if row["id"] in found)


def test_a_change_is_a_new_version_and_moves_no_date(api: Account, admin: SystemAdmin) -> None:
    before = api.json("company/2")
    admin.update("company", 2, {"name": "Comune di Prova"})
    after = api.json("company/2")
    assert after["version"] > max(row["version"] for row in api.json("company") if row["id"] != 2)
    assert after == {**before, "name": "Comune di Prova", "version": after["version"]}


def test_a_change_can_happen_between_two_pages(api: Account, admin: SystemAdmin) -> None:
    change = {"action": "delete", "resource": "receive", "id": "1"}
    admin.script_changes("/receive", after_request=1, changes=[change])
    pages = [api.ids("receive", page_size=50, page=page) for page in (1, 2, 3)]
    assert 51 not in {number for page in pages for number in page}


def test_reset_puts_everything_back(sandbox: RunningSandbox, api: Account, admin: SystemAdmin) -> None:
    before = admin.records("receive")
    admin.put("restricted_keys", {"ik_live_reader": {"permissions": {}}})
    admin.put("behaviour", {"payload_left_out": "absent"})
    admin.delete("receive", 3)
    api.get("receive/1/payload")
    sandbox.admin.reset()
    assert admin.records("receive") == before
    assert admin.get("billing")["operation_left"] == 950
    assert "payload" in api.json("receive/1")
    assert Account(sandbox.url, "ik_live_reader").get("status").status_code == 401


def days_between(earlier: str, later: str) -> float:
    return (ticks_of(later) - ticks_of(earlier)) / 10_000_000 / 86_400
