"""Generated rows: a freelancer's invoices and prompts.

The documentation elides the elements of nested lists. Here they follow the vendor's older open-source apps, which
disagree with each other: the web app wrote quantities and prices as strings, the macOS app as numbers. Some invoices
follow one, some the other, and some mix both (inferred).
"""

from __future__ import annotations

import string
import uuid
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from faker import Faker
from typing_extensions import override

from sandbox.clock import WORLD_START
from sandbox.seeded_random import seeded_random
from sandbox.tables import World

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sandbox.clock import Clock
    from sandbox.json_types import Json, JsonObject

INVOICES = 250
PROMPTS = 30
DAYS = 800
"""The age of the oldest initial invoice."""

CENT = Decimal("0.01")
CURRENCIES = (("USD", "US"), ("USD", "US"), ("EUR", "EE"), ("GBP", "GB"))
LABELS = (("Consulting", "#3b82f6"), ("Development", "#10b981"), ("Design", "#f59e0b"), ("Retainer", "#8b5cf6"))
WORK = ("Consulting", "Development", "Design review", "Support", "Workshop", "Hosting", "Translation")
PAID_SHARE = 0.7
AS_STRINGS, AS_NUMBERS, MIXED = 0, 1, 2
"""The type of quantities and prices in an invoice."""


class InvobiWorld(World):
    """Generates each row from its number."""

    def __init__(self, clock: Clock, seed: int, scale: float) -> None:
        """Generate rows from `seed` and `scale`; new ones are dated by `clock`."""
        self.keys = {"invoices": "id", "prompts": "id"}
        self._clock = clock
        self._seed = seed
        self._invoices = max(1, round(INVOICES * scale))
        self._prompts = max(1, round(PROMPTS * scale))
        self._fake = Faker("en_US")

    @override
    def rows(self) -> Mapping[str, Sequence[JsonObject]]:
        return {
            "invoices": [self._invoice(number) for number in range(1, self._invoices + 1)],
            "prompts": [self._prompt(number) for number in range(1, self._prompts + 1)],
        }

    @override
    def new_row(self, resource: str, number: int) -> JsonObject:
        return self._invoice(number) if resource == "invoices" else self._prompt(number)

    def _invoice(self, number: int) -> JsonObject:
        rng = seeded_random(self._seed, f"invoices:{number}")
        self._fake.seed_instance(f"{self._seed}:invoices:{number}")
        issued = self._instant(number, self._invoices).date()
        due = issued + timedelta(days=rng.choice([14, 30, 30, 60]))
        old = number <= self._invoices and (WORLD_START.date() - issued).days > 1
        paid = min(issued + timedelta(days=rng.randrange(1, 50)), WORLD_START.date())
        currency, locale = rng.choice(CURRENCIES)
        items, subtotal = _items(rng, number)
        discounts, reduced = _discounts(rng, number, subtotal)
        taxes, total = _taxes(rng, number, reduced)
        return {
            "id": "".join(rng.choices(string.ascii_lowercase + string.digits, k=12)),
            "title": f"Invoice #{number:03}",
            "issued_at": issued.isoformat(),
            "due_at": due.isoformat(),
            "paid_at": paid.isoformat() if old and rng.random() < PAID_SHARE else None,
            "currency": currency,
            "locale": locale,
            "from_details": _fields("FROM", Name="John Smith", Company="Smith LLC", Email="john@smith.example"),
            "to_details": _fields("TO", Company=self._fake.company(), Address=self._fake.address()),
            "items": items,
            "discounts": discounts,
            "taxes": taxes,
            "payment_details": _fields("PAYMENT_DETAILS", IBAN=self._fake.iban(), **{"Amount due": str(total)}),
        }

    def _prompt(self, number: int) -> JsonObject:
        rng = seeded_random(self._seed, f"prompts:{number}")
        self._fake.seed_instance(f"{self._seed}:prompts:{number}")
        labels = rng.sample(LABELS, rng.choice([0, 1, 1, 2]))
        hours, work = rng.randrange(1, 60), rng.choice(WORK).lower()
        return {
            "id": f"prompt-{number}",
            "user_id": "user-456",
            "prompt_text": f"Invoice {self._fake.company()} for {hours} hours of {work} at ${hours + 70}/hour.",
            "labels": [{"name": name, "color": color} for name, color in labels],
            "created_at": f"{self._instant(number, self._prompts):%Y-%m-%dT%H:%M:%SZ}",
        }

    def _instant(self, number: int, count: int) -> datetime:
        """Return when a row was created: evenly spread over `DAYS` before the world's time; now for a new row."""
        if number > count:
            return self._clock.now
        return WORLD_START - timedelta(hours=1, days=DAYS * (count - number) / count)


def _items(rng: random.Random, number: int) -> tuple[list[Json], Decimal]:
    """Return items and their subtotal."""
    written: list[Json] = []
    subtotal = Decimal(0)
    for order in range(rng.randrange(1, 6)):
        quantity = Decimal(rng.choice(["1", "2", "7.5", "10", "40"]))
        price = Decimal(rng.randrange(900, 19_000)) / 100
        subtotal += quantity * price
        written.append(_item(rng, number % 3, order, quantity, price))
    return written, subtotal


def _item(rng: random.Random, style: int, order: int, quantity: Decimal, price: Decimal) -> Json:
    name = rng.choice(WORK)
    if style == AS_STRINGS:
        key = str(uuid.UUID(int=rng.getrandbits(128), version=4))
        return {"id": key, "name": name, "qty": str(quantity), "price": str(price)}
    if style == AS_NUMBERS:
        return {"name": name, "order": order, "price": json_number(price), "qty": json_number(quantity)}
    return {"name": name, "order": order, "price": str(price), "qty": json_number(quantity)}


def _discounts(rng: random.Random, number: int, subtotal: Decimal) -> tuple[list[Json], Decimal]:
    """Return the discounts, present on every fourth invoice, and the reduced amount."""
    if number % 4:
        return [], subtotal
    percentage: int | str | None = None
    value = Decimal(rng.randrange(100, 900)) / 100
    if number % 8 == 0:
        percentage = rng.choice([5, 10]) if number % 16 else "7.5"
        value = (subtotal * Decimal(str(percentage)) / 100).quantize(CENT)
    discount: Json = {
        "name": "Returning customer",
        "order": 0,
        "percentage": percentage,
        "useValue": percentage is None,
        "value": str(value),
    }
    return [discount], subtotal - value


def _taxes(rng: random.Random, number: int, amount: Decimal) -> tuple[list[Json], Decimal]:
    """Return the taxes, present on most invoices, and the total due, rounded to cents."""
    if number % 5 == 0:
        return [], amount.quantize(CENT)
    percentage = rng.choice([10, 20, 22]) if number % 7 else "8.875"
    tax: Json = {"name": "VAT", "order": 0, "percentage": percentage}
    return [tax], (amount * (1 + Decimal(str(percentage)) / 100)).quantize(CENT)


def _fields(location: str, **values: str) -> list[Json]:
    return [
        {"label": label, "value": value, "location": location, "order": order}
        for order, (label, value) in enumerate(values.items())
    ]


def json_number(value: Decimal) -> Json:
    """Return a decimal as a JSON number with the same digits, an integer if it is whole."""
    return int(value) if value == value.to_integral_value() else float(value)
