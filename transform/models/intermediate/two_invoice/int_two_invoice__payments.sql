with payments as (
    select
        '2invoice' as system,
        receipts.account,
        receipts.source_id,
        receipts.invoice_id as invoice_source_id,
        receipts.paid_on,
        receipts.amount,
        coalesce(receipts.currency, invoices.currency) as currency,
        receipts.method,
        false as is_write_off
    from {{ ref('stg_two_invoice__receipts') }} as receipts
    left join {{ ref('stg_two_invoice__invoices') }} as invoices
        on invoices.account = receipts.account and invoices.source_id = receipts.invoice_id
)

{{ conform('payments', 'payments', [
    'system', 'account', 'source_id', 'invoice_source_id', 'paid_on', 'amount', 'currency', 'method', 'is_write_off',
]) }}
