"""Companies, people, and their addresses."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sandbox.clock import WORLD_START
from sandbox.productive.generate.builder import (
    ACTIVITY_START,
    HISTORY_START,
    histories,
    maybe,
    random_instant,
    random_instants,
    refs,
    tags,
)
from sandbox.productive.generate.custom_fields import custom_values
from sandbox.productive.generate.settings import ARCHIVED, SUBSIDIARIES
from sandbox.productive.records import Ref
from sandbox.productive.timestamps import format_timestamp

if TYPE_CHECKING:
    import random

    from sandbox.json_types import Json
    from sandbox.productive.generate.builder import WorldBuilder
    from sandbox.productive.records import Record, Related

NEWEST_COMPANY = datetime(2026, 3, 7, 9, 41, 12, 318_000, tzinfo=UTC)
COMPANIES = 60
PEOPLE = 260
USERS_SHARE = 0.24
PLACEHOLDER_EVERY = 26
TAGS = ("key account", "agency", "partner", "retainer", "public sector")


def make_parties(builder: WorldBuilder) -> None:
    """Make companies first, as people belong to them."""
    _make_companies(builder)
    _make_people(builder)
    _make_contact_entries(builder)


def users(builder: WorldBuilder) -> list[Record]:
    """Return the organization's own people."""
    return [row for row in builder.rows("people") if row.attributes["is_user"]]


def _make_companies(builder: WorldBuilder) -> None:
    rng, fake = builder.rng("companies"), builder.fake
    count = builder.count(COMPANIES)
    for number, (stamps, _) in enumerate(histories(rng, count, NEWEST_COMPANY), start=1):
        name = fake.company()
        slug = name.lower().replace(" ", "-").replace(",", "").replace(".", "")
        parent = str(rng.randrange(1, number)) if number > 1 and rng.random() < 1 / 8 else None
        # A company without any activity has null (README 0.2); the newest always has some.
        idle = number % 9 == 0 and stamps["last_activity_at"] != format_timestamp(NEWEST_COMPANY)
        builder.add(
            "companies",
            number,
            {
                "name": name,
                "billing_name": maybe(rng, 0.6, f"{name} (accounts)"),
                "vat": maybe(rng, 0.8, f"HR{rng.randrange(10**10, 10**11)}"),
                "default_currency": rng.choice(["EUR", "EUR", "EUR", "USD", "GBP"]),
                "created_at": stamps["created_at"],
                "last_activity_at": None if idle else stamps["last_activity_at"],
                "archived_at": ARCHIVED if number % 10 == 0 else None,
                "company_code": maybe(rng, 0.7, f"C{number:04}"),
                "domain": maybe(rng, 0.5, f"{slug}.example"),
                "due_days": maybe(rng, 0.7, rng.choice([8, 15, 30, 60])),
                "tag_list": tags(rng, TAGS),
                "contact": _contact(builder, f"office@{slug}.example"),
                "invoice_email_recipients": {"to": [f"invoices@{slug}.example"], "cc": [], "bcc": []},
                "settings": {"exporter_options": {}, "invoicing_settings": {"group_by": "service"}},
                "custom_fields": custom_values(builder, rng, "companies"),
                "parent_company_id": parent,
                "projectless_budgets": rng.random() < 1 / 4,
                "default_subsidiary_id": 1 if number % 3 == 0 else None,
                "default_tax_rate_id": 1 if number % 4 == 0 else None,
                "description": maybe(rng, 0.3, fake.catch_phrase()),
            },
            {
                "parent_company": Ref("companies", parent) if parent else None,
                "default_subsidiary": Ref("subsidiaries", "1") if number % 3 == 0 else None,
                "default_tax_rate": Ref("tax_rates", "1") if number % 4 == 0 else None,
                "custom_field_people": (),
                "custom_field_attachments": (),
            },
        )


def _contact(builder: WorldBuilder, email: str) -> dict[str, Json]:
    return {
        "emails": [{"email": email, "name": "Work"}],
        "phones": [{"phone": builder.fake.phone_number(), "name": "Work"}],
        "websites": [],
        "addresses": [{"address": builder.fake.street_address(), "city": builder.fake.city(), "name": "Office"}],
    }


def _make_people(builder: WorldBuilder) -> None:
    rng = builder.rng("people")
    count = builder.count(PEOPLE)
    user_count = max(2, round(count * USERS_SHARE))
    created = random_instants(rng, count, HISTORY_START, WORLD_START - timedelta(days=10))
    for number, instant in enumerate(created, start=1):
        is_user = number <= user_count
        attributes = _person(builder, rng, number, instant, is_user=is_user)
        relationships: dict[str, Related] = {
            "custom_field_people": (),
            "custom_field_attachments": (),
            "service_types": (),
            "teams": (),
        }
        if is_user:
            relationships |= {
                "subsidiary": Ref("subsidiaries", str(1 + number % 3)),
                "manager": Ref("people", "1") if number > 1 else None,
                "custom_role": Ref("roles", str(1 + number % 4)),
                "job_role": Ref("job_roles", str(1 + number % 3)),
                "service_types": refs(rng.sample(builder.rows("service_types"), rng.choice([0, 1, 2]))),
                "teams": (Ref("teams", str(1 + number % 5)),),
            }
        else:
            relationships["company"] = rng.choice(builder.rows("companies")).ref
        builder.add("people", number, attributes, relationships)


def _person(
    builder: WorldBuilder, rng: random.Random, number: int, created: datetime, *, is_user: bool
) -> dict[str, Json]:
    fake = builder.fake
    first, last = fake.first_name(), fake.last_name()
    placeholder = not is_user and number % PLACEHOLDER_EVERY == 0
    leaver = is_user and number % 12 == 0
    email = f"{first}.{last}.{number}@{'northwind' if is_user else 'client'}.example".lower()
    seen = random_instant(rng, max(created, ACTIVITY_START), WORLD_START)
    return {
        "first_name": "Placeholder" if placeholder else first,
        "last_name": f"{number}" if placeholder else last,
        "email": None if placeholder else email,
        "title": maybe(rng, 0.6, fake.job()),
        "nickname": None,
        "is_user": is_user,
        "placeholder": placeholder,
        "virtual": placeholder,
        "hrm_type_id": 1 if is_user else 2,
        "user_id": 5000 + number if is_user else None,
        "role_id": rng.choice([1, 2, 3]) if is_user else None,
        "created_at": format_timestamp(created),
        "joined_at": format_timestamp(created + timedelta(hours=3)) if is_user else None,
        "invited_at": format_timestamp(created + timedelta(minutes=5)) if is_user else None,
        "last_seen_at": format_timestamp(seen) if is_user else None,
        "last_activity_at": format_timestamp(seen),
        "archived_at": ARCHIVED if number % 17 == 0 else None,
        "deactivated_at": format_timestamp(WORLD_START - timedelta(days=40 + number)) if leaver else None,
        "availabilities": json.dumps([["2024-04-01", None, [8, 8, 8, 8, 8, 0, 0]]]) if is_user else None,
        "contact": _contact(builder, email),
        "custom_fields": custom_values(builder, rng, "people"),
        "tag_list": tags(rng, TAGS),
        "offboarding_status": "completed" if leaver else "not_initiated",
        "two_factor_auth": rng.random() < 1 / 2 if is_user else None,
        "color_id": str(rng.randrange(1, 9)),
        "champion": number % 20 == 0,
    }


def _make_contact_entries(builder: WorldBuilder) -> None:
    """Make the subsidiaries' own addresses first, as `bill_from` refers to them."""
    fake = builder.fake
    names: list[tuple[str, Ref]] = [
        *((name, Ref("subsidiaries", str(number))) for number, name in enumerate(SUBSIDIARIES, start=1)),
        *((company.text("name"), company.ref) for company in builder.rows("companies")),
    ]
    for number, (name, owner) in enumerate(names, start=1):
        kind = "subsidiary" if owner.type == "subsidiaries" else "company"
        builder.add(
            "contact_entries",
            number,
            {
                "name": name,
                "contactable_type": kind,
                "type": "bill_from" if kind == "subsidiary" else "bill_to",
                "type_name": "Bill from" if kind == "subsidiary" else "Bill to",
                "address": fake.street_address(),
                "city": fake.city(),
                "zipcode": fake.postcode(),
                "country": "Croatia" if kind == "subsidiary" else fake.country(),
                "email": f"billing{number}@client.example",
                "billing_address": True,
                "vat": f"HR{40_000_000_000 + number}",
            },
            {kind: owner},
        )
