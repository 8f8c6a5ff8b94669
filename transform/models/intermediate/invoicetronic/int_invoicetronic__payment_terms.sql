with documents as (
    select account, {{ fattura_source_id() }} as source_id, sign
    from {{ ref('int_invoicetronic__documents') }}
),

terms as (
    select
        'invoicetronic' as system,
        account,
        {{ fattura_source_id() }} as invoice_source_id,
        position::text as source_id,
        due_on,
        amount,
        {{ iban('iban') }} as iban,
        {{ fattura_method_code('method') }} as method_code,
        method
    from {{ ref('stg_invoicetronic__fattura_payment') }}
),

signed as (
    select
        terms.system,
        terms.account,
        terms.invoice_source_id,
        terms.source_id,
        terms.due_on,
        documents.sign * terms.amount as amount,
        terms.iban,
        terms.method_code,
        terms.method
    from terms
    inner join documents
        on documents.account = terms.account and documents.source_id = terms.invoice_source_id
)

{{ conform('payment_terms', 'signed', contract('payment_terms')) }}
