"""Generated rows: a Romanian shop's invoices, clients, products and receipts.

The vendor documents no field of any record: ALL attributes here are invented, in the style of a Laravel application
(integer ids, money and `created_at` as texts, nested objects). They imply nothing about the real API. Some exist to
test schemas that are inferred from a sample: `canceled_at` and `observations` are null in the first rows, and
`efactura_index` is missing from them.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

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
    from sandbox.json_types import JsonObject

COUNTS = {"invoices": 100, "clients": 40, "products": 30, "receipts": 60}
"""Rows at scale 1; the other lists do not grow."""

FIXED_COUNTS = {"document_series": 3, "branch_offices": 2, "inventories": 2, "templates": 4}
DAYS = 500
"""The age of the oldest initial row."""

SPARSE_ROWS = 20
"""The number of first rows that lack values which others have: more than a page."""

CENT = Decimal("0.01")
VAT_CHANGE = "2025-08-01"
UNITS = ("buc", "ora", "kg", "luna")
SERIES = (("FCT", "invoice"), ("CHT", "receipt"), ("PRF", "proforma"))
CITIES = (("București", "B"), ("Cluj-Napoca", "CJ"), ("Iași", "IS"), ("Timișoara", "TM"))


class TwoInvoiceWorld(World):
    """Generates each row from its number, which is its id."""

    def __init__(self, clock: Clock, seed: int, scale: float) -> None:
        """Generate rows from `seed` and `scale`; new ones are dated by `clock`."""
        self._factories = {
            "clients": self._client,
            "products": self._product,
            "invoices": self._invoice,
            "receipts": self._receipt,
            "document_series": self._series,
            "branch_offices": self._branch_office,
            "inventories": self._inventory,
            "templates": self._template,
        }
        self.keys = dict.fromkeys(self._factories, "id")
        self._clock = clock
        self._seed = seed
        self._counts = {name: max(1, round(count * scale)) for name, count in COUNTS.items()} | FIXED_COUNTS
        self._fake = Faker("ro_RO")

    @override
    def rows(self) -> Mapping[str, Sequence[JsonObject]]:
        return {
            name: [make(number) for number in range(1, self._counts[name] + 1)]
            for name, make in self._factories.items()
        }

    @override
    def new_row(self, resource: str, number: int) -> JsonObject:
        return self._factories[resource](number)

    @override
    def changed_on_update(self, resource: str) -> JsonObject:
        written = self._clock.tick()
        return {
            "updated_at": database_timestamp(written)
            if resource in {"invoices", "receipts"}
            else json_timestamp(written)
        }

    def _client(self, number: int) -> JsonObject:
        rng = self._rng("clients", number)
        city, county = rng.choice(CITIES)
        company = rng.random() < 3 / 4
        return {
            "id": number,
            "name": self._fake.company() if company else self._fake.name(),
            "is_company": company,
            "cif": f"RO{rng.randrange(10**6, 10**8)}" if company else None,
            "reg_com": f"J{rng.randrange(1, 40):02}/{rng.randrange(1, 5000)}/20{rng.randrange(10, 26)}"
            if company
            else None,
            "address": self._fake.street_address(),
            "city": city,
            "county": county,
            "country": "RO",
            "email": self._fake.email() if rng.random() < 2 / 3 else None,
            "balance": random_price(rng),
            **self._timestamps("clients", number, rng, json_timestamp),
        }

    def _product(self, number: int) -> JsonObject:
        rng = self._rng("products", number)
        return {
            "id": number,
            "code": f"P-{number:04}" if rng.random() < 3 / 4 else None,
            "name": self._fake.word().capitalize(),
            "unit": rng.choice(UNITS),
            "price": random_price(rng),
            "vat_percentage": rng.choice([9, 11, 19, 21]),
            "stock": rng.choice([None, rng.randrange(500), rng.randrange(500) + 0.5]),
            **self._timestamps("products", number, rng, json_timestamp),
        }

    def _invoice(self, number: int) -> JsonObject:
        rng = self._rng("invoices", number)
        created = self._instant("invoices", number)
        day = created.date()
        vat = 19 if day.isoformat() < VAT_CHANGE else 21
        lines = [self._line(rng, vat) for _ in range(rng.randrange(1, 5))]
        net = sum((Decimal(line["total_without_vat"]) for line in lines), Decimal(0))
        tax = sum((Decimal(line["total_vat"]) for line in lines), Decimal(0))
        client = self._client(rng.randrange(1, self._counts["clients"] + 1))
        is_sparse = number <= SPARSE_ROWS
        row: JsonObject = {
            "id": number,
            "document_series_id": 1,
            "series": "FCT",
            "number": 1000 + number,
            "client_id": client["id"],
            "client": {name: client[name] for name in ("id", "name", "cif", "email")},
            "branch_office_id": rng.choice([None, 1, 2]),
            "template_id": rng.randrange(1, FIXED_COUNTS["templates"] + 1),
            "issue_date": day.isoformat(),
            "due_date": (day + timedelta(days=rng.choice([15, 30]))).isoformat(),
            "currency": rng.choice(["RON", "RON", "RON", "RON", "EUR"]),
            "exchange_rate": "1.0000",
            "total_without_vat": str(net),
            "total_vat": str(tax),
            "total": str(net + tax),
            "products": lines,
            "storno": False,
            "observations": None if is_sparse or rng.random() < 1 / 2 else self._fake.sentence(),
            "canceled_at": database_timestamp(created + timedelta(days=3))
            if not is_sparse and number % 17 == 0
            else None,
            **self._timestamps("invoices", number, rng, database_timestamp),
        }
        if row["currency"] == "EUR":
            row["exchange_rate"] = "4.9765"
        if not is_sparse and number % 2 == 0:
            row["efactura_index"] = str(5_000_000_000 + number)
        return row

    def _line(self, rng: random.Random, vat: int) -> dict[str, Any]:
        quantity = Decimal(rng.choice(["1.00", "2.00", "2.50", "12.00"]))
        price = Decimal(random_price(rng))
        net = (quantity * price).quantize(CENT, ROUND_HALF_UP)
        product = self._product(rng.randrange(1, self._counts["products"] + 1))
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
        rng = self._rng("receipts", number)
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
            "payment_method": rng.choice(["cash", "card", "bank_transfer"]),
            "date": invoice["due_date"],
            **self._timestamps("receipts", number, rng, database_timestamp),
        }

    def _series(self, number: int) -> JsonObject:
        rng = self._rng("document_series", number)
        name, kind = SERIES[(number - 1) % len(SERIES)]
        return {
            "id": number,
            "name": name if number <= len(SERIES) else f"{name}{number}",
            "type": kind,
            "next_number": rng.randrange(1, 5000),
            "is_default": number == 1,
            **self._timestamps("document_series", number, rng, json_timestamp),
        }

    def _branch_office(self, number: int) -> JsonObject:
        rng = self._rng("branch_offices", number)
        city, county = CITIES[(number - 1) % len(CITIES)]
        return {
            "id": number,
            "name": f"Punct de lucru {city}",
            "address": self._fake.street_address(),
            "city": city,
            "county": county,
            **self._timestamps("branch_offices", number, rng, json_timestamp),
        }

    def _inventory(self, number: int) -> JsonObject:
        rng = self._rng("inventories", number)
        return {
            "id": number,
            "name": f"Gestiune {number}",
            "branch_office_id": 1 + (number - 1) % FIXED_COUNTS["branch_offices"],
            "valuation": rng.choice(["fifo", "cmp"]),
            **self._timestamps("inventories", number, rng, json_timestamp),
        }

    def _template(self, number: int) -> JsonObject:
        rng = self._rng("templates", number)
        return {
            "id": number,
            "name": f"Model {number}",
            "color": f"#{rng.randrange(0x1000000):06x}",
            "is_default": number == 1,
            **self._timestamps("templates", number, rng, json_timestamp),
        }

    def _rng(self, resource: str, number: int) -> random.Random:
        """Return the random generator of one row, and seed its names."""
        self._fake.seed_instance(f"{self._seed}:{resource}:{number}")
        return seeded_random(self._seed, f"{resource}:{number}")

    def _timestamps(self, resource: str, number: int, rng: random.Random, write: Any) -> JsonObject:  # noqa: ANN401
        created = self._instant(resource, number)
        changed = min(created + timedelta(minutes=rng.randrange(40_000)), max(WORLD_START, created))
        return {"created_at": write(created), "updated_at": write(changed)}

    def _instant(self, resource: str, number: int) -> datetime:
        """Return when a row was created: evenly spread over `DAYS`; now for a new row."""
        count = self._counts[resource]
        if number > count:
            return self._clock.now
        return WORLD_START - timedelta(hours=1, days=DAYS * (count - number) / count)


def random_price(rng: random.Random) -> str:
    """Return a price as a text, e.g. `119.00`."""
    return str(Decimal(rng.randrange(100, 90_000)) / 100 + Decimal("0.00"))


def database_timestamp(instant: datetime) -> str:
    """Format an instant as Laravel writes it to its database."""
    return f"{instant:%Y-%m-%d %H:%M:%S}"


def json_timestamp(instant: datetime) -> str:
    """Format an instant as Laravel writes it to JSON since version 7."""
    return f"{instant:%Y-%m-%dT%H:%M:%S.%fZ}"
