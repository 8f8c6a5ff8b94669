-- Where a system has no terms beside the invoice, all of it is due on its due date.
with terms as (
    select
        invoices.invoice_key,
        terms.source_id,
        terms.due_on,
        terms.amount,
        terms.iban,
        terms.method_code,
        terms.method
    from {{ ref('int_payment_terms') }} as terms
    inner join {{ ref('invoices') }} as invoices
        on invoices.system = terms.system
        and invoices.account = terms.account
        and invoices.source_id = terms.invoice_source_id
),

all_terms as (
    select * from terms
    union all
    select
        invoice_key,
        '1' as source_id,
        due_on,
        gross as amount,
        null as iban,
        null as method_code,
        null as method
    from {{ ref('invoices') }}
    where due_on is not null and not exists (select from terms where terms.invoice_key = invoices.invoice_key)
)

select
    all_terms.invoice_key || '|' || all_terms.source_id as payment_term_key,
    all_terms.invoice_key,
    invoices.system,
    invoices.account,
    all_terms.due_on,
    case when invoices.amounts_known then all_terms.amount end as amount,
    invoices.currency,
    all_terms.iban,
    all_terms.method_code,
    all_terms.method
from all_terms
inner join {{ ref('invoices') }} as invoices using (invoice_key)
where invoices.status not in ('draft', 'cancelled', 'rejected')
