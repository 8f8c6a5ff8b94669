{{ config(
    materialized='raw_accounts',
    meta={
        'tap': 'tap_productive',
        'raw_table': 'payments',
        'raw_key': ['id'],
        'raw_columns': {
            'id': 'text',
            'invoice_id': 'text',
            'currency': 'text',
            'amount': 'numeric',
            'paid_on': 'date',
            'written_off_on': 'date',
        },
    },
) }}

select
    account,
    raw_key,
    received_at,
    id as source_id,
    invoice_id,
    currency,
    {{ from_cents('amount') }} as amount,
    paid_on,
    written_off_on
from {{ raw() }}
