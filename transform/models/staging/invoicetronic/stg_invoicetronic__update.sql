{{ config(
    materialized='raw_accounts',
    meta={
        'tap': 'tap_invoicetronic',
        'raw_table': 'update',
        'raw_key': ['id'],
        'raw_columns': {
            'id': 'bigint',
            'send_id': 'bigint',
            'last_update': 'timestamp',
            'state': 'text',
            'description': 'text',
            'errors': 'jsonb',
        },
    },
) }}

select
    account,
    raw_key,
    received_at,
    id as update_id,
    send_id as file_id,
    last_update as updated_at,
    state,
    description,
    errors
from {{ raw() }}
