"""Custom fields: definitions, options, and values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.server import running_sandbox
from sandbox.tests.productive_client import ProductiveClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.admin_client import StoredRecord
    from sandbox.server import RunningSandbox

TEXT, NUMBER, SELECT, DATE, MULTI, PERSON, FILE = range(1, 8)
RESOURCES = {
    "bookings": "bookings",
    "companies": "companies",
    "deals": "deals",
    "expenses": "project_expenses",
    "invoices": "invoices",
    "people": "people",
    "projects": "projects",
    "services": "services",
    "tasks": "tasks",
}
"""Per list the `customizable_type` of its fields."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox() as running:
        running.admin.set_limits([])
        yield running


@pytest.fixture(scope="module")
def fields(sandbox: RunningSandbox) -> dict[str, StoredRecord]:
    return {row["id"]: row for row in sandbox.admin.records("custom_fields")}


def test_there_is_a_custom_field_of_every_type(fields: dict[str, StoredRecord]) -> None:
    assert {row["attributes"]["data_type_id"] for row in fields.values()} == set(range(TEXT, FILE + 1))


def test_options_belong_to_the_select_fields_that_have_them(
    sandbox: RunningSandbox, fields: dict[str, StoredRecord]
) -> None:
    options = sandbox.admin.records("custom_field_options")
    for field in fields.values():
        theirs = [row["id"] for row in options if row["relationships"]["custom_field"] == field["id"]]
        assert field["relationships"]["options"] == theirs
        assert bool(theirs) is (field["attributes"]["data_type_id"] in {SELECT, MULTI})


@pytest.mark.parametrize(("resource", "kind"), RESOURCES.items())
def test_values_have_their_fields_type(
    sandbox: RunningSandbox, fields: dict[str, StoredRecord], resource: str, kind: str
) -> None:
    people = {row["id"] for row in sandbox.admin.records("people")}
    files = {row["id"] for row in sandbox.admin.records("attachments")}
    seen = set()
    for row in sandbox.admin.records(resource):
        for field_id, value in (row["attributes"]["custom_fields"] or {}).items():
            field = fields[field_id]
            assert field["attributes"]["customizable_type"] == kind
            data_type = field["attributes"]["data_type_id"]
            seen.add(data_type)
            if data_type == NUMBER:
                assert isinstance(value, int | float)
            elif data_type == MULTI:
                assert set(value) <= set(field["relationships"]["options"] or ())
            else:
                assert isinstance(value, str)
            if data_type in {SELECT, PERSON, FILE}:
                options = set(field["relationships"]["options"] or ())
                assert value in {SELECT: options, PERSON: people, FILE: files}[data_type]
    assert seen


def test_custom_fields_of_persons_and_files_are_relationships_too(
    sandbox: RunningSandbox, fields: dict[str, StoredRecord]
) -> None:
    api = ProductiveClient(sandbox.url)
    rows = api.data(
        "bookings?include=custom_field_people,custom_field_attachments&filter[with_draft]=true&page[size]=200"
    )
    linked = 0
    for row in rows:
        for name, kind in (("custom_field_people", PERSON), ("custom_field_attachments", FILE)):
            values = row["attributes"]["custom_fields"] or {}
            expected = [value for key, value in values.items() if fields[key]["attributes"]["data_type_id"] == kind]
            assert [ref["id"] for ref in row["relationships"][name]["data"]] == expected
            linked += len(expected)
    assert linked > 10


def test_a_booking_has_its_persons_custom_field_values(sandbox: RunningSandbox) -> None:
    people = {row["id"]: row["attributes"]["custom_fields"] for row in sandbox.admin.records("people")}
    shown = {
        row["id"]: (row["attributes"]["people_custom_fields"], people[str(row["relationships"]["person"])])
        for row in sandbox.admin.records("bookings")
    }
    assert any(values for values, _ in shown.values())
    assert all(values == theirs for values, theirs in shown.values())
    field_id, value = next((item for values, _ in shown.values() for item in (values or {}).items()))
    wanted = value[0] if isinstance(value, list) else value
    found = ProductiveClient(sandbox.url).ids(
        f"bookings?filter[people_custom_fields][{field_id}][eq]={wanted}&filter[with_draft]=true&page[size]=200"
    )
    assert set(found) == {
        row_id
        for row_id, (values, _) in shown.items()
        if (values or {}).get(field_id) is not None
        and wanted in (values[field_id] if isinstance(values[field_id], list) else [values[field_id]])
    }
