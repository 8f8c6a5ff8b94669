-- Finalized on: "Date on which the draft became final; null for a draft". Credit notes name the invoice that they take back
-- as their parent, whose `amount_credited_with_tax` holds them: they are set off against it.
with invoices as (
    select
        'productive' as system,
        account,
        source_id,
        'sale' as direction,
        case invoice_type_id when 1 then '380' when 2 then '381' end as type_code,
        number,
        issued_on,
        due_on,
        delivered_on,
        currency,
        'subsidiary-' || subsidiary_id as seller_source_id,
        'company-' || company_id as buyer_source_id,
        net,
        tax,
        gross,
        paid,
        written_off,
        credited,
        unpaid as source_open,
        true as payments_known,
        account_currency,
        exchange_rate,
        net_in_account_currency,
        tax_in_account_currency,
        gross_in_account_currency,
        unpaid_in_account_currency as open_in_account_currency,
        finalized_on is null as is_draft,
        sent_on is not null as is_sent,
        parent_invoice_id is not null as is_set_off,
        net is not null and tax is not null and gross is not null as amounts_known
    from {{ ref('stg_productive__invoices') }}
)

{{ conform('invoices', 'invoices', [
    'system', 'account', 'source_id', 'direction', 'type_code', 'number', 'issued_on', 'due_on', 'delivered_on',
    'currency', 'seller_source_id', 'buyer_source_id', 'net', 'tax', 'gross', 'paid', 'written_off', 'credited',
    'source_open', 'payments_known', 'account_currency', 'exchange_rate', 'net_in_account_currency',
    'tax_in_account_currency', 'gross_in_account_currency', 'open_in_account_currency', 'is_draft', 'is_sent',
    'is_set_off', 'amounts_known',
]) }}
