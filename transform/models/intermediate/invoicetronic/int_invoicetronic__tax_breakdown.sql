with documents as (
    select account, {{ fattura_source_id() }} as source_id, sign
    from {{ ref('int_invoicetronic__documents') }}
),

summaries as (
    select
        'invoicetronic' as system,
        account,
        {{ fattura_source_id() }} as invoice_source_id,
        {{ fattura_tax_category('tax_rate', 'natura', 'tax', 'due_when') }} as tax_category,
        tax_rate,
        coalesce(base, 0) as base,
        coalesce(tax, 0) as tax,
        natura as exemption_reason_code,
        legal_reference as exemption_reason
    from {{ ref('stg_invoicetronic__fattura_vat_summary') }}
),

signed as (
    select
        summaries.system,
        summaries.account,
        summaries.invoice_source_id,
        summaries.tax_category,
        summaries.tax_rate,
        documents.sign * summaries.base as base,
        documents.sign * summaries.tax as tax,
        summaries.exemption_reason_code,
        summaries.exemption_reason
    from summaries
    inner join documents
        on documents.account = summaries.account and documents.source_id = summaries.invoice_source_id
)

{{ conform('tax_breakdown', 'signed', contract('tax_breakdown')) }}
