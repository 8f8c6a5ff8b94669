{{ config(
    materialized='raw_accounts',
    meta={
        'tap': 'tap_invoicetronic',
        'raw_table': 'fattura_withholding',
        'raw_key': ['direction', 'invoicetronic_id', 'body_number', 'position'],
        'raw_columns': {
            'direction': 'text',
            'invoicetronic_id': 'bigint',
            'body_number': 'integer',
            'position': 'integer',
            'importo_ritenuta': 'numeric',
        },
    },
) }}

select
    account,
    raw_key,
    received_at,
    direction as file_direction,
    invoicetronic_id as file_id,
    body_number,
    "position" as position,
    importo_ritenuta as amount
from {{ raw() }}
