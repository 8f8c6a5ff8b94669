with elements as (
    select
        invoices.account,
        invoices.source_id as invoice_source_id,
        line.position,
        {{ mapped_element('lines', 'description', 'line.value') }} as description,
        {{ mapped_element('lines', 'quantity', 'line.value') }} as quantity,
        {{ mapped_element('lines', 'unit', 'line.value') }} as unit,
        {{ mapped_element('lines', 'unit_price', 'line.value') }} as unit_price,
        {{ mapped_element('lines', 'net', 'line.value') }} as net,
        {{ mapped_element('lines', 'tax_rate', 'line.value') }} as tax_rate,
        {{ mapped_element('lines', 'tax', 'line.value') }} as tax
    from {{ ref('stg_two_invoice__invoices') }} as invoices
    cross join lateral jsonb_array_elements({{ json_list('invoices.lines') }}) with ordinality as line (value, position)
),

lines as (
    select
        '2invoice' as system,
        account,
        invoice_source_id,
        position::text as source_id,
        position::integer as line_number,
        description,
        {{ decimal_of('quantity') }} as quantity,
        unit,
        {{ decimal_of('unit_price') }} as unit_price,
        coalesce({{ decimal_of('net') }}, 0) as net,
        {{ decimal_of('tax_rate') }} as tax_rate,
        case when {{ decimal_of('tax_rate') }} > 0 then 'S' when {{ decimal_of('tax_rate') }} = 0 then 'Z' end as tax_category,
        coalesce({{ decimal_of('tax') }}, 0) as tax
    from elements
)

{{ conform('invoice_lines', 'lines', [
    'system', 'account', 'invoice_source_id', 'source_id', 'line_number', 'description', 'quantity', 'unit',
    'unit_price', 'net', 'tax_rate', 'tax_category', 'tax',
]) }}
