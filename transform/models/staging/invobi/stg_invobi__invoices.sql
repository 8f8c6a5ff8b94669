{{ config(
    materialized='raw_accounts',
    meta={
        'tap': 'tap_invobi',
        'raw_table': 'invoices',
        'raw_key': ['id'],
        'raw_columns': {
            'id': 'text',
            'title': 'text',
            'issued_at': 'date',
            'due_at': 'date',
            'paid_at': 'date',
            'currency': 'text',
        },
    },
) }}

select
    account,
    raw_key,
    received_at,
    id as source_id,
    title,
    issued_at as issued_on,
    due_at as due_on,
    paid_at as paid_on,
    currency
from {{ raw() }}
