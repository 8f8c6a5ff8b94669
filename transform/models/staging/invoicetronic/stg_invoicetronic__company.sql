{{ config(
    materialized='raw_accounts',
    meta={
        'tap': 'tap_invoicetronic',
        'raw_table': 'company',
        'raw_key': ['id'],
        'raw_columns': {
            'id': 'bigint',
            'name': 'text',
            'vat': 'text',
            'fiscal_code': 'text',
        },
    },
) }}

select
    account,
    raw_key,
    received_at,
    id as company_id,
    name,
    vat as vat_id,
    fiscal_code as tax_number
from {{ raw() }}
