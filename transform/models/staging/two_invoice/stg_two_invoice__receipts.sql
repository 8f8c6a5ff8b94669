{{ config(materialized='raw_accounts', meta=two_invoice_meta('receipts')) }}

with texts as (
    select
        account,
        raw_key,
        received_at,
        {{ mapped('receipts', 'source_id') }} as source_id,
        {{ mapped('receipts', 'invoice_id') }} as invoice_id,
        {{ mapped('receipts', 'paid_on') }} as paid_on,
        {{ mapped('receipts', 'amount') }} as amount,
        {{ mapped('receipts', 'currency') }} as currency,
        {{ mapped('receipts', 'method') }} as method
    from {{ raw() }}
)

select
    account,
    raw_key,
    received_at,
    source_id,
    invoice_id,
    {{ date_of('paid_on') }} as paid_on,
    {{ decimal_of('amount') }} as amount,
    upper(currency) as currency,
    method
from texts
