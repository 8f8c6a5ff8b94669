{{ config(
    materialized='raw_accounts',
    meta={
        'tap': 'tap_productive',
        'raw_table': 'time_entries',
        'raw_key': ['id'],
        'raw_columns': {
            'id': 'text',
            'service_id': 'text',
            'billable_time': 'bigint',
            'invoiced': 'boolean',
            'draft': 'boolean',
            'rejected': 'boolean',
        },
    },
) }}

select
    account,
    raw_key,
    received_at,
    id as source_id,
    service_id,
    billable_time as billable_minutes,
    invoiced as is_invoiced,
    draft as is_draft,
    rejected as is_rejected
from {{ raw() }}
