-- Invobi gives no totals, and documents neither what an element of its lists holds nor how it rounds. The names are those
-- of the vendor's older open-source apps: items with price and qty, discounts with a value or a percentage, taxes with a
-- percentage. Where one cannot be read, the amounts of the invoice are not known. The total is rounded half up, once.
with items as (
    select
        details.account,
        details.source_id,
        sum({{ decimal_of("item ->> 'price'") }} * {{ decimal_of("item ->> 'qty'") }}) as subtotal,
        bool_and({{ decimal_of("item ->> 'price'") }} is not null and {{ decimal_of("item ->> 'qty'") }} is not null) as is_readable
    from {{ ref('stg_invobi__invoice_details') }} as details
    cross join lateral jsonb_array_elements({{ json_list('details.items') }}) as item
    group by details.account, details.source_id
),

discounts as (
    select
        details.account,
        details.source_id,
        sum(
            case
                when discount ->> 'useValue' = 'true' or nullif(discount ->> 'percentage', '') is null then {{ decimal_of("discount ->> 'value'") }}
                else round(items.subtotal * {{ decimal_of("discount ->> 'percentage'") }} / 100, {{ decimals('invoices.currency') }})
            end
        ) as amount,
        bool_and(
            case
                when discount ->> 'useValue' = 'true' or nullif(discount ->> 'percentage', '') is null then {{ decimal_of("discount ->> 'value'") }}
                else {{ decimal_of("discount ->> 'percentage'") }}
            end is not null
        ) as is_readable
    from {{ ref('stg_invobi__invoice_details') }} as details
    inner join {{ ref('stg_invobi__invoices') }} as invoices using (account, source_id)
    inner join items using (account, source_id)
    cross join lateral jsonb_array_elements({{ json_list('details.discounts') }}) as discount
    group by details.account, details.source_id
),

taxes as (
    select
        details.account,
        details.source_id,
        sum({{ decimal_of("tax ->> 'percentage'") }}) as rate,
        bool_and({{ decimal_of("tax ->> 'percentage'") }} is not null) as is_readable
    from {{ ref('stg_invobi__invoice_details') }} as details
    cross join lateral jsonb_array_elements({{ json_list('details.taxes') }}) as tax
    group by details.account, details.source_id
),

reduced as (
    select
        invoices.account,
        invoices.source_id,
        taxes.rate as tax_rate,
        {{ decimals('invoices.currency') }} as decimals,
        case
            when items.is_readable and coalesce(discounts.is_readable, true) and coalesce(taxes.is_readable, true)
                then items.subtotal - coalesce(discounts.amount, 0)
        end as amount
    from {{ ref('stg_invobi__invoices') }} as invoices
    left join items using (account, source_id)
    left join discounts using (account, source_id)
    left join taxes using (account, source_id)
)

select
    account,
    source_id,
    tax_rate,
    round(amount, decimals) as net,
    round(amount * (1 + coalesce(tax_rate, 0) / 100), decimals) - round(amount, decimals) as tax,
    round(amount * (1 + coalesce(tax_rate, 0) / 100), decimals) as gross
from reduced
