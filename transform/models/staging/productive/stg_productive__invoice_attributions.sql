{{ config(
    materialized='raw_accounts',
    meta={
        'tap': 'tap_productive',
        'raw_table': 'invoice_attributions',
        'raw_key': ['id'],
        'raw_columns': {
            'id': 'text',
            'invoice_id': 'text',
            'budget_id': 'text',
            'currency': 'text',
            'amount': 'numeric',
        },
    },
) }}

select
    account,
    raw_key,
    received_at,
    id as source_id,
    invoice_id,
    budget_id,
    currency,
    {{ from_cents('amount') }} as amount
from {{ raw() }}
