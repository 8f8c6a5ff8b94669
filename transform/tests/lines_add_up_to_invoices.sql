-- Lines and header of an invoice are its net and its tax, to the last digit.
with sums as (
    select invoice_key, sum(net) as net, sum(tax) as tax
    from {{ ref('invoice_lines') }}
    group by invoice_key
)

select invoices.invoice_key, invoices.net, sums.net as net_of_lines, invoices.tax, sums.tax as tax_of_lines
from {{ ref('invoices') }} as invoices
left join sums using (invoice_key)
where
    invoices.amounts_known
    and (coalesce(sums.net, 0) <> invoices.net or coalesce(sums.tax, 0) <> invoices.tax)
