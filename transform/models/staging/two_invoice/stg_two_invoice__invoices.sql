{{ config(materialized='raw_accounts', meta=two_invoice_meta('invoices')) }}

with texts as (
    select
        account,
        raw_key,
        received_at,
        {{ mapped('invoices', 'source_id') }} as source_id,
        {{ mapped('invoices', 'series') }} as series,
        {{ mapped('invoices', 'number') }} as number,
        {{ mapped('invoices', 'issued_on') }} as issued_on,
        {{ mapped('invoices', 'due_on') }} as due_on,
        {{ mapped('invoices', 'currency') }} as currency,
        {{ mapped('invoices', 'exchange_rate') }} as exchange_rate,
        {{ mapped('invoices', 'net') }} as net,
        {{ mapped('invoices', 'tax') }} as tax,
        {{ mapped('invoices', 'gross') }} as gross,
        {{ mapped('invoices', 'paid') }} as paid,
        {{ mapped('invoices', 'is_credit_note') }} as is_credit_note,
        {{ mapped('invoices', 'cancelled_at') }} as cancelled_at,
        {{ mapped('invoices', 'source_status') }} as source_status,
        {{ mapped('invoices', 'party_id') }} as party_id,
        {{ mapped('invoices', 'party_name') }} as party_name,
        {{ adapter.quote(two_invoice_mapping('invoices').lines) if two_invoice_mapping('invoices').lines else 'null' }}::jsonb as lines
    from {{ raw() }}
)

select
    account,
    raw_key,
    received_at,
    source_id,
    nullif(concat_ws(' ', series, number), '') as number,
    {{ date_of('issued_on') }} as issued_on,
    {{ date_of('due_on') }} as due_on,
    upper(currency) as currency,
    {{ decimal_of('exchange_rate') }} as exchange_rate,
    {{ decimal_of('net') }} as net,
    {{ decimal_of('tax') }} as tax,
    {{ decimal_of('gross') }} as gross,
    {{ decimal_of('paid') }} as paid,
    coalesce(lower(is_credit_note) in ('true', 't', '1', 'yes', 'da'), false) as is_credit_note,
    nullif(cancelled_at, '') is not null as is_cancelled,
    source_status,
    party_id,
    party_name,
    lines
from texts
