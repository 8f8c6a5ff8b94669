"""How Productive's records are served: relationships, includes, sparse fieldsets, values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.productive.catalogue import load_catalogue
from sandbox.productive.defaults import SECRETS
from sandbox.server import running_sandbox
from sandbox.tests.productive_client import ProductiveClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.server import RunningSandbox

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0[12]:00")
DATE = re.compile(r"\d{4}-\d\d-\d\d")
DECIMAL = re.compile(r"-?\d+\.\d+")
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox() as running:
        running.admin.set_limits([])
        yield running


@pytest.fixture(scope="module")
def api(sandbox: RunningSandbox) -> ProductiveClient:
    return ProductiveClient(sandbox.url)


def test_without_include_only_the_organization_has_data(api: ProductiveClient) -> None:
    relationships = api.data("invoices?page[size]=1")[0]["relationships"]
    assert relationships.pop("organization") == {"data": {"type": "organizations", "id": "1"}}
    assert set(relationships) == set(load_catalogue()["invoices"].relationships) - {"organization"}
    assert all(shown == {"meta": {"included": False}} for shown in relationships.values())
    assert "included" not in api.body("invoices?page[size]=1")


@pytest.mark.parametrize("resource", sorted(load_catalogue()))
def test_included_records_are_exactly_the_linked_ones(api: ProductiveClient, resource: str) -> None:
    page = load_catalogue()[resource]
    names = sorted(page.relationships)
    body = api.body(f"{resource}?include={','.join(names)}&page[size]=200")
    present = [(row["type"], row["id"]) for row in [*body["data"], *body.get("included", [])]]
    assert len(present) == len(set(present))
    linked = set()
    for row in body["data"]:
        for name in names:
            data = row["relationships"][name]["data"]
            assert isinstance(data, list) is page.relationships[name].to_many
            for target in data if isinstance(data, list) else [data] if data else []:
                assert target["type"] == page.relationships[name].type
                linked.add((target["type"], target["id"]))
    assert linked <= set(present)
    assert {(row["type"], row["id"]) for row in body.get("included", [])} <= linked


def test_a_nested_include_adds_only_the_records_along_its_path(api: ProductiveClient) -> None:
    body = api.body("time_entries?include=service.deal.company&page[size]=5")
    by_type: dict[str, list[dict[str, Any]]] = {}
    for row in body["included"]:
        by_type.setdefault(row["type"], []).append(row)
    assert set(by_type) == {"services", "deals", "companies"}
    assert all("data" in row["relationships"]["deal"] for row in by_type["services"])
    assert all(row["relationships"]["section"] == {"meta": {"included": False}} for row in by_type["services"])
    assert {row["relationships"]["company"]["data"]["id"] for row in by_type["deals"]} == {
        row["id"] for row in by_type["companies"]
    }


def test_a_type_that_is_not_listed_is_included_as_a_stub_with_a_name(api: ProductiveClient) -> None:
    (stub,) = api.body("organizations?include=organization_subscription")["included"]
    assert stub == {
        "id": "1",
        "type": "organization_subscriptions",
        "attributes": {"name": "Organization subscription 1"},
        "relationships": {},
    }


def test_an_empty_to_one_is_null_and_an_empty_to_many_a_list(api: ProductiveClient) -> None:
    row = api.data("invoices?include=parent_invoice,custom_field_people&page[size]=1")[0]
    assert row["relationships"]["parent_invoice"] == {"data": None}
    assert row["relationships"]["custom_field_people"] == {"data": []}


def test_sparse_fieldsets_omit_other_fields_and_ignore_unknown_names(api: ProductiveClient) -> None:
    query = "include=company,creator&fields[invoices]=number,company,boat&fields[companies]=name&page[size]=3"
    body = api.body(f"invoices?{query}")
    for row in body["data"]:
        assert set(row["attributes"]) == {"number"}
        assert set(row["relationships"]) == {"company"}
        assert row["relationships"]["company"]["data"]["type"] == "companies"
    for row in body["included"]:
        if row["type"] == "companies":
            assert (set(row["attributes"]), row["relationships"]) == ({"name"}, {})
        else:
            assert len(row["attributes"]) > 10


def test_a_single_record_has_no_paging_and_can_include(api: ProductiveClient) -> None:
    body = api.body("invoices/7?include=company")
    assert (body["data"]["id"], body["links"], body["meta"]) == ("7", {}, {})
    assert [row["type"] for row in body["included"]] == ["companies"]
    assert "included" not in api.body("invoices/7")


@pytest.mark.parametrize("resource", sorted(load_catalogue()))
def test_values_have_the_documented_types(api: ProductiveClient, resource: str) -> None:
    attributes = load_catalogue()[resource].attributes
    rows = api.walk(f"{resource}?page[size]=200")
    assert rows
    for row in rows:
        assert isinstance(row["id"], str)
        assert set(row["attributes"]) == set(attributes)
        for name, value in row["attributes"].items():
            _check(attributes[name].type, name, value)


def _check(type_name: str, name: str, value: object) -> None:
    if value is None:
        return
    if type_name in {"date-time", "date", "decimal"}:
        pattern = {"date-time": TIMESTAMP, "date": DATE, "decimal": DECIMAL}[type_name]
        assert isinstance(value, str), name
        assert pattern.fullmatch(value), (name, value)
    else:
        assert isinstance(value, TYPES[type_name]), (name, value)
        assert isinstance(value, bool) is (type_name == "boolean"), name


def test_services_have_floats_where_others_have_integer_cents(api: ProductiveClient) -> None:
    for row in api.walk("services?page[size]=200"):
        for name in ("price", "price_default", "budget_total", "cost", "profit"):
            assert isinstance(row["attributes"][name], float)
    defaults = re.findall(r'"price_default":(\d+\.\d+)', api.get("services?page[size]=200").text)
    assert max(len(digits) for digits in defaults) > 14


def test_offsets_follow_daylight_saving_time(api: ProductiveClient) -> None:
    for row in api.walk("deals?page[size]=200"):
        stamp = row["attributes"]["created_at"]
        month = int(stamp[5:7])
        if month not in {3, 10}:
            assert stamp.endswith("+02:00" if 4 <= month <= 9 else "+01:00")


def test_nullable_attributes_are_null_on_some_rows_only(api: ProductiveClient) -> None:
    for resource, name in (
        ("companies", "last_activity_at"),
        ("companies", "custom_fields"),
        ("invoices", "number"),
        ("tasks", "due_date"),
        ("people", "email"),
    ):
        values = [row["attributes"][name] for row in api.walk(f"{resource}?page[size]=200")]
        assert None in values
        assert any(value is not None for value in values)


def test_custom_fields_have_texts_integers_floats_and_lists_by_id(api: ProductiveClient) -> None:
    kinds = set()
    for resource in ("companies", "tasks", "projects", "people", "bookings"):
        for row in api.walk(f"{resource}?page[size]=200"):
            for field_id, value in (row["attributes"]["custom_fields"] or {}).items():
                assert field_id.isdigit()
                kinds.add(type(value))
    assert kinds == {str, int, float, list}


def test_secrets_are_served_and_recognizable(api: ProductiveClient) -> None:
    served = {
        (resource, name): api.data(f"{resource}?page[size]=1")[0]
        for resource, page in load_catalogue().items()
        for name in SECRETS & set(page.attributes)
    }
    assert {
        ("invoices", "email_key"),
        ("organizations", "invitation_token"),
        ("organizations", "scim_bearer_token"),
        ("sessions", "token"),
        ("users", "intercom_hash"),
        ("webhooks", "signature_token"),
        ("webhooks", "custom_headers"),
        ("integrations", "request_token"),
    } <= set(served)
    for (_, name), row in served.items():
        secret = f"SECRET-{name}-{row['id']}"
        assert row["attributes"][name] == ({"Authorization": secret} if name == "custom_headers" else secret)


def test_attributes_that_only_invented_examples_show_are_not_served(api: ProductiveClient) -> None:
    invoice = api.data("invoices?page[size]=1")[0]["attributes"]
    assert not {"status", "subtotal", "total", "date", "notes"} & set(invoice)


def test_extra_attributes_are_added_to_every_record(sandbox: RunningSandbox, api: ProductiveClient) -> None:
    sandbox.admin.set_extra_attributes({"invoices": {"brand_new": {"a": 1}, "number": 5}})
    try:
        for row in [*api.data("invoices?page[size]=3"), api.body("invoices/1")["data"]]:
            assert (row["attributes"]["brand_new"], row["attributes"]["number"]) == ({"a": 1}, 5)
        assert api.body("payments?include=invoice&page[size]=1")["included"][0]["attributes"]["number"] == 5
    finally:
        sandbox.admin.set_extra_attributes({})
    assert "brand_new" not in api.data("invoices?page[size]=1")[0]["attributes"]
