{{ config(
    materialized='raw_accounts',
    meta={
        'tap': 'tap_productive',
        'raw_table': 'bank_accounts',
        'raw_key': ['id'],
        'raw_columns': {
            'id': 'text',
            'number': 'text',
        },
    },
) }}

select
    account,
    raw_key,
    received_at,
    id as source_id,
    number as account_number
from {{ raw() }}
