-- FatturaPA has a breakdown of its own; that of all other systems is made of the lines, by category and rate.
with stated as (
    select
        system,
        account,
        invoice_source_id,
        tax_category,
        tax_rate,
        base,
        tax,
        exemption_reason_code,
        exemption_reason
    from {{ ref('int_invoicetronic__tax_breakdown') }}
),

made as (
    select
        system,
        account,
        sums.invoice_source_id,
        sums.tax_category,
        sums.tax_rate,
        invoices.sign * sums.net as base,
        invoices.sign * sums.tax as tax
    from {{ ref('int_invoice_sums') }} as sums
    inner join {{ ref('int_invoices') }} as invoices using (system, account)
    where invoices.source_id = sums.invoice_source_id and system <> 'invoicetronic'
    union all
    select
        system,
        account,
        invoice_source_id,
        tax_category,
        tax_rate,
        net as base,
        tax
    from {{ ref('int_invoice_headers') }}
    where system <> 'invoicetronic'
),

breakdown as (
    select
        system,
        account,
        invoice_source_id as source_id,
        tax_category,
        tax_rate,
        sum(base) as base,
        sum(tax) as tax,
        exemption_reason_code,
        max(exemption_reason) as exemption_reason
    from (
        select * from stated
        union all
        select
            *,
            null as exemption_reason_code,
            null as exemption_reason
        from made
    ) as both_kinds
    group by system, account, invoice_source_id, tax_category, tax_rate, exemption_reason_code
),

keyed as (
    select
        {{ key('source_id') }} as invoice_key,
        system,
        account,
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
    inner join {{ ref('int_invoices') }} as invoices using (system, account, source_id)
    where invoices.amounts_known
)

select
    concat_ws(
        '|',
        invoice_key,
        coalesce(tax_category, ''),
        coalesce(trim_scale(tax_rate)::text, ''),
        coalesce(exemption_reason_code, '')
    ) as tax_breakdown_key,
    *
from keyed
