{{ config(materialized='table', post_hook='{{ finish_table() }}') }}

-- A table, as it is read twice: lines are many.
select
    system,
    account,
    invoice_source_id,
    tax_category,
    tax_rate,
    coalesce(sum(net), 0) as net,
    coalesce(sum(tax), 0) as tax
from {{ ref('int_invoice_lines') }}
group by system, account, invoice_source_id, tax_category, tax_rate
