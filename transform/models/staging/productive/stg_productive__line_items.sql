{{ config(
    materialized='raw_accounts',
    meta={
        'tap': 'tap_productive',
        'raw_table': 'line_items',
        'raw_key': ['id'],
        'raw_columns': {
            'id': 'text',
            'invoice_id': 'text',
            'service_id': 'text',
            'position': 'integer',
            'description': 'text',
            'quantity': 'numeric',
            'unit_id': 'integer',
            'currency': 'text',
            'unit_price': 'numeric',
            'discount': 'numeric',
            'amount': 'numeric',
            'amount_tax': 'numeric',
            'tax_value': 'numeric',
        },
    },
) }}

select
    account,
    raw_key,
    received_at,
    id as source_id,
    invoice_id,
    service_id,
    position,
    description,
    quantity,
    unit_id,
    currency,
    {{ from_cents('unit_price') }} as unit_price,
    discount,
    {{ from_cents('amount') }} as net,
    {{ from_cents('amount_tax') }} as tax,
    tax_value as tax_rate
from {{ raw() }}
