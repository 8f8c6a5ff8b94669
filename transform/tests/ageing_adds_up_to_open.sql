-- What is open by age is what is open of all invoices, by currency.
with aged as (
    select system, account, 'sale' as direction, currency, sum(open) as open
    from {{ ref('receivables') }}
    group by system, account, currency
    union all
    select system, account, 'purchase' as direction, currency, sum(open) as open
    from {{ ref('payables') }}
    group by system, account, currency
),

open_invoices as (
    select system, account, direction, currency, sum(open) as open
    from {{ ref('invoices') }}
    where open <> 0
    group by system, account, direction, currency
)

select system, account, direction, currency, aged.open as aged, open_invoices.open
from aged
full join open_invoices using (system, account, direction, currency)
where aged.open is distinct from open_invoices.open
