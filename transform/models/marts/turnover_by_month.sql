with sales as (
    select
        date_trunc('month', issued_on)::date as month,
        system,
        account,
        currency,
        party_key,
        type_code is not distinct from '381' as is_credit_note,
        net,
        tax,
        gross
    from {{ ref('invoices') }}
    where
        direction = 'sale'
        and amounts_known
        and currency is not null
        and issued_on is not null
        and status not in ('draft', 'cancelled', 'rejected')
)

select
    concat_ws('|', to_char(month, 'YYYY-MM'), system, account, currency, coalesce(party_key, '')) as turnover_key,
    month,
    system,
    account,
    currency,
    party_key,
    count(*) filter (where not is_credit_note) as invoice_count,
    coalesce(sum(net) filter (where not is_credit_note), 0) as net,
    coalesce(sum(tax) filter (where not is_credit_note), 0) as tax,
    coalesce(sum(gross) filter (where not is_credit_note), 0) as gross,
    count(*) filter (where is_credit_note) as credit_note_count,
    coalesce(sum(net) filter (where is_credit_note), 0) as credit_net,
    coalesce(sum(tax) filter (where is_credit_note), 0) as credit_tax,
    coalesce(sum(gross) filter (where is_credit_note), 0) as credit_gross
from sales
group by month, system, account, currency, party_key
