-- The VAT breakdown of an invoice is its net and its tax, to the last digit.
with sums as (
    select invoice_key, sum(base) as base, sum(tax) as tax
    from {{ ref('tax_breakdown') }}
    group by invoice_key
)

select invoices.invoice_key, invoices.net, sums.base, invoices.tax, sums.tax as tax_of_breakdown
from {{ ref('invoices') }} as invoices
left join sums using (invoice_key)
where
    invoices.amounts_known
    and (coalesce(sums.base, 0) <> invoices.net or coalesce(sums.tax, 0) <> invoices.tax)
