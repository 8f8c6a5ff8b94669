{{ config(
    materialized='raw_accounts',
    meta={
        'tap': 'tap_invobi',
        'raw_table': 'invoice_details',
        'raw_key': ['id'],
        'raw_columns': {
            'id': 'text',
            'from_details': 'jsonb',
            'to_details': 'jsonb',
            'items': 'jsonb',
            'discounts': 'jsonb',
            'taxes': 'jsonb',
            'payment_details': 'jsonb',
        },
    },
) }}

select
    account,
    raw_key,
    received_at,
    id as source_id,
    from_details,
    to_details,
    items,
    discounts,
    taxes,
    payment_details
from {{ raw() }}
