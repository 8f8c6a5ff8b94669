-- Where a system has no terms beside the invoice, all of it is due on its due date.
with terms as (
    select
        *,
        true as is_stated
    from {{ ref('int_payment_terms') }}
),

due as (
    select
        invoices.invoice_key,
        invoices.system,
        invoices.account,
        case when terms.is_stated then terms.source_id else '1' end as source_id,
        case when terms.is_stated then terms.due_on else invoices.due_on end as due_on,
        case
            when not invoices.amounts_known then null
            when terms.is_stated then terms.amount
            else invoices.gross
        end as amount,
        invoices.currency,
        terms.iban,
        terms.method_code,
        terms.method
    from {{ ref('invoices') }} as invoices
    left join terms
        on terms.system = invoices.system
        and terms.account = invoices.account
        and terms.invoice_source_id = invoices.source_id
    where
        invoices.status not in ('draft', 'cancelled', 'rejected')
        and (terms.is_stated or invoices.due_on is not null)
)

select
    invoice_key || '|' || source_id as payment_term_key,
    invoice_key,
    system,
    account,
    due_on,
    amount,
    currency,
    iban,
    method_code,
    method
from due
