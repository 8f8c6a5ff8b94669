-- FatturaPA has a breakdown of its own; that of all other systems is made of the lines, by category and rate.
with stated as (
    select
        invoices.invoice_key,
        breakdown.tax_category,
        breakdown.tax_rate,
        breakdown.base,
        breakdown.tax,
        breakdown.exemption_reason_code,
        breakdown.exemption_reason
    from {{ ref('int_invoicetronic__tax_breakdown') }} as breakdown
    inner join {{ ref('invoices') }} as invoices
        on invoices.system = breakdown.system
        and invoices.account = breakdown.account
        and invoices.source_id = breakdown.invoice_source_id
    where invoices.amounts_known
),

made as (
    select
        invoice_key,
        tax_category,
        tax_rate,
        net as base,
        tax,
        null as exemption_reason_code,
        null as exemption_reason
    from {{ ref('invoice_lines') }}
    where system <> 'invoicetronic'
),

breakdown as (
    select
        invoice_key,
        tax_category,
        tax_rate,
        sum(base) as base,
        sum(tax) as tax,
        exemption_reason_code,
        max(exemption_reason) as exemption_reason
    from (
        select * from stated
        union all
        select * from made
    ) as both_kinds
    group by invoice_key, tax_category, tax_rate, exemption_reason_code
)

select
    concat_ws(
        '|',
        breakdown.invoice_key,
        coalesce(breakdown.tax_category, ''),
        coalesce(trim_scale(breakdown.tax_rate)::text, ''),
        coalesce(breakdown.exemption_reason_code, '')
    ) as tax_breakdown_key,
    breakdown.invoice_key,
    invoices.system,
    invoices.account,
    invoices.direction,
    invoices.issued_on,
    invoices.currency,
    breakdown.tax_category,
    breakdown.tax_rate,
    breakdown.base,
    breakdown.tax,
    breakdown.exemption_reason_code,
    breakdown.exemption_reason
from breakdown
inner join {{ ref('invoices') }} as invoices using (invoice_key)
