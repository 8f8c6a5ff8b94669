select
    {{ key('payments.source_id', 'payments.system', 'payments.account') }} as payment_key,
    invoices.invoice_key,
    payments.system,
    payments.account,
    coalesce(invoices.direction, 'sale') as direction,
    invoices.party_key,
    payments.paid_on,
    invoices.due_on,
    payments.amount,
    payments.currency,
    payments.method_code,
    payments.method,
    coalesce(payments.is_write_off, false) as is_write_off
from {{ ref('int_payments') }} as payments
left join {{ ref('invoices') }} as invoices
    on invoices.system = payments.system
    and invoices.account = payments.account
    and invoices.source_id = payments.invoice_source_id
