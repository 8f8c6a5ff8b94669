{{ config(materialized='table', post_hook='{{ finish_table() }}') }}

-- What stands only on the invoice: sums over an invoice are right with it.
with sums as (
    select
        system,
        account,
        invoice_source_id as source_id,
        sum(net) as net,
        sum(tax) as tax,
        case when min(tax_rate) = max(tax_rate) and count(tax_rate) = count(*) then min(tax_rate) end as tax_rate,
        case
            when min(tax_category) = max(tax_category) and count(tax_category) = count(*) then min(tax_category)
        end as tax_category
    from {{ ref('int_invoice_sums') }}
    -- Ids first, which differ, as PostgreSQL sorts by them.
    group by invoice_source_id, account, system
)

select
    invoices.invoice_key,
    system,
    account,
    source_id as invoice_source_id,
    invoices.currency,
    invoices.net - {{ signed('coalesce(sums.net, 0)') }} as net,
    sums.tax_rate,
    sums.tax_category,
    invoices.tax - {{ signed('coalesce(sums.tax, 0)') }} as tax
from {{ ref('int_invoices') }} as invoices
left join sums using (system, account, source_id)
where
    invoices.amounts_known
    and (
        invoices.net <> {{ signed('coalesce(sums.net, 0)') }}
        or invoices.tax <> {{ signed('coalesce(sums.tax, 0)') }}
    )
