-- The tax is on the invoice alone.
with lines as (
    select
        'invobi' as system,
        details.account,
        details.source_id as invoice_source_id,
        item.position::text as source_id,
        item.position::integer as line_number,
        item.value ->> 'name' as description,
        {{ decimal_of("item.value ->> 'qty'") }} as quantity,
        {{ decimal_of("item.value ->> 'price'") }} as unit_price,
        {{ decimal_of("item.value ->> 'price'") }} * {{ decimal_of("item.value ->> 'qty'") }} as net,
        totals.tax_rate,
        case when totals.tax_rate > 0 then 'S' when totals.tax_rate = 0 then 'Z' end as tax_category,
        0 as tax
    from {{ ref('stg_invobi__invoice_details') }} as details
    inner join {{ ref('int_invobi__totals') }} as totals using (account, source_id)
    cross join lateral jsonb_array_elements({{ json_list('details.items') }}) with ordinality as item (value, position)
    where totals.gross is not null
)

{{ conform('invoice_lines', 'lines', [
    'system', 'account', 'invoice_source_id', 'source_id', 'line_number', 'description', 'quantity', 'unit_price',
    'net', 'tax_rate', 'tax_category', 'tax',
]) }}
