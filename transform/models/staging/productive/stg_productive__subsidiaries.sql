{{ config(
    materialized='raw_accounts',
    meta={
        'tap': 'tap_productive',
        'raw_table': 'subsidiaries',
        'raw_key': ['id'],
        'raw_columns': {
            'id': 'text',
            'name': 'text',
            'bill_from_id': 'text',
        },
    },
) }}

select
    account,
    raw_key,
    received_at,
    id as source_id,
    name,
    bill_from_id
from {{ raw() }}
