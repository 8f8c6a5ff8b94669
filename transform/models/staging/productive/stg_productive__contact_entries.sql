{{ config(
    materialized='raw_accounts',
    meta={
        'tap': 'tap_productive',
        'raw_table': 'contact_entries',
        'raw_key': ['id'],
        'raw_columns': {
            'id': 'text',
            'company_id': 'text',
            'subsidiary_id': 'text',
            'type': 'text',
            'billing_address': 'boolean',
            'name': 'text',
            'vat': 'text',
            'address': 'text',
            'city': 'text',
            'zipcode': 'text',
            'country': 'text',
        },
    },
) }}

select
    account,
    raw_key,
    received_at,
    id as source_id,
    company_id,
    subsidiary_id,
    "type" as entry_type,
    billing_address as is_billing_address,
    name,
    vat,
    address,
    city,
    zipcode as post_code,
    country
from {{ raw() }}
