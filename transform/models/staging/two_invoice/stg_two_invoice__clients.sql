{{ config(materialized='raw_accounts', meta=two_invoice_meta('clients')) }}

select
    account,
    raw_key,
    received_at,
    {{ mapped('clients', 'source_id') }} as source_id,
    {{ mapped('clients', 'name') }} as name,
    {{ mapped('clients', 'vat_id') }} as vat_id,
    {{ mapped('clients', 'tax_number') }} as tax_number,
    {{ mapped('clients', 'address') }} as address,
    {{ mapped('clients', 'city') }} as city,
    {{ mapped('clients', 'post_code') }} as post_code,
    {{ mapped('clients', 'country') }} as country
from {{ raw() }}
