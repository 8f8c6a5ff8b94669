"""What the page takes from the marts: one query for each of its tables.

Dates come as days since 1970-01-01, as a browser counts them, and so that no date is out of Python's range. Each query
may use `as_of` and `oldest_month`: months before that are summed over parties, and their invoices are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, LiteralString

from invoicing_page.encoding import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEXT, _CHOICE, _AMOUNT, _NUMBER = Kind.TEXT, Kind.CHOICE, Kind.AMOUNT, Kind.NUMBER
_PLACE: Mapping[str, Kind] = {"system": _CHOICE, "account": _CHOICE, "currency": _CHOICE, "party": _CHOICE}
"""What every table can be filtered by."""

DAYS_OF_SALES = 90
"""Days of invoices that days sales outstanding are reckoned from."""


@dataclass(frozen=True)
class Query:
    """A table of the page.

    Args:
        columns: What its columns hold, in the order of the query's.
        sql: The query. `{marts}` stands for the schema.
    """

    columns: Mapping[str, Kind]
    sql: LiteralString


AS_OF: LiteralString = """
    select coalesce(
        (select max(as_of) from (
            select as_of from {marts}.receivables union all select as_of from {marts}.payables) as open_items),
        %(today)s::date
    )::text
"""

OLDEST_MONTH: LiteralString = """
    with months as (
        select date_trunc('month', issued_on)::date as month, count(*) as invoices
        from {marts}.invoices where isfinite(issued_on) group by 1
    ), newest_first as (
        select month, sum(invoices) over (order by month desc) as so_far from months
    )
    select case when max(so_far) > %(most)s
        then coalesce(min(month) filter (where so_far <= %(most)s), (max(month) + interval '1 month')::date)::text end
    from newest_first
"""
"""The oldest month of which the page shows each invoice; null if it shows all."""

PARTIES: LiteralString = """
    select party.party_key, coalesce(merged.party_key, party.party_key), coalesce(merged.name, party.name, '')
    from {marts}.parties as party
    left join {marts}.parties as merged on merged.party_key = party.merged_party_key
"""

_INVOICES: LiteralString = """
    select system, account, currency, party_key, direction, number, issued_on - date '1970-01-01',
           due_on - date '1970-01-01', trim_scale(net), trim_scale(gross), trim_scale(open), type_name, status, url
    from {marts}.invoices
    where isfinite(issued_on) and (issued_on < %(oldest_month)s::date) is not true
    order by issued_on desc, system, account, number, invoice_key
"""

_UNKNOWN_AMOUNTS: LiteralString = """
    select system, account, coalesce(currency, ''), party_key, direction, count(*)
    from {marts}.invoices where not amounts_known group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5
"""

_OPEN_ITEMS: LiteralString = """
    with items as (
        select 'sale' as direction, * from {marts}.receivables union all select 'purchase', * from {marts}.payables
    ), marked as (
        select *, coalesce(issued_on < %(oldest_month)s::date, false) as is_sum from items
    ), shown as (
        select system, account, currency, party_key, direction, bucket, is_overdue, payments_known, open, days_overdue,
               case when is_sum then null else invoice_key end as invoice_key,
               case when is_sum then null else number end as number,
               case when is_sum then null else issued_on - date '1970-01-01' end as issued_on,
               case when is_sum then null else due_on - date '1970-01-01' end as due_on,
               case when is_sum then null else url end as url
        from marked
    )
    select system, account, currency, party_key, direction, bucket, case when is_overdue then 1 else 0 end,
           case when payments_known then 1 else 0 end,
           number, issued_on, due_on, max(days_overdue), count(*), trim_scale(sum(open)), url
    from shown
    group by system, account, currency, party_key, direction, bucket, is_overdue, payments_known,
             invoice_key, number, issued_on, due_on, url
    order by direction, system, account, party_key, due_on, number, invoice_key
"""

_TURNOVER: LiteralString = """
    select system, account, currency, case when month < %(oldest_month)s::date then null else party_key end as party,
           month - date '1970-01-01', sum(invoice_count)::bigint, trim_scale(sum(net)), trim_scale(sum(tax)),
           trim_scale(sum(gross)), sum(credit_note_count)::bigint, trim_scale(sum(credit_net)),
           trim_scale(sum(credit_tax)), trim_scale(sum(credit_gross))
    from {marts}.turnover_by_month
    group by 1, 2, 3, 4, 5
    order by 5, 1, 2, 3, 4
"""

_SALES_TO_DATE: LiteralString = """
    with days as (
        select %(as_of)s::date as today, date_trunc('month', %(as_of)s::date)::date as month,
               date_trunc('year', %(as_of)s::date)::date as year
    ), bounds as (
        select *, (month - interval '1 month')::date as last_month, (today - interval '1 month')::date as month_ago,
               (year - interval '1 year')::date as last_year, (today - interval '1 year')::date as year_ago
        from days
    )
    select system, account, currency, party_key,
           trim_scale(coalesce(sum(net) filter (where issued_on >= month), 0)),
           trim_scale(coalesce(sum(net) filter (where issued_on between last_month and month_ago), 0)),
           trim_scale(coalesce(sum(net) filter (where issued_on >= year), 0)),
           trim_scale(coalesce(sum(net) filter (where issued_on between last_year and year_ago), 0)),
           trim_scale(coalesce(sum(gross) filter (where issued_on > today - %(days_of_sales)s), 0))
    from {marts}.invoices, bounds
    where direction = 'sale' and amounts_known and status not in ('draft', 'cancelled', 'rejected')
          and issued_on between last_year and today
    group by 1, 2, 3, 4
    order by 1, 2, 3, 4
"""

_VAT: LiteralString = """
    select line.system, line.account, line.currency,
           case when line.issued_on < %(oldest_month)s::date then null else invoice.party_key end as party,
           line.direction, date_trunc('month', line.issued_on)::date - date '1970-01-01', line.tax_category,
           trim_scale(line.tax_rate)::text, line.exemption_reason_code, count(distinct line.invoice_key),
           trim_scale(sum(line.base)), trim_scale(sum(line.tax))
    from {marts}.tax_breakdown as line
    join {marts}.invoices as invoice using (invoice_key)
    where invoice.status not in ('draft', 'cancelled', 'rejected') and isfinite(line.issued_on)
    group by 1, 2, 3, 4, 5, 6, 7, line.tax_rate, 9
    order by 6, 5, line.tax_rate desc, 7, 9, 1, 2, 3, 4
"""

_PAYMENTS: LiteralString = """
    select system, account, currency, case when paid_on < %(oldest_month)s::date then null else party_key end as party,
           direction, date_trunc('month', paid_on)::date - date '1970-01-01',
           case
               when is_write_off then 'written off'
               when due_on is null then 'no due date'
               when paid_on <= due_on then 'on time'
               when paid_on - due_on <= 30 then '1-30'
               when paid_on - due_on <= 60 then '31-60'
               when paid_on - due_on <= 90 then '61-90'
               else 'over 90'
           end as lateness,
           count(*), trim_scale(sum(amount)), trim_scale(sum(amount * (paid_on - due_on)))
    from {marts}.payments
    where isfinite(paid_on)
    group by 1, 2, 3, 4, 5, 6, 7
    order by 6, 5, 7, 1, 2, 3, 4
"""

_BUDGETS: LiteralString = """
    select system, account, currency, party_key, name, trim_scale(budget), trim_scale(worked), trim_scale(invoiced),
           trim_scale(paid), trim_scale(remaining), trim_scale(margin), unbilled_minutes::bigint,
           trim_scale(unbilled_amount), case when is_closed then 1 else 0 end, url
    from {marts}.budgets
    order by system, account, name, budget_key
"""

_REJECTED: LiteralString = """
    select system, account, currency, party_key, direction, number, issued_on - date '1970-01-01', trim_scale(gross),
           sdi_status, sdi_message, url
    from {marts}.invoices
    where status = 'rejected'
    order by issued_on desc, system, account, number, invoice_key
"""

_FRESHNESS: LiteralString = """
    select system, account, nullif(stream, ''), extract(epoch from last_loaded_at)::bigint, rows,
           extract(epoch from last_failed_at)::bigint, last_error
    from {marts}.freshness
    order by system, account, stream nulls first
"""

QUERIES: Mapping[str, Query] = {
    "invoices": Query(
        {
            **_PLACE,
            "direction": _TEXT,
            "number": _TEXT,
            "issued_on": _NUMBER,
            "due_on": _NUMBER,
            "net": _AMOUNT,
            "gross": _AMOUNT,
            "open": _AMOUNT,
            "type": _TEXT,
            "status": _TEXT,
            "url": _TEXT,
        },
        _INVOICES,
    ),
    "unknown_amounts": Query({**_PLACE, "direction": _TEXT, "invoices": _NUMBER}, _UNKNOWN_AMOUNTS),
    "open_items": Query(
        {
            **_PLACE,
            "direction": _TEXT,
            "bucket": _TEXT,
            "is_overdue": _NUMBER,
            "payments_known": _NUMBER,
            "number": _TEXT,
            "issued_on": _NUMBER,
            "due_on": _NUMBER,
            "days_overdue": _NUMBER,
            "invoices": _NUMBER,
            "open": _AMOUNT,
            "url": _TEXT,
        },
        _OPEN_ITEMS,
    ),
    "turnover": Query(
        {
            **_PLACE,
            "month": _NUMBER,
            "invoices": _NUMBER,
            "net": _AMOUNT,
            "tax": _AMOUNT,
            "gross": _AMOUNT,
            "credit_notes": _NUMBER,
            "credit_net": _AMOUNT,
            "credit_tax": _AMOUNT,
            "credit_gross": _AMOUNT,
        },
        _TURNOVER,
    ),
    "sales_to_date": Query(
        {
            **_PLACE,
            "this_month": _AMOUNT,
            "last_month": _AMOUNT,
            "this_year": _AMOUNT,
            "last_year": _AMOUNT,
            "recent_gross": _AMOUNT,
        },
        _SALES_TO_DATE,
    ),
    "vat": Query(
        {
            **_PLACE,
            "direction": _TEXT,
            "month": _NUMBER,
            "category": _TEXT,
            "rate": _TEXT,
            "exemption": _TEXT,
            "invoices": _NUMBER,
            "base": _AMOUNT,
            "tax": _AMOUNT,
        },
        _VAT,
    ),
    "payments": Query(
        {
            **_PLACE,
            "direction": _TEXT,
            "month": _NUMBER,
            "lateness": _TEXT,
            "payments": _NUMBER,
            "amount": _AMOUNT,
            "amount_days": _AMOUNT,
        },
        _PAYMENTS,
    ),
    "budgets": Query(
        {
            **_PLACE,
            "name": _TEXT,
            "budget": _AMOUNT,
            "worked": _AMOUNT,
            "invoiced": _AMOUNT,
            "paid": _AMOUNT,
            "remaining": _AMOUNT,
            "margin": _AMOUNT,
            "unbilled_minutes": _NUMBER,
            "unbilled": _AMOUNT,
            "is_closed": _NUMBER,
            "url": _TEXT,
        },
        _BUDGETS,
    ),
    "rejected": Query(
        {
            **_PLACE,
            "direction": _TEXT,
            "number": _TEXT,
            "issued_on": _NUMBER,
            "gross": _AMOUNT,
            "sdi_status": _TEXT,
            "message": _TEXT,
            "url": _TEXT,
        },
        _REJECTED,
    ),
    "freshness": Query(
        {
            "system": _CHOICE,
            "account": _CHOICE,
            "stream": _TEXT,
            "loaded": _NUMBER,
            "rows": _NUMBER,
            "failed": _NUMBER,
            "error": _TEXT,
        },
        _FRESHNESS,
    ),
}
