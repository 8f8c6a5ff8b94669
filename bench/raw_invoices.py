"""Raw tables of tap-productive as the loader makes them, generated within PostgreSQL: many invoices in seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psycopg

LINES_PER_INVOICE = 10 / 3
"""On average; every invoice has at least one."""

# The totals of an invoice are those of its lines; three in four are paid. Lines are scattered, as in a real list, and
# rows were received over a hundred nights.
_TABLES = """
create schema {schema};

create table {schema}.companies as
select number::text as id, 'Company ' || number as name, 'HR' || lpad(number::text, 11, '0') as vat,
       null::text as billing_name, null::text as company_code,
       {loaded} - number % 100 * interval '1 day' as _sdc_received_at, null::timestamp as _sdc_deleted_at
from generate_series(1, greatest({invoices} / 100, 1)) as number;

create table {schema}.subsidiaries as
select '1' as id, 'Our company' as name, null::text as bill_from_id,
       {loaded} as _sdc_received_at, null::timestamp as _sdc_deleted_at;

create table {schema}.line_items as
select number::text as id, (1 + number * 7919::bigint % {invoices})::text as invoice_id,
       (number / {invoices})::bigint as position, 'Work of day ' || number as description, 2.5::numeric as quantity,
       1::bigint as unit_id, (array['EUR', 'USD', 'JPY'])[1 + number * 7919::bigint % {invoices} % 3] as currency,
       (100 + number % 9973)::bigint as unit_price, null::numeric as discount,
       (250 + number % 24932)::bigint as amount, ((250 + number % 24932) / 4)::bigint as amount_tax,
       25.0::numeric as tax_value, null::text as service_id,
       {loaded} - number % 100 * interval '1 day' as _sdc_received_at, null::timestamp as _sdc_deleted_at
from generate_series(0, {lines} - 1) as number;

create table {schema}.invoices as
with sums as (
    select invoice_id, currency, sum(amount)::bigint as net, sum(amount_tax)::bigint as tax
    from {schema}.line_items group by invoice_id, currency
)
select invoice_id as id, 1::bigint as invoice_type_id, '2026/' || invoice_id as number,
       date '2024-01-01' + (invoice_id::integer % 800) as invoiced_on,
       date '2024-01-31' + (invoice_id::integer % 800) as pay_on, null::date as delivery_on,
       date '2024-01-01' + (invoice_id::integer % 800) as finalized_on,
       date '2024-01-02' + (invoice_id::integer % 800) as sent_on, currency, 'EUR' as currency_default,
       1.25::numeric as exchange_rate, net as amount, tax as amount_tax, net + tax as amount_with_tax,
       case when invoice_id::integer % 4 > 0 then net + tax else 0 end as amount_paid, 0::bigint as amount_written_off,
       0::bigint as amount_credited_with_tax,
       case when invoice_id::integer % 4 > 0 then 0 else net + tax end as amount_unpaid,
       net as amount_default, tax as amount_tax_default, net + tax as amount_with_tax_default,
       case when invoice_id::integer % 4 > 0 then 0 else net + tax end as amount_unpaid_default,
       (1 + invoice_id::integer % greatest({invoices} / 100, 1))::text as company_id, '1' as subsidiary_id,
       null::text as parent_invoice_id, null::text as bank_account_id,
       repeat('A note of the usual length, which the model does not read. ', 8) as note,
       {loaded} - invoice_id::integer % 100 * interval '1 day' as _sdc_received_at, null::timestamp as _sdc_deleted_at
from sums;

create table {schema}.payments as
select id, id as invoice_id, currency, amount_paid as amount, pay_on as paid_on, null::date as written_off_on,
       {loaded} - id::integer % 100 * interval '1 day' as _sdc_received_at, null::timestamp as _sdc_deleted_at
from {schema}.invoices where amount_paid > 0;

alter table {schema}.companies add primary key (id);
alter table {schema}.line_items add primary key (id);
alter table {schema}.invoices add primary key (id);
alter table {schema}.payments add primary key (id);
analyze {schema}.companies, {schema}.line_items, {schema}.invoices, {schema}.payments;
"""

# One row in a hundred: lines with a new price and their invoices, invoices that were paid, and lines that are gone.
_CHANGES = """
update {schema}.line_items
set description = description || ', changed', amount = amount + 1, _sdc_received_at = {loaded}
where id::integer % 100 = 7;

update {schema}.line_items set _sdc_deleted_at = {loaded} where id::integer % 1000 = 500;

update {schema}.invoices as invoice
set amount = sums.net, amount_tax = sums.tax, amount_with_tax = sums.net + sums.tax, amount_paid = sums.net + sums.tax,
    amount_unpaid = 0, amount_default = sums.net, amount_tax_default = sums.tax,
    amount_with_tax_default = sums.net + sums.tax, amount_unpaid_default = 0, _sdc_received_at = {loaded}
from (
    select invoice_id, sum(amount)::bigint as net, sum(amount_tax)::bigint as tax
    from {schema}.line_items where _sdc_deleted_at is null group by invoice_id
) as sums
where sums.invoice_id = invoice.id and sums.net <> invoice.amount;

update {schema}.payments as payment set amount = invoice.amount_paid, _sdc_received_at = {loaded}
from {schema}.invoices as invoice
where invoice.id = payment.invoice_id and payment.amount <> invoice.amount_paid;

insert into {schema}.payments
select id, id, currency, amount_paid, pay_on, null, {loaded}, null
from {schema}.invoices where amount_paid > 0
on conflict do nothing;
"""


def make_raw_invoices(
    connection: psycopg.Connection, invoices: int, schema: str = "tap_productive", *, loaded: str = "2026-03-01 02:00"
) -> None:
    """Make the raw tables of invoices, lines, payments and customers.

    Args:
        connection: The database.
        invoices: How many invoices.
        schema: Where, which must not exist.
        loaded: When the loader received the newest rows, in UTC.
    """
    _execute(connection, _TABLES, schema, loaded, invoices)


def change_raw_invoices(
    connection: psycopg.Connection, schema: str = "tap_productive", *, loaded: str = "2026-03-02 02:00"
) -> None:
    """Change one line in a hundred, with the invoices and payments they are part of, and mark some lines as deleted.

    Args:
        connection: The database.
        schema: The schema of the raw tables.
        loaded: When the loader received the changes, in UTC.
    """
    _execute(connection, _CHANGES, schema, loaded)


def _execute(connection: psycopg.Connection, statements: str, schema: str, loaded: str, invoices: int = 0) -> None:
    text = statements.format(
        schema=f'"{schema}"',
        loaded=f"'{loaded}'::timestamp",
        invoices=invoices,
        lines=round(invoices * LINES_PER_INVOICE),
    )
    connection.execute(text.encode())
    connection.commit()
