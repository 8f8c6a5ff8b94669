with budgets as (
    select account, source_id
    from {{ ref('stg_productive__deals') }}
    where is_budget
),

lines as (
    select
        'productive' as system,
        line_items.account,
        line_items.invoice_id as invoice_source_id,
        line_items.source_id,
        line_items.position as line_number,
        line_items.description,
        line_items.quantity,
        case line_items.unit_id when 1 then 'hour' when 2 then 'piece' when 3 then 'day' end as unit,
        line_items.unit_price,
        line_items.discount,
        line_items.net,
        line_items.tax_rate,
        -- Without a rate nothing says why there is no tax.
        case when line_items.tax_rate > 0 then 'S' when line_items.tax_rate = 0 then 'Z' end as tax_category,
        line_items.tax,
        services.name as service,
        budgets.source_id as budget_source_id
    from {{ ref('stg_productive__line_items') }} as line_items
    left join {{ ref('stg_productive__services') }} as services
        on services.account = line_items.account and services.source_id = line_items.service_id
    left join budgets
        on budgets.account = services.account and budgets.source_id = services.deal_id
)

{{ conform('invoice_lines', 'lines', contract('invoice_lines')) }}
