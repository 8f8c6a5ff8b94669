with lines as not materialized (
    select
        invoices.invoice_key,
        invoices.system,
        invoices.account,
        invoices.currency,
        lines.source_id,
        lines.line_number,
        lines.description,
        lines.quantity,
        lines.unit,
        lines.unit_price,
        lines.discount,
        {{ signed('coalesce(lines.net, 0)', 'invoices.sign') }} as net,
        lines.tax_rate,
        lines.tax_category,
        {{ signed('coalesce(lines.tax, 0)', 'invoices.sign') }} as tax,
        lines.service,
        lines.budget_source_id
    from {{ ref('int_invoice_lines') }} as lines
    inner join {{ ref('int_invoices') }} as invoices
        on invoices.system = lines.system
        and invoices.account = lines.account
        and invoices.source_id = lines.invoice_source_id
    where invoices.amounts_known
)

select
    invoice_key || '|line|' || source_id as line_key,
    invoice_key,
    system,
    account,
    'line' as kind,
    line_number,
    description,
    quantity,
    unit,
    unit_price,
    discount,
    net,
    tax_rate,
    tax_category,
    tax,
    service,
    {{ key('budget_source_id') }} as budget_key,
    currency
from lines
union all
select
    invoice_key || '|header' as line_key,
    invoice_key,
    system,
    account,
    'header' as kind,
    null as line_number,
    null as description,
    null as quantity,
    null as unit,
    null as unit_price,
    null as discount,
    net,
    tax_rate,
    tax_category,
    tax,
    null as service,
    null as budget_key,
    currency
from {{ ref('int_invoice_headers') }}
