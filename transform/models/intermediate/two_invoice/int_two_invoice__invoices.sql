-- 2invoice is a Romanian program: its rates are lei for one unit of the currency.
{% set receipts_known = two_invoice_mapping('receipts').invoice_id and two_invoice_mapping('receipts').amount %}
with receipts as (
    select
        account,
        invoice_id,
        currency,
        sum(amount) as amount
    from {{ ref('stg_two_invoice__receipts') }}
    group by account, invoice_id, currency
),

amounts as (
    select
        *,
        coalesce(net, gross - tax) as known_net,
        coalesce(tax, gross - net) as known_tax,
        coalesce(gross, net + tax) as known_gross
    from {{ ref('stg_two_invoice__invoices') }}
),

invoices as (
    select
        '2invoice' as system,
        amounts.account,
        amounts.source_id,
        'sale' as direction,
        case when amounts.is_credit_note then '381' else '380' end as type_code,
        amounts.number,
        amounts.issued_on,
        amounts.due_on,
        amounts.currency,
        'client-' || amounts.party_id as buyer_source_id,
        amounts.known_net as net,
        amounts.known_tax as tax,
        amounts.known_gross as gross,
        coalesce(amounts.paid, receipts.amount{{ ', 0 * amounts.known_gross' if receipts_known }}) as paid,
        {{ 'true' if receipts_known or two_invoice_mapping('invoices').paid else 'false' }} as payments_known,
        case when amounts.exchange_rate is not null then 'RON' end as account_currency,
        amounts.exchange_rate,
        round(amounts.known_net * amounts.exchange_rate, 2) as net_in_account_currency,
        round(amounts.known_tax * amounts.exchange_rate, 2) as tax_in_account_currency,
        round(amounts.known_gross * amounts.exchange_rate, 2) as gross_in_account_currency,
        amounts.is_cancelled,
        amounts.source_status,
        amounts.known_gross is not null and amounts.known_net is not null and amounts.known_tax is not null as amounts_known
    from amounts
    left join receipts
        on receipts.account = amounts.account
        and receipts.invoice_id = amounts.source_id
        and coalesce(receipts.currency, amounts.currency) is not distinct from amounts.currency
)

{{ conform('invoices', 'invoices', [
    'system', 'account', 'source_id', 'direction', 'type_code', 'number', 'issued_on', 'due_on', 'currency',
    'buyer_source_id', 'net', 'tax', 'gross', 'paid', 'payments_known', 'account_currency', 'exchange_rate',
    'net_in_account_currency', 'tax_in_account_currency', 'gross_in_account_currency', 'is_cancelled', 'source_status',
    'amounts_known',
]) }}
