-- The lines of ordinary invoices are without VAT, which only the summaries have; those of simplified ones contain it.
with lines as (
    select
        'invoicetronic' as system,
        account,
        {{ fattura_source_id() }} as invoice_source_id,
        position::text as source_id,
        position as line_number,
        description,
        quantity,
        unit,
        unit_price,
        coalesce(net, gross - coalesce(tax, round(gross * tax_rate / (100 + tax_rate), 2), 0), 0) as net,
        tax_rate,
        {{ fattura_tax_category('tax_rate', 'natura', 'tax') }} as tax_category,
        case when net is null then coalesce(tax, round(gross * tax_rate / (100 + tax_rate), 2), 0) else 0 end as tax
    from {{ ref('stg_invoicetronic__fattura_line') }}
),

signed as (
    select
        lines.system,
        lines.account,
        lines.invoice_source_id,
        lines.source_id,
        lines.line_number,
        lines.description,
        lines.quantity,
        lines.unit,
        lines.unit_price,
        documents.sign * lines.net as net,
        lines.tax_rate,
        lines.tax_category,
        documents.sign * lines.tax as tax
    from lines
    inner join (
        select account, {{ fattura_source_id() }} as source_id, sign
        from {{ ref('int_invoicetronic__documents') }}
    ) as documents
        on documents.account = lines.account and documents.source_id = lines.invoice_source_id
)

{{ conform('invoice_lines', 'signed', [
    'system', 'account', 'invoice_source_id', 'source_id', 'line_number', 'description', 'quantity', 'unit',
    'unit_price', 'net', 'tax_rate', 'tax_category', 'tax',
]) }}
