-- An invoice is paid or not; there are no payments beside.
with payments as (
    select
        'invobi' as system,
        invoices.account,
        invoices.source_id,
        invoices.source_id as invoice_source_id,
        invoices.paid_on,
        totals.gross as amount,
        invoices.currency,
        false as is_write_off
    from {{ ref('stg_invobi__invoices') }} as invoices
    inner join {{ ref('int_invobi__totals') }} as totals using (account, source_id)
    where invoices.paid_on is not null and totals.gross is not null
)

{{ conform('payments', 'payments', [
    'system', 'account', 'source_id', 'invoice_source_id', 'paid_on', 'amount', 'currency', 'is_write_off',
]) }}
