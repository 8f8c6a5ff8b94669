with invoices as (
    select
        'invobi' as system,
        invoices.account,
        invoices.source_id,
        'sale' as direction,
        '380' as type_code,
        invoices.title as number,
        invoices.issued_on,
        invoices.due_on,
        invoices.currency,
        'name:' || lower({{ labelled_name('details.from_details') }}) as seller_source_id,
        'name:' || lower({{ labelled_name('details.to_details') }}) as buyer_source_id,
        totals.net,
        totals.tax,
        totals.gross,
        case when invoices.paid_on is null then 0 * totals.gross else totals.gross end as paid,
        case when invoices.paid_on is null then totals.gross else 0 * totals.gross end as source_open,
        true as payments_known,
        invoices.paid_on is not null as is_paid,
        case when invoices.paid_on is null then 'unpaid' else 'paid' end as source_status,
        totals.gross is not null as amounts_known
    from {{ ref('stg_invobi__invoices') }} as invoices
    left join {{ ref('stg_invobi__invoice_details') }} as details using (account, source_id)
    left join {{ ref('int_invobi__totals') }} as totals using (account, source_id)
)

{{ conform('invoices', 'invoices', [
    'system', 'account', 'source_id', 'direction', 'type_code', 'number', 'issued_on', 'due_on', 'currency',
    'seller_source_id', 'buyer_source_id', 'net', 'tax', 'gross', 'paid', 'source_open', 'payments_known', 'is_paid',
    'source_status', 'amounts_known',
]) }}
