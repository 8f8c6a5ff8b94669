"""A Romanian shop's invoices, clients, products and receipts.

The vendor publishes no field of any record: ALL attributes here are our invention, in the manner of a Laravel
application (integer ids, money as texts, `created_at` as a text, nested objects). Nothing about the real API follows
from them. Some are there for what they do to a schema that is made from a sample: `canceled_at` and `observations` are
null in the first rows, and `efactura_index` is missing in them.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from faker import Faker

from sandbox.chance import chance_of
from sandbox.clock import WORLD_START
from sandbox.tables import World

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sandbox.clock import Clock
    from sandbox.json_types import JsonObject

COUNTS = {"invoices": 100, "clients": 40, "products": 30, "receipts": 60}
"""Rows at scale 1; the other lists do not grow."""

FIXED_COUNTS = {"document_series": 3, "branch_offices": 2, "inventories": 2, "templates": 4}
DAYS = 500
"""The span that the rows at the start were made in."""

QUIET_ROWS = 20
"""Rows at the beginning that lack what others have: more than a page."""

CENT = Decimal("0.01")
VAT_CHANGE = "2025-08-01"
UNITS = ("buc", "ora", "kg", "luna")
SERIES = (("FCT", "invoice"), ("CHT", "receipt"), ("PRF", "proforma"))
CITIES = (("București", "B"), ("Cluj-Napoca", "CJ"), ("Iași", "IS"), ("Timișoara", "TM"))


class TwoInvoiceWorld(World):
    """Rows made one by one, each from its number, which is its id."""

    def __init__(self, clock: Clock, seed: int, scale: float) -> None:
        """Make the rows of `seed` and `scale`; new ones are dated by `clock`."""
        self._makers = {
            "clients": self._client,
            "products": self._product,
            "invoices": self._invoice,
            "receipts": self._receipt,
            "document_series": self._series,
            "branch_offices": self._branch_office,
            "inventories": self._inventory,
            "templates": self._template,
        }
        self.keys = dict.fromkeys(self._makers, "id")
        self._clock = clock
        self._seed = seed
        self._counts = {name: max(1, round(count * scale)) for name, count in COUNTS.items()} | FIXED_COUNTS
        self._fake = Faker("ro_RO")

    def rows(self) -> Mapping[str, Sequence[JsonObject]]:
        """All rows as at the start."""
        return {
            name: [make(number) for number in range(1, self._counts[name] + 1)] for name, make in self._makers.items()
        }

    def blank(self, resource: str, number: int) -> JsonObject:
        """A new row, complete like the others."""
        return self._makers[resource](number)

    def touched(self, resource: str) -> JsonObject:
        """Rows say when they were written last."""
        written = self._clock.tick()
        return {"updated_at": plain(written) if resource in {"invoices", "receipts"} else iso(written)}

    def _client(self, number: int) -> JsonObject:
        chance = self._chance("clients", number)
        city, county = chance.choice(CITIES)
        company = chance.random() < 3 / 4
        return {
            "id": number,
            "name": self._fake.company() if company else self._fake.name(),
            "is_company": company,
            "cif": f"RO{chance.randrange(10**6, 10**8)}" if company else None,
            "reg_com": f"J{chance.randrange(1, 40):02}/{chance.randrange(1, 5000)}/20{chance.randrange(10, 26)}"
            if company
            else None,
            "address": self._fake.street_address(),
            "city": city,
            "county": county,
            "country": "RO",
            "email": self._fake.email() if chance.random() < 2 / 3 else None,
            "balance": price_of(chance),
            **self._written("clients", number, chance, iso),
        }

    def _product(self, number: int) -> JsonObject:
        chance = self._chance("products", number)
        return {
            "id": number,
            "code": f"P-{number:04}" if chance.random() < 3 / 4 else None,
            "name": self._fake.word().capitalize(),
            "unit": chance.choice(UNITS),
            "price": price_of(chance),
            "vat_percentage": chance.choice([9, 11, 19, 21]),
            "stock": chance.choice([None, chance.randrange(500), chance.randrange(500) + 0.5]),
            **self._written("products", number, chance, iso),
        }

    def _invoice(self, number: int) -> JsonObject:
        chance = self._chance("invoices", number)
        made = self._instant("invoices", number)
        day = made.date()
        vat = 19 if day.isoformat() < VAT_CHANGE else 21
        lines = [self._line(chance, vat) for _ in range(chance.randrange(1, 5))]
        net = sum((Decimal(line["total_without_vat"]) for line in lines), Decimal(0))
        tax = sum((Decimal(line["total_vat"]) for line in lines), Decimal(0))
        client = self._client(chance.randrange(1, self._counts["clients"] + 1))
        quiet = number <= QUIET_ROWS
        row: JsonObject = {
            "id": number,
            "document_series_id": 1,
            "series": "FCT",
            "number": 1000 + number,
            "client_id": client["id"],
            "client": {name: client[name] for name in ("id", "name", "cif", "email")},
            "branch_office_id": chance.choice([None, 1, 2]),
            "template_id": chance.randrange(1, FIXED_COUNTS["templates"] + 1),
            "issue_date": day.isoformat(),
            "due_date": (day + timedelta(days=chance.choice([15, 30]))).isoformat(),
            "currency": chance.choice(["RON", "RON", "RON", "RON", "EUR"]),
            "exchange_rate": "1.0000",
            "total_without_vat": str(net),
            "total_vat": str(tax),
            "total": str(net + tax),
            "products": lines,
            "storno": False,
            "observations": None if quiet or chance.random() < 1 / 2 else self._fake.sentence(),
            "canceled_at": plain(made + timedelta(days=3)) if not quiet and number % 17 == 0 else None,
            **self._written("invoices", number, chance, plain),
        }
        if row["currency"] == "EUR":
            row["exchange_rate"] = "4.9765"
        if not quiet and number % 2 == 0:
            row["efactura_index"] = str(5_000_000_000 + number)
        return row

    def _line(self, chance: random.Random, vat: int) -> dict[str, Any]:
        quantity = Decimal(chance.choice(["1.00", "2.00", "2.50", "12.00"]))
        price = Decimal(price_of(chance))
        net = (quantity * price).quantize(CENT, ROUND_HALF_UP)
        product = self._product(chance.randrange(1, self._counts["products"] + 1))
        return {
            "product_id": product["id"],
            "name": product["name"],
            "unit": product["unit"],
            "quantity": str(quantity),
            "price": str(price),
            "vat_percentage": vat,
            "total_without_vat": str(net),
            "total_vat": str((net * vat / 100).quantize(CENT, ROUND_HALF_UP)),
        }

    def _receipt(self, number: int) -> JsonObject:
        chance = self._chance("receipts", number)
        invoice = self._invoice(1 + (number - 1) % self._counts["invoices"])
        return {
            "id": number,
            "document_series_id": 2,
            "series": "CHT",
            "number": 500 + number,
            "invoice_id": invoice["id"],
            "client_id": invoice["client_id"],
            "client": invoice["client"],
            "amount": invoice["total"],
            "currency": invoice["currency"],
            "payment_method": chance.choice(["cash", "card", "bank_transfer"]),
            "date": invoice["due_date"],
            **self._written("receipts", number, chance, plain),
        }

    def _series(self, number: int) -> JsonObject:
        chance = self._chance("document_series", number)
        name, kind = SERIES[(number - 1) % len(SERIES)]
        return {
            "id": number,
            "name": name if number <= len(SERIES) else f"{name}{number}",
            "type": kind,
            "next_number": chance.randrange(1, 5000),
            "is_default": number == 1,
            **self._written("document_series", number, chance, iso),
        }

    def _branch_office(self, number: int) -> JsonObject:
        chance = self._chance("branch_offices", number)
        city, county = CITIES[(number - 1) % len(CITIES)]
        return {
            "id": number,
            "name": f"Punct de lucru {city}",
            "address": self._fake.street_address(),
            "city": city,
            "county": county,
            **self._written("branch_offices", number, chance, iso),
        }

    def _inventory(self, number: int) -> JsonObject:
        chance = self._chance("inventories", number)
        return {
            "id": number,
            "name": f"Gestiune {number}",
            "branch_office_id": 1 + (number - 1) % FIXED_COUNTS["branch_offices"],
            "valuation": chance.choice(["fifo", "cmp"]),
            **self._written("inventories", number, chance, iso),
        }

    def _template(self, number: int) -> JsonObject:
        chance = self._chance("templates", number)
        return {
            "id": number,
            "name": f"Model {number}",
            "color": f"#{chance.randrange(0x1000000):06x}",
            "is_default": number == 1,
            **self._written("templates", number, chance, iso),
        }

    def _chance(self, resource: str, number: int) -> random.Random:
        """The chance of one row, for names too."""
        self._fake.seed_instance(f"{self._seed}:{resource}:{number}")
        return chance_of(self._seed, f"{resource}:{number}")

    def _written(self, resource: str, number: int, chance: random.Random, write: Any) -> JsonObject:  # noqa: ANN401
        made = self._instant(resource, number)
        changed = min(made + timedelta(minutes=chance.randrange(40_000)), max(WORLD_START, made))
        return {"created_at": write(made), "updated_at": write(changed)}

    def _instant(self, resource: str, number: int) -> datetime:
        """When a row was made: evenly over the span; now if it is new."""
        count = self._counts[resource]
        if number > count:
            return self._clock.now
        return WORLD_START - timedelta(hours=1, days=DAYS * (count - number) / count)


def price_of(chance: random.Random) -> str:
    """A price as a text, e.g. `119.00`."""
    return str(Decimal(chance.randrange(100, 90_000)) / 100 + Decimal("0.00"))


def plain(instant: datetime) -> str:
    """An instant as Laravel writes it into its database."""
    return f"{instant:%Y-%m-%d %H:%M:%S}"


def iso(instant: datetime) -> str:
    """An instant as Laravel writes it into JSON since its version 7."""
    return f"{instant:%Y-%m-%dT%H:%M:%S.%fZ}"
