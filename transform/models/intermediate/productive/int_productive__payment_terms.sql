-- One date an invoice, on which all of it is due.
with terms as (
    select
        'productive' as system,
        invoices.account,
        invoices.source_id as invoice_source_id,
        '1' as source_id,
        invoices.due_on,
        invoices.gross as amount,
        {{ iban('bank_accounts.account_number') }} as iban
    from {{ ref('stg_productive__invoices') }} as invoices
    left join {{ ref('stg_productive__bank_accounts') }} as bank_accounts
        on bank_accounts.account = invoices.account and bank_accounts.source_id = invoices.bank_account_id
    where invoices.due_on is not null and invoices.invoice_type_id = 1
)

{{ conform('payment_terms', 'terms', [
    'system', 'account', 'invoice_source_id', 'source_id', 'due_on', 'amount', 'iban',
]) }}
