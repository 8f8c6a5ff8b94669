{{ config(
    materialized='raw_accounts',
    meta={
        'tap': 'tap_productive',
        'raw_table': 'services',
        'raw_key': ['id'],
        'raw_columns': {
            'id': 'text',
            'deal_id': 'text',
            'name': 'text',
        },
    },
) }}

select
    account,
    raw_key,
    received_at,
    id as source_id,
    deal_id,
    name
from {{ raw() }}
