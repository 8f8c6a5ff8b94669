-- FatturaPA has a breakdown of its own; that of all other systems is made of the lines, by category and rate.
with stated as (
    select
        system,
        account,
        invoice_source_id,
        tax_category,
        tax_rate,
        sum(base) as base,
        sum(tax) as tax,
        exemption_reason_code,
        max(exemption_reason) as exemption_reason
    from {{ ref('int_invoicetronic__tax_breakdown') }}
    group by system, account, invoice_source_id, tax_category, tax_rate, exemption_reason_code
),

sums as (
    select *
    from {{ ref('int_invoice_sums') }}
    where system <> 'invoicetronic'
),

headers as (
    select *
    from {{ ref('int_invoice_headers') }}
    where system <> 'invoicetronic'
),

-- Headers are few. They are joined to what the lines have of the same category and rate, or are a row of their own, as to
-- group both once more would take longer than all the rest.
made as (
    select
        sums.system,
        sums.account,
        sums.invoice_source_id,
        sums.tax_category,
        sums.tax_rate,
        sums.net as unsigned_base,
        sums.tax as unsigned_tax,
        coalesce(headers.net, 0) as base,
        coalesce(headers.tax, 0) as tax
    from sums
    left join headers
        on headers.system = sums.system
        and headers.account = sums.account
        and headers.invoice_source_id = sums.invoice_source_id
        and headers.tax_category is not distinct from sums.tax_category
        and headers.tax_rate is not distinct from sums.tax_rate
    union all
    select
        system,
        account,
        invoice_source_id,
        tax_category,
        tax_rate,
        0 as unsigned_base,
        0 as unsigned_tax,
        net as base,
        tax
    from headers
    where not exists (
        select
        from sums
        where
            sums.system = headers.system
            and sums.account = headers.account
            and sums.invoice_source_id = headers.invoice_source_id
            and sums.tax_category is not distinct from headers.tax_category
            and sums.tax_rate is not distinct from headers.tax_rate
    )
),

breakdown as (
    select
        *,
        null as exemption_reason_code,
        null as exemption_reason
    from made
    union all
    select
        system,
        account,
        invoice_source_id,
        tax_category,
        tax_rate,
        0 as unsigned_base,
        0 as unsigned_tax,
        base,
        tax,
        exemption_reason_code,
        exemption_reason
    from stated
),

keyed as (
    select
        invoices.invoice_key,
        invoices.system,
        invoices.account,
        invoices.direction,
        invoices.issued_on,
        invoices.currency,
        breakdown.tax_category,
        breakdown.tax_rate,
        {{ signed('breakdown.unsigned_base', 'invoices.sign') }} + breakdown.base as base,
        {{ signed('breakdown.unsigned_tax', 'invoices.sign') }} + breakdown.tax as tax,
        breakdown.exemption_reason_code,
        breakdown.exemption_reason
    from breakdown
    inner join {{ ref('int_invoices') }} as invoices
        on invoices.system = breakdown.system
        and invoices.account = breakdown.account
        and invoices.source_id = breakdown.invoice_source_id
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
