{{ config(
    materialized='raw_accounts',
    meta={
        'tap': 'tap_invoicetronic',
        'raw_table': 'fattura_payment',
        'raw_key': ['direction', 'invoicetronic_id', 'body_number', 'position'],
        'raw_columns': {
            'direction': 'text',
            'invoicetronic_id': 'bigint',
            'body_number': 'integer',
            'position': 'integer',
            'data_scadenza_pagamento': 'date',
            'importo_pagamento': 'numeric',
            'modalita_pagamento': 'text',
            'iban': 'text',
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
    data_scadenza_pagamento as due_on,
    importo_pagamento as amount,
    modalita_pagamento as method,
    iban
from {{ raw() }}
