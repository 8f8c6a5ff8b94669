"""Generated rows: what an operator that buys fibre lines from Covage would see.

Fields are those of the documentation's tables and samples. The steps of an order's history, which are not documented,
and the fields of an order's detail beyond `cancellation_date` are invented.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from faker import Faker
from typing_extensions import override

from sandbox.clock import WORLD_START
from sandbox.seeded_random import seeded_random
from sandbox.tables import World

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from sandbox.clock import Clock
    from sandbox.json_types import JsonObject

COUNTS = {"invoices": 150, "orders": 60, "quotes": 25}
"""Rows at scale 1; the reference lists do not grow."""

DAYS = 720
"""The age of the oldest initial invoice, order and quote."""

PARIS = ZoneInfo("Europe/Paris")
SITES = 9
INVOICE_TYPES = ((1, "Standard Invoice"), (1, "Standard Invoice"), (1, "Standard Invoice"), (2, "Credit Note"))
OLDER_STATES = ("acknowledged", "in_progress", "completed", "cancelled")
NEWER_STATES = ("confirmed", "in_progress", "active", "rejected", "terminated")
"""The two revisions of the documentation of orders have different states."""

STEPS = ("production_manager_assigned", "optical_route_received", "technical_visit_planned")
QUOTE_STATES = ("acknowledged", "confirmed", "partial_ready", "ready", "partial_finalized", "finalized")
PROJECTS = ("FLASH", "CAMPUS", "LYON-EST", "MAIRIES-2025", "RETAIL", "TEST")
ENNIS = 12
CATEGORIES = ("BPE", "BPEA")


class CovageWorld(World):
    """Generates each row from its number."""

    def __init__(self, clock: Clock, seed: int, scale: float) -> None:
        """Generate rows from `seed` and `scale`; new ones are dated by `clock`."""
        self.keys = {
            "invoices": "invoice_number",
            "orders": "order_reference",
            "order_history": "key",
            "quotes": "id",
            "projects": "code",
            "ennis": "reference",
            "catalog_categories": "name",
        }
        self._factories = {
            "invoices": self._invoice,
            "orders": self._order,
            "order_history": self._step,
            "quotes": self._quote,
            "projects": self._project,
            "ennis": self._enni,
            "catalog_categories": self._category,
        }
        self._clock = clock
        self._seed = seed
        self._counts = {name: max(1, round(count * scale)) for name, count in COUNTS.items()}
        self._counts |= {"projects": len(PROJECTS), "ennis": ENNIS, "catalog_categories": len(CATEGORIES)}
        self._counts |= {"order_history": self._counts["orders"] * len(STEPS)}
        self._fake = Faker("fr_FR")

    @override
    def rows(self) -> Mapping[str, Sequence[JsonObject]]:
        rows = {
            name: [make(number) for number in range(1, self._counts[name] + 1)]
            for name, make in self._factories.items()
        }
        # Not every order has a history.
        rows["order_history"] = [row for row in rows["order_history"] if not str(row["order_reference"]).endswith("0")]
        return rows

    @override
    def new_row(self, resource: str, number: int) -> JsonObject:
        return self._factories[resource](number)

    @override
    def changed_on_update(self, resource: str) -> JsonObject:
        """Return the new `modification_date` of an order; no other resource has one."""
        return {"modification_date": utc(self._clock.tick())} if resource == "orders" else {}

    def _invoice(self, number: int) -> JsonObject:
        rng = seeded_random(self._seed, f"invoices:{number}")
        accounted = self._day("invoices", number)
        site = rng.randrange(1, SITES + 1)
        kind, label = rng.choice(INVOICE_TYPES)
        return {
            "invoice_number": f"FACTTSO{accounted:%y%m}{number:04}",
            "customer_name": "CLIENT EXEMPLE SA",
            "billing_site_ref": f"SITE{site:03}",
            "billing_site_name": self._name(f"sites:{site}"),
            "invoice_type": kind,
            "invoice_type_label": label,
            "accounting_date": accounted.isoformat(),
            "payment_deadline": (accounted + timedelta(days=30)).isoformat(),
        }

    def _order(self, number: int) -> JsonObject:
        rng = seeded_random(self._seed, f"orders:{number}")
        ordered = self._day("orders", number)
        new = number > self._counts["orders"]
        modified = (
            self._clock.now if new else min(midnight(ordered) + timedelta(hours=rng.randrange(9, 2000)), WORLD_START)
        )
        state = "acknowledged" if new else rng.choice(OLDER_STATES if number % 2 else NEWER_STATES)
        day = modified.date().isoformat()
        return {
            "modification_date": utc(modified),
            "order_reference": f"CMD_X_{number:08}",
            "id": f"PO_DC173_{ordered:%Y%m%d}_{number:06}",
            "order_date": ordered.isoformat(),
            "cancellation_date": day if state == "cancelled" else None,
            "cancellation_reason": "Doublon" if state == "cancelled" else "",
            "completion_date": day if state in {"completed", "active"} else None,
            "state": state,
            "project_id": rng.choice(["", "", *PROJECTS]),
            "offer_technology": rng.choice(["FIBDE", "FTTE", "FTTO"]),
            "commitment": rng.choice([12, 24, 36]),
            "external_id": f"EXT-{number}" if number % 3 else "",
            "enni_reference": f"CN{rng.randrange(1, ENNIS + 1):06}",
        }

    def _step(self, number: int) -> JsonObject:
        order, step = divmod(number - 1, len(STEPS))
        started = midnight(self._day("orders", order + 1))
        return {
            "key": f"{order + 1}:{step + 1}",
            "order_reference": f"CMD_X_{order + 1:08}",
            "step": STEPS[step],
            "date": utc(started + timedelta(days=step + 1, hours=9)),
            "comment": "",
        }

    def _quote(self, number: int) -> JsonObject:
        rng = seeded_random(self._seed, f"quotes:{number}")
        created = midnight(self._day("quotes", number)) + timedelta(hours=7, minutes=rng.randrange(500))
        return {
            "external_id": f"EXT{number}" if number % 4 else "",
            "project_id": rng.choice(["", *PROJECTS]),
            "id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
            "quote_date": (created + timedelta(hours=1)).astimezone(PARIS).isoformat(),
            "creation_date": created.astimezone(PARIS).isoformat(),
            "state": rng.choice(QUOTE_STATES),
        }

    def _project(self, number: int) -> JsonObject:
        code = PROJECTS[number - 1] if number <= len(PROJECTS) else f"PROJECT-{number}"
        ended = number % 3 == 0
        return {
            "code": code,
            "active": not ended,
            "start_date": "2000-01-01",
            "end_date": "2025-06-30" if ended else "2099-12-31",
            "code_client": "DC999",
        }

    def _enni(self, number: int) -> JsonObject:
        rng = seeded_random(self._seed, f"ennis:{number}")
        return {
            "code": str(719 + number),
            "name": self._name(f"ennis:{number}"),
            "short_name": f"DC{number:03}",
            "reference": f"CN{number:06}",
            "label": "Collecte Nationale Entreprise",
            "offer": rng.choice(CATEGORIES),
            "dsp": rng.choice(["", "CAPS", "HAUTE-SAVOIE"]),
            "delivery_mode": rng.choice(["L2", "L3"]),
            "active": number % 5 != 0,
        }

    def _category(self, number: int) -> JsonObject:
        name = CATEGORIES[number - 1] if number <= len(CATEGORIES) else f"CATEGORY-{number}"
        return {"name": name, "type": "OFFER_FAMILY", "description": ""}

    def _name(self, subject: str) -> str:
        self._fake.seed_instance(f"{self._seed}:{subject}")
        return self._fake.company()

    def _day(self, resource: str, number: int) -> date:
        """Return a row's day: evenly spread over `DAYS`, the newest one day before the world's; today for a new row."""
        count = self._counts[resource]
        if number > count:
            return self._clock.now.date()
        return (WORLD_START - timedelta(days=1 + DAYS * (count - number) // count)).date()


def midnight(day: date) -> datetime:
    """Return the instant at which a day begins, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=WORLD_START.tzinfo)


def utc(instant: datetime) -> str:
    """Format an instant with `Z`, as orders do."""
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"
