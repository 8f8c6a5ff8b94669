"""Money and its variants: `_default` in the organization's currency, `_normalized` in the record's own (README 7)."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.json_types import Json

ORGANIZATION_CURRENCY = "EUR"

RATES = {"EUR": "1.0", "USD": "0.9215", "GBP": "1.1683"}
"""The value of one unit of each currency in the organization's currency."""


def rounded(cents: Decimal) -> int:
    """Round to whole cents, half up, as in the documentation's examples (3750 at 1.25 is 4688)."""
    return int(cents.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def in_cents(name: str, cents: int, rate: str) -> dict[str, Json]:
    """Return an amount and its variants in integer cents."""
    return {name: cents, f"{name}_default": rounded(cents * Decimal(rate)), f"{name}_normalized": cents}


def in_float_cents(name: str, cents: float, rate: str) -> dict[str, Json]:
    """Return an amount and its variants as services have them: floats, with all digits of the conversion."""
    return {name: float(cents), f"{name}_default": float(cents) * float(rate), f"{name}_normalized": float(cents)}


def currencies(currency: str) -> dict[str, Json]:
    """Return the three currencies of a record."""
    return {"currency": currency, "currency_default": ORGANIZATION_CURRENCY, "currency_normalized": currency}
