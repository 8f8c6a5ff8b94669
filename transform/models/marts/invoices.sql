with invoices as (
    select
        *,
        {{ key('seller_source_id') }} as seller_party_key,
        {{ key('buyer_source_id') }} as buyer_party_key
    from {{ ref('int_invoices') }}
)

select
    invoice_key,
    system,
    account,
    source_id,
    direction,
    type_code,
    case type_code
        when '380' then 'invoice'
        when '381' then 'credit note'
        when '383' then 'debit note'
        when '386' then 'prepayment invoice'
        when '389' then 'self-billed invoice'
    end as type_name,
    number,
    issued_on,
    due_on,
    delivered_on,
    currency,
    seller_party_key,
    buyer_party_key,
    case direction when 'sale' then buyer_party_key else seller_party_key end as party_key,
    net,
    tax,
    gross,
    gross - net - tax as rounding,
    paid,
    written_off,
    credited,
    open,
    payments_known,
    account_currency,
    exchange_rate,
    net_in_account_currency,
    tax_in_account_currency,
    gross_in_account_currency,
    open_in_account_currency,
    status,
    source_status,
    sdi_status,
    sdi_message,
    amounts_known,
    url
from invoices
