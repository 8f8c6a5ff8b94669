with terms as (
    select
        'invobi' as system,
        invoices.account,
        invoices.source_id as invoice_source_id,
        '1' as source_id,
        invoices.due_on,
        totals.gross as amount,
        {{ iban(labelled('details.payment_details', 'iban')) }} as iban
    from {{ ref('stg_invobi__invoices') }} as invoices
    left join {{ ref('stg_invobi__invoice_details') }} as details using (account, source_id)
    left join {{ ref('int_invobi__totals') }} as totals using (account, source_id)
    where invoices.due_on is not null
)

{{ conform('payment_terms', 'terms', [
    'system', 'account', 'invoice_source_id', 'source_id', 'due_on', 'amount', 'iban',
]) }}
