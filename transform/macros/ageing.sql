{# What is open of a direction, and how late it is. #}
{% macro ageing(direction) %}
with open_invoices as (
    select
        invoices.*,
        parties.name as party_name,
        {{ as_of() }} as as_of,
        {{ as_of() }} - invoices.due_on as days_overdue
    from {{ ref('invoices') }} as invoices
    left join {{ ref('parties') }} as parties using (party_key)
    where invoices.direction = '{{ direction }}' and invoices.open <> 0
)

select
    invoice_key,
    as_of,
    system,
    account,
    currency,
    party_key,
    party_name,
    number,
    issued_on,
    due_on,
    gross,
    open,
    payments_known,
    days_overdue,
    coalesce(days_overdue > 0, false) as is_overdue,
    case
        when days_overdue > 90 then 'over 90'
        when days_overdue > 60 then '61-90'
        when days_overdue > 30 then '31-60'
        when days_overdue > 0 then '1-30'
        else 'not due'
    end as bucket,
    url
from open_invoices
{% endmacro %}
