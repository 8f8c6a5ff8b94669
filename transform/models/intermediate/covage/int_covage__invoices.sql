-- What Covage invoices the account for. The API gives no amounts, no currency and no payments. Type 1 is "Standard Invoice";
-- other codes are not documented, and go by their label.
with invoices as (
    select
        'covage' as system,
        account,
        source_id,
        'purchase' as direction,
        case
            when invoice_type_label ~* 'credit|avoir' then '381'
            when invoice_type = 1 then '380'
        end as type_code,
        source_id as number,
        issued_on,
        due_on,
        'covage' as seller_source_id,
        'name:' || lower(customer_name) as buyer_source_id,
        false as payments_known,
        true as is_sent,
        false as amounts_known
    from {{ ref('stg_covage__invoices') }}
)

{{ conform('invoices', 'invoices', [
    'system', 'account', 'source_id', 'direction', 'type_code', 'number', 'issued_on', 'due_on', 'seller_source_id',
    'buyer_source_id', 'payments_known', 'is_sent', 'amounts_known',
]) }}
