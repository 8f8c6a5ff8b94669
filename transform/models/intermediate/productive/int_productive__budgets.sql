-- What is paid of a budget: the part of each invoice without tax that belongs to it, as paid is to total of the invoice.
with attributed as (
    select
        attributions.account,
        attributions.budget_id,
        sum(
            case
                when invoices.gross <> 0 then round(attributions.amount * invoices.paid / invoices.gross, {{ decimals('invoices.currency') }})
                else 0
            end
        ) as paid
    from {{ ref('stg_productive__invoice_attributions') }} as attributions
    inner join {{ ref('stg_productive__invoices') }} as invoices
        on invoices.account = attributions.account and invoices.source_id = attributions.invoice_id
    group by attributions.account, attributions.budget_id
),

unbilled as (
    select
        services.account,
        services.deal_id,
        sum(time_entries.billable_minutes) as minutes
    from {{ ref('stg_productive__time_entries') }} as time_entries
    inner join {{ ref('stg_productive__services') }} as services
        on services.account = time_entries.account and services.source_id = time_entries.service_id
    where
        not coalesce(time_entries.is_invoiced, false)
        and not coalesce(time_entries.is_draft, false)
        and not coalesce(time_entries.is_rejected, false)
    group by services.account, services.deal_id
),

has as (
    select
        exists (select from {{ ref('stg_productive__invoice_attributions') }}) as attributions,
        exists (select from {{ ref('stg_productive__time_entries') }}) as time_entries
)

select
    'productive' as system,
    deals.account,
    deals.source_id,
    deals.name,
    'company-' || deals.company_id as party_source_id,
    deals.currency,
    deals.budget,
    deals.worked,
    deals.invoiced,
    case when has.attributions then coalesce(attributed.paid, 0) end as paid,
    deals.budget - deals.worked as remaining,
    deals.cost,
    deals.profit as margin,
    deals.profit_margin as margin_percent,
    case when has.time_entries then coalesce(unbilled.minutes, 0)::bigint end as unbilled_minutes,
    deals.pending_invoicing as unbilled_amount,
    deals.closed_at is not null as is_closed
from {{ ref('stg_productive__deals') }} as deals
cross join has
left join attributed
    on attributed.account = deals.account and attributed.budget_id = deals.source_id
left join unbilled
    on unbilled.account = deals.account and unbilled.deal_id = deals.source_id
where deals.is_budget
