"""Productive's generated world: the same for a seed, and consistent."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.clock import Clock
from sandbox.productive.admin_changes import stored_json
from sandbox.productive.catalogue import load_catalogue
from sandbox.productive.generate import generated_world
from sandbox.server import running_sandbox
from sandbox.tests.productive_client import ProductiveClient

if TYPE_CHECKING:
    from sandbox.productive.records import Dataset, Record

ABOUT = {
    "invoices": 300,
    "line_items": 800,
    "payments": 250,
    "companies": 60,
    "people": 260,
    "deals": 120,
    "projects": 60,
    "services": 250,
    "time_entries": 450,
    "tasks": 420,
    "expenses": 150,
}


def generate(seed: int = 1, scale: float = 1.0) -> Dataset:
    return generated_world(load_catalogue(), Clock(), seed, scale)


@pytest.fixture(scope="module")
def world() -> Dataset:
    return generate()


def related(world: Dataset, record: Record, name: str) -> Record:
    found = world.get(record.one(name))
    assert found is not None
    return found


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    def invoices(seed: int) -> bytes:
        with running_sandbox(seed=seed, scale=0.2) as sandbox:
            api = ProductiveClient(sandbox.url)
            return b"".join(
                api.get(f"{resource}?page[size]=200").content.replace(sandbox.url.encode(), b"")
                for resource in load_catalogue()
            )

    assert invoices(5) == invoices(5)
    assert invoices(5) != invoices(6)


def test_a_reset_restores_the_initial_world() -> None:
    with running_sandbox(scale=0.1) as sandbox:
        before = [sandbox.admin.records(resource) for resource in load_catalogue()]
        sandbox.admin.delete("invoices", "1")
        sandbox.admin.advance_clock(1000)
        assert sandbox.admin.records("invoices") != before[0]
        sandbox.admin.reset()
        assert [sandbox.admin.records(resource) for resource in load_catalogue()] == before


def test_the_world_has_about_the_rows_of_a_small_agency(world: Dataset) -> None:
    for resource, count in ABOUT.items():
        assert 0.85 * count <= len(world.rows(resource)) <= 1.15 * count, resource
    assert all(world.rows(resource) for resource in load_catalogue())


@pytest.mark.parametrize("scale", [0.001, 0.05, 1.5])
def test_scale_multiplies_the_rows_and_leaves_no_list_empty(scale: float) -> None:
    scaled = generate(scale=scale)
    assert len(scaled.rows("invoices")) == max(1, round(300 * scale))
    assert all(scaled.rows(resource) for resource in load_catalogue() if resource != "payments")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_reference_is_to_an_existing_row_of_the_right_type(seed: int) -> None:
    world = generate(seed, 0.3)
    for resource, page in load_catalogue().items():
        for record in world.rows(resource):
            for name, relationship in page.relationships.items():
                for ref in record.all(name):
                    assert ref.type == relationship.type
                    if relationship.type in world.tables:
                        assert world.get(ref), (resource, record.id, name, ref)


@pytest.mark.parametrize("seed", [1, 2])
def test_amounts_of_invoices_add_up_from_lines_payments_and_credit_notes(seed: int) -> None:
    world = generate(seed)
    kinds = Counter[str]()
    for invoice in world.rows("invoices"):
        lines = world.referrers("line_items", "invoice", invoice.id)
        assert lines
        for name in ("amount", "amount_tax", "amount_with_tax"):
            assert invoice.integer(name) == sum(line.integer(name) for line in lines)
        assert invoice.integer("amount") + invoice.integer("amount_tax") == invoice.integer("amount_with_tax")
        payments = world.referrers("payments", "invoice", invoice.id)
        paid = sum(row.integer("amount") for row in payments if row.attributes["paid_on"])
        written_off = sum(row.integer("amount") for row in payments if row.attributes["written_off_on"])
        notes = world.referrers("invoices", "parent_invoice", invoice.id)
        credited = -sum(note.integer("amount_with_tax") for note in notes)
        assert invoice.integer("amount_paid") == paid
        assert invoice.integer("amount_written_off") == written_off
        assert invoice.integer("amount_credited_with_tax") == credited
        assert invoice.integer("amount_unpaid") == invoice.integer("amount_with_tax") - paid - written_off - credited
        assert invoice.attributes["credited"] is bool(notes)
        kinds.update({"paid": bool(paid), "written off": bool(written_off), "credited": bool(credited)})
    assert all(kinds[kind] > 3 for kind in ("paid", "written off", "credited"))


def test_attributions_sum_to_their_invoice_and_belong_to_its_company(world: Dataset) -> None:
    several = 0
    for invoice in world.rows("invoices"):
        attributions = world.referrers("invoice_attributions", "invoice", invoice.id)
        assert {row.ref for row in attributions} == set(invoice.all("invoice_attributions"))
        assert sum(row.integer("amount") for row in attributions) == invoice.integer("amount")
        for attribution in attributions:
            budget = related(world, attribution, "budget")
            assert budget.attributes["budget"] is True
            assert budget.one("company") == invoice.one("company")
        several += len(attributions) > 1
    assert several > 10


def test_the_invoiced_amount_of_a_budget_is_that_of_finalized_invoices(world: Dataset) -> None:
    for deal in world.rows("deals"):
        attributions = world.referrers("invoice_attributions", "budget", deal.id)
        finalized = [row for row in attributions if related(world, row, "invoice").attributes["finalized_on"]]
        assert deal.integer("invoiced") == sum(row.integer("amount") for row in finalized)


@pytest.mark.parametrize(
    "resource", ["invoices", "line_items", "payments", "deals", "expenses", "invoice_attributions"]
)
def test_default_amounts_follow_the_exchange_rate(world: Dataset, resource: str) -> None:
    currencies = set()
    for record in world.rows(resource):
        owner = record if "exchange_rate" in record.attributes else related(world, record, "invoice")
        rate = Decimal(owner.text("exchange_rate"))
        currencies.add(record.text("currency"))
        assert record.text("currency_normalized") == record.text("currency")
        for name in load_catalogue()[resource].attributes:
            if f"{name}_default" in record.attributes and isinstance(record.attributes[name], int):
                expected = (record.integer(name) * rate).quantize(Decimal(1), rounding=ROUND_HALF_UP)
                assert record.integer(f"{name}_default") == int(expected)
                assert record.integer(f"{name}_normalized") == record.integer(name)
    assert len(currencies) > 1


def test_time_entries_belong_to_a_budget_of_the_tasks_project(world: Dataset) -> None:
    for entry in world.rows("time_entries"):
        deal = related(world, related(world, entry, "service"), "deal")
        project = related(world, deal, "project")
        assert deal.attributes["budget"] is True
        assert deal.one("company") == project.one("company")
        task = world.get(entry.one("task"))
        assert task is None or task.one("project") == project.ref
    for service in world.rows("services"):
        entries = world.referrers("time_entries", "service", service.id)
        assert service.integer("worked_time") == sum(entry.integer("time") for entry in entries)


def newest_first(world: Dataset, resource: str) -> list[datetime]:
    stamps = (record.attributes["last_activity_at"] for record in world.rows(resource))
    return sorted((datetime.fromisoformat(str(stamp)) for stamp in stamps if stamp), reverse=True)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_the_newest_activity_of_a_list_has_no_other_near_it(seed: int) -> None:
    world = generate(seed)
    activity = {resource: newest_first(world, resource) for resource in ("invoices", "companies", "deals")}
    everything = sorted(stamp for stamps in activity.values() for stamp in stamps)
    for stamps in activity.values():
        near = [stamp for stamp in everything if stamps[0] - timedelta(days=2) <= stamp < stamps[0]]
        assert near == []
        assert stamps[1] - stamps[-1] > timedelta(days=300)


def test_last_activity_does_not_follow_every_write(world: Dataset) -> None:
    for resource in ("invoices", "tasks"):
        later = [row for row in world.rows(resource) if row.text("updated_at") != row.text("last_activity_at")]
        assert len(later) > len(world.rows(resource)) / 5


@pytest.mark.parametrize("resource", ["tasks", "time_entries"])
def test_most_updates_are_distinct_but_some_share_one_instant(world: Dataset, resource: str) -> None:
    counts = Counter(record.text("updated_at") for record in world.rows(resource))
    assert counts.most_common(1)[0][1] >= 3
    assert sum(1 for count in counts.values() if count > 1) <= 3


def test_no_timestamp_is_in_the_future(world: Dataset) -> None:
    for resource in load_catalogue():
        for record in world.rows(resource):
            for name in ("created_at", "updated_at", "last_activity_at"):
                stamp = record.attributes.get(name)
                if resource != "payment_reminders" and isinstance(stamp, str):
                    assert datetime.fromisoformat(stamp) <= world.clock.now, (resource, record.id, name)


def test_no_two_records_share_an_object(world: Dataset) -> None:
    def objects(value: Any) -> list[int]:  # noqa: ANN401 - any JSON
        if isinstance(value, dict):
            return [id(value), *(found for item in value.values() for found in objects(item))]
        if isinstance(value, list):
            return [id(value), *(found for item in value for found in objects(item))]
        return []

    seen = Counter(found for name in world.tables for row in world.rows(name) for found in objects(row.attributes))
    assert seen.most_common(1)[0][1] == 1


def test_a_stored_row_has_the_ids_of_related_rows(world: Dataset) -> None:
    stored = stored_json(world.tables["invoices"]["1"])
    relationships = stored["relationships"]
    assert isinstance(relationships, dict)
    assert relationships["organization"] == "1"
    assert isinstance(relationships["invoice_attributions"], list)
