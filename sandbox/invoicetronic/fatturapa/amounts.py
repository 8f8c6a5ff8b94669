"""The arithmetic of an invoice: lines, VAT summaries, total and payments that agree to the last digit."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import TYPE_CHECKING, Literal

from sandbox.invoicetronic.fatturapa.draw import LATIN_WORDS
from sandbox.invoicetronic.fatturapa.facts import Body, Discount, Fund, Line, Payment, VatSummary, Withholding
from sandbox.invoicetronic.fatturapa.values import iban

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from sandbox.invoicetronic.fatturapa.draw import Draw

ORDINARY_KINDS = tuple(f"TD{number:02}" for number in (*range(1, 7), *range(16, 29)))
SIMPLIFIED_KINDS = ("TD07", "TD08", "TD09")
INVOICE = "TD01"
PLAIN_INVOICE_SHARE = 0.5

ZERO = Decimal(0)
NO_VAT = Decimal("0.00")
RATES = tuple(map(Decimal, ("22.00", "22.00", "10.00", "5.00", "4.00")))
NATURES = (
    *("N1", "N2.1", "N2.2", "N3.1", "N3.2", "N3.3", "N3.4", "N3.5", "N3.6", "N4", "N5"),
    *("N6.1", "N6.2", "N6.3", "N6.4", "N6.5", "N6.6", "N6.7", "N6.8", "N6.9", "N7"),
)
SIMPLIFIED_NATURES = ("N1", "N2", "N3", "N4", "N5")
OUT_OF_TAX = "N1"

STAMP = Decimal("2.00")
"""Stamp duty since 2013. It is due if more than 77.47 euros are without VAT, which is not checked here."""

LARGE_SHARE = 0.03
"""The share of amounts that are so large that a float would lose their last digits."""

PRECISION = 60
SIMPLIFIED_LIMIT = 400

Group = tuple[Decimal, "str | None"]
"""A VAT rate, and its nature if it is zero."""


def rounded(value: Decimal, places: int) -> Decimal:
    """Round half away from zero."""
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def ordinary_body(draw: Draw, number: str, day: date, *, public: bool) -> Body:
    """Return a document of an ordinary invoice.

    Args:
        draw: Its random choices.
        number: Its number.
        day: Its date.
        public: Whether it goes to public administration, which pays the VAT to the tax office itself (split payment).
    """
    with localcontext(prec=PRECISION):
        groups = _groups(draw)
        lines = tuple(_line(draw, position + 1, groups) for position in range(draw.times(1, 8)))
        stamp = any(line.nature for line in lines) and draw.maybe()
        if stamp and draw.maybe(0.5):
            lines = (*lines, _stamp_line(len(lines) + 1))
        funds = tuple(_fund(draw, lines) for _ in range(draw.times(0, 2)))
        summaries = _summaries(draw, lines, funds, public=public)
        gross = sum((summary.taxable + summary.tax for summary in summaries), ZERO)
        discounts = tuple(_document_discount(draw, gross) for _ in range(draw.times(0, 2)))
        net = gross + sum(map(_signed, discounts), ZERO)
        rounding = rounded(net, 1) - net if draw.maybe() else ZERO
        total = rounded(net + rounding, 2)
        withholdings = tuple(_withholding(draw, lines, funds) for _ in range(draw.times(0, 2)))
        split = sum((summary.tax for summary in summaries if summary.due == "S"), ZERO)
        payable = total - split - sum((each.amount for each in withholdings), ZERO)
        return Body(
            kind=INVOICE if draw.maybe(PLAIN_INVOICE_SHARE) else draw.one_of(ORDINARY_KINDS),
            currency=draw.one_of(("EUR", "EUR", "EUR", "EUR", "CHF", "USD")),
            date=day,
            number=number,
            lines=lines,
            funds=funds,
            summaries=summaries,
            discounts=discounts,
            withholdings=withholdings,
            stamp=stamp,
            stamp_amount=STAMP if stamp and draw.maybe() else None,
            rounding=rounded(rounding, 2) if rounding else None,
            total=total,
            stated_total=total if draw.maybe(0.8) else None,
            payments=_payments(draw, rounded(payable, 2), day),
        )


def simplified_body(draw: Draw, number: str, day: date) -> Body:
    """Return a document of a simplified invoice, within the legal limit of 400 euros."""
    lines = tuple(_simplified_line(draw, position + 1) for position in range(draw.times(1, 4)))
    return Body(
        kind=draw.one_of(SIMPLIFIED_KINDS),
        currency="EUR",
        date=day,
        number=number,
        lines=lines,
        funds=(),
        summaries=(),
        discounts=(),
        withholdings=(),
        stamp=False,
        stamp_amount=None,
        rounding=None,
        total=sum((line.total for line in lines), ZERO),
        stated_total=None,
        payments=(),
    )


def _groups(draw: Draw) -> list[Group]:
    groups: list[Group] = [(draw.one_of(RATES), None) for _ in range(draw.times(1, 2))]
    if draw.maybe():
        groups += [(NO_VAT, draw.one_of(NATURES)) for _ in range(draw.integer(1, 2))]
    return groups


def _line(draw: Draw, number: int, groups: Sequence[Group]) -> Line:
    rate, nature = draw.one_of(groups)
    quantity = draw.decimal(0, 400, draw.one_of((2, 2, 3, 8))) if draw.maybe(0.8) else None
    unit_price = draw.decimal(-20, 900, draw.one_of((2, 2, 4, 8)))
    if draw.maybe(LARGE_SHARE):
        quantity, unit_price = None, draw.decimal(10**9, 4 * 10**9, 8)
    discounts = tuple(_line_discount(draw) for _ in range(draw.times(0, 2)))
    price = unit_price
    for discount in discounts:
        off = price * discount.percentage / 100 if discount.percentage is not None else discount.amount or ZERO
        price += off if discount.kind == "MG" else -off
    return Line(
        number=number,
        description=draw.words(LATIN_WORDS, 1000),
        quantity=quantity,
        unit=draw.one_of(("PZ", "ore", "kg", "m2")) if draw.maybe() else None,
        unit_price=unit_price,
        discounts=discounts,
        total=rounded(price * (Decimal(1) if quantity is None else quantity), draw.one_of((2, 2, 2, 5, 8))),
        rate=rate,
        nature=nature,
        withheld=draw.maybe(),
        tax=None,
    )


def _stamp_line(number: int) -> Line:
    return Line(
        number=number,
        description="Rimborso imposta di bollo",
        quantity=Decimal("1.00"),
        unit=None,
        unit_price=STAMP,
        discounts=(),
        total=STAMP,
        rate=NO_VAT,
        nature=OUT_OF_TAX,
        withheld=False,
        tax=None,
    )


def _simplified_line(draw: Draw, number: int) -> Line:
    total = draw.decimal(1, SIMPLIFIED_LIMIT // 4, 2)
    nature = draw.one_of(SIMPLIFIED_NATURES) if draw.maybe(0.2) else None
    rate = NO_VAT if nature else draw.one_of(RATES)
    # Each follows from the other, so one may be missing; both may be if there is no VAT.
    shown = draw.one_of(("rate", "tax", "both", "none" if nature else "both"))
    return Line(
        number=number,
        description=draw.words(LATIN_WORDS, 1000),
        quantity=None,
        unit=None,
        unit_price=None,
        discounts=(),
        total=total,
        rate=rate if shown in {"rate", "both"} else None,
        nature=nature,
        withheld=False,
        tax=rounded(total * rate / (100 + rate), 2) if shown in {"tax", "both"} else None,
    )


def _line_discount(draw: Draw) -> Discount:
    kind: Literal["SC", "MG"] = draw.one_of(("SC", "SC", "MG"))
    if draw.maybe(0.5):
        return Discount(kind, draw.decimal(1, 60, 2), None)
    return Discount(kind, None, draw.decimal(0, 5, draw.one_of((2, 6))))


def _document_discount(draw: Draw, gross: Decimal) -> Discount:
    kind: Literal["SC", "MG"] = draw.one_of(("SC", "SC", "MG"))
    if draw.maybe(0.5):
        return Discount(kind, None, draw.decimal(0, 9, 2))
    percentage = draw.decimal(1, 9, 2)
    return Discount(kind, percentage, rounded(gross * percentage / 100, 2))


def _signed(discount: Discount) -> Decimal:
    amount = discount.amount or ZERO
    return amount if discount.kind == "MG" else -amount


def _fund(draw: Draw, lines: Sequence[Line]) -> Fund:
    percentage = draw.one_of((Decimal("4.00"), Decimal("2.00"), Decimal("5.00")))
    line = draw.one_of(lines)
    base = rounded(sum((each.total for each in lines if each.nature != OUT_OF_TAX), ZERO), 2)
    return Fund(
        kind=f"TC{draw.integer(1, 22):02}",
        percentage=percentage,
        contribution=rounded(base * percentage / 100, 2),
        base=base,
        rate=line.rate or NO_VAT,
        nature=line.nature,
        withheld=draw.maybe(),
    )


def _summaries(draw: Draw, lines: Sequence[Line], funds: Sequence[Fund], *, public: bool) -> tuple[VatSummary, ...]:
    """Return one summary for each rate and nature, in order of first appearance."""
    sums: dict[Group, Decimal] = {}
    for line in lines:
        group = (line.rate or NO_VAT, line.nature)
        sums[group] = sums.get(group, ZERO) + line.total
    for fund in funds:
        sums[fund.rate, fund.nature] += fund.contribution
    return tuple(_summary(draw, group, amount, public=public) for group, amount in sums.items())


def _summary(draw: Draw, group: Group, amount: Decimal, *, public: bool) -> VatSummary:
    rate, nature = group
    expenses = draw.decimal(1, 30, 2) if draw.maybe(draw.richness / 2) else None
    exact = amount + (expenses or ZERO)
    taxable = rounded(exact, 2)
    rounding = taxable - exact
    due: Literal["I", "D", "S"] | None = None
    if nature is None and draw.maybe(0.7):
        due = draw.one_of(("S", "S", "I") if public else ("I", "I", "D"))
    return VatSummary(
        rate=rate,
        nature=nature,
        expenses=expenses,
        rounding=rounding if rounding or draw.maybe(draw.richness / 2) else None,
        taxable=taxable,
        tax=rounded(taxable * rate / 100, 2),
        due=due,
        law=f"Art. {draw.integer(1, 74)} DPR 633/72" if nature or draw.maybe() else None,
    )


def _withholding(draw: Draw, lines: Sequence[Line], funds: Sequence[Fund]) -> Withholding:
    percentage = draw.one_of((Decimal("20.00"), Decimal("23.00"), Decimal("4.00")))
    base = sum((line.total for line in lines if line.withheld), ZERO)
    base += sum((fund.contribution for fund in funds if fund.withheld), ZERO)
    return Withholding(
        kind=f"RT{draw.integer(1, 6):02}",
        amount=rounded(base * percentage / 100, 2),
        percentage=percentage,
        reason=draw.one_of(("A", "B", "L1", "M2", "ZO")),
    )


def _payments(draw: Draw, payable: Decimal, day: date) -> tuple[Payment, ...]:
    """Return an advance and its balance, instalments, a single payment, or none."""
    if not draw.maybe(0.9):
        return ()
    count = draw.times(1, 4)
    part = rounded(payable / count, 2)
    amounts = [part] * (count - 1) + [payable - part * (count - 1)]
    instalments = [
        Payment(
            terms="TP01" if count > 1 else "TP02",
            method=f"MP{draw.integer(1, 23):02}",
            due_date=day + timedelta(days=30 * (position + 1)) if draw.maybe(0.8) else None,
            amount=amount,
            iban=iban(draw) if draw.maybe() else None,
        )
        for position, amount in enumerate(amounts)
    ]
    if count > 1 and draw.maybe(0.3):
        instalments[0] = replace(instalments[0], terms="TP03")
    return tuple(instalments)
