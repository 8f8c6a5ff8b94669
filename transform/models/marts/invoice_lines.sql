with lines as not materialized (
    select
        {{ key('invoices.source_id', 'invoices.system', 'invoices.account') }} as invoice_key,
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
        invoices.sign * coalesce(lines.net, 0) as net,
        lines.tax_rate,
        lines.tax_category,
        invoices.sign * coalesce(lines.tax, 0) as tax,
        lines.service,
        lines.budget_source_id
    from {{ ref('int_invoice_lines') }} as lines
    inner join {{ ref('int_invoices') }} as invoices
        on invoices.system = lines.system
        and invoices.account = lines.account
        and invoices.source_id = lines.invoice_source_id
    where invoices.amounts_known
),

sums as (
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
    from {{ ref('int_invoice_lines') }}
    group by system, account, invoice_source_id
),

-- What stands only on the invoice: sums over an invoice are right with it.
headers as (
    select
        {{ key('source_id') }} as invoice_key,
        system,
        account,
        invoices.currency,
        invoices.net - invoices.sign * coalesce(sums.net, 0) as net,
        sums.tax_rate,
        sums.tax_category,
        invoices.tax - invoices.sign * coalesce(sums.tax, 0) as tax
    from {{ ref('int_invoices') }} as invoices
    left join sums using (system, account, source_id)
    where
        invoices.amounts_known
        and (
            invoices.net <> invoices.sign * coalesce(sums.net, 0)
            or invoices.tax <> invoices.sign * coalesce(sums.tax, 0)
        )
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
from headers
