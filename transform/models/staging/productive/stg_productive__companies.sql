{{ config(
    materialized='raw_accounts',
    meta={
        'tap': 'tap_productive',
        'raw_table': 'companies',
        'raw_key': ['id'],
        'raw_columns': {
            'id': 'text',
            'name': 'text',
            'billing_name': 'text',
            'company_code': 'text',
            'vat': 'text',
        },
    },
) }}

select
    account,
    raw_key,
    received_at,
    id as source_id,
    name,
    billing_name,
    company_code,
    vat
from {{ raw() }}
