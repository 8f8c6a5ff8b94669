"""Five questions to the model, with their SQL: `make demo` prints the answers, docs/model.md shows the questions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date


@dataclass(frozen=True)
class Question:
    """A question to the model.

    Args:
        words: The question.
        sql: What answers it: a name, then figures. `current_date` is the day of the model.
        answer: How a row is said, with its columns in order.
    """

    words: str
    sql: str
    answer: str


_OF_ONE = re.compile(r"\b(?<![.,])1 (customer|day|invoice)s\b")
QUESTIONS = (
    Question(
        "Who owes us how much?",
        """\
select currency, sum(open) as open, count(distinct party_key) as customers
from invoicing.receivables
where payments_known
group by currency
order by currency""",
        "{0} {1:,f} of {2} customers",
    ),
    Question(
        "How much of it is overdue, and since when?",
        """\
select currency, sum(open) as overdue, max(days_overdue) as oldest_days
from invoicing.receivables
where payments_known and is_overdue
group by currency
order by currency""",
        "{0} {1:,f}, the oldest for {2} days",
    ),
    Question(
        "What did we invoice last month?",
        """\
select currency, sum(net + credit_net) as net, sum(invoice_count) as invoices
from invoicing.turnover_by_month
where month = date_trunc('month', current_date - interval '1 month')::date
group by currency
order by currency""",
        "{0} {1:,f} net on {2} invoices",
    ),
    Question(
        "Which VAT did the last quarter bring?",
        """\
select
    currency,
    coalesce(sum(tax_breakdown.tax) filter (where direction = 'sale'), 0) as on_sales,
    coalesce(sum(tax_breakdown.tax) filter (where direction = 'purchase'), 0) as on_purchases
from invoicing.tax_breakdown
inner join invoicing.invoices using (invoice_key, direction, currency, issued_on)
where
    issued_on >= date_trunc('quarter', current_date - interval '3 months')
    and issued_on < date_trunc('quarter', current_date)
    and status not in ('draft', 'cancelled', 'rejected')
group by currency
order by currency""",
        "{0} {1:,f} on sales, {2:,f} on purchases",
    ),
    Question(
        "Which budget is used up next?",
        """\
select name || ' (' || currency || ')' as budget, remaining, round(100 * worked / budget, 1) as percent_used
from invoicing.budgets
where not is_closed and budget > 0
order by worked / budget desc, budget_key
limit 1""",
        "{0}: {2:f} % used, {1:,f} left",
    ),
)


def answers(database_url: str, as_of: date) -> list[str]:
    """Ask the model the questions.

    Args:
        database_url: PostgreSQL, in which the model was built.
        as_of: The day that the model was built for.

    Returns:
        A line for each question.
    """
    with psycopg.connect(database_url) as connection:
        return [f"{question.words} {_said(question, _rows(connection, question.sql, as_of))}" for question in QUESTIONS]


def _rows(connection: psycopg.Connection, query: str, as_of: date) -> list[tuple[object, ...]]:
    return connection.execute(query.replace("current_date", f"date '{as_of}'").encode()).fetchall()


def _said(question: Question, rows: Sequence[Sequence[object]]) -> str:
    if not rows:
        return "nothing"
    cells = [[_plain(cell) for cell in row] for row in rows]
    return "; ".join(_OF_ONE.sub(r"1 \1", question.answer.format(*row)) for row in cells)


def _plain(cell: object) -> object:
    """Return a decimal without zeros that money does not have."""
    if isinstance(cell, Decimal) and cell == cell.quantize(Decimal("0.01")):
        return cell.quantize(Decimal("0.01")) if cell != cell.to_integral_value() else cell.quantize(Decimal(1))
    return cell
