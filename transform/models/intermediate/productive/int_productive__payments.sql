with payments as (
    select
        'productive' as system,
        account,
        source_id,
        invoice_id as invoice_source_id,
        coalesce(paid_on, written_off_on) as paid_on,
        amount,
        currency,
        paid_on is null and written_off_on is not null as is_write_off
    from {{ ref('stg_productive__payments') }}
)

{{ conform('payments', 'payments', [
    'system', 'account', 'source_id', 'invoice_source_id', 'paid_on', 'amount', 'currency', 'is_write_off',
]) }}
