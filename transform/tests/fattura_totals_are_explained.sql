{{ config(severity='warn') }}

-- The total of a FatturaPA is taxable amount and VAT, less discounts on the whole document and with its rounding (technical
-- rules, 2.1.1.8 and 2.1.1.9). Sellers state it themselves and nobody checks it: a warning. Discounts in percent alone are
-- left out.
with expected as (
    select
        account,
        {{ fattura_source_id() }} as source_id,
        coalesce(rounding, 0) as rounding,
        (
            select coalesce(sum(
                case discount ->> 'tipo' when 'MG' then 1 else -1 end * {{ decimal_of("discount ->> 'importo'") }}
            ), 0)
            from jsonb_array_elements({{ json_list('discounts') }}) as discount
        ) as discount,
        exists (
            select
            from jsonb_array_elements({{ json_list('discounts') }}) as discount
            where discount ->> 'importo' is null
        ) as has_percentages
    from {{ ref('stg_invoicetronic__fattura') }}
)

select invoices.invoice_key, invoices.net, invoices.tax, invoices.gross, expected.discount, expected.rounding
from {{ ref('invoices') }} as invoices
inner join expected
    on expected.account = invoices.account and expected.source_id = invoices.source_id
where
    invoices.system = 'invoicetronic'
    and invoices.amounts_known
    and not expected.has_percentages
    and abs(abs(invoices.rounding) - abs(expected.discount + expected.rounding)) > 0.01
