{{ config(
    materialized='raw_accounts',
    meta={
        'tap': 'tap_invoicetronic',
        'raw_table': 'fattura_line',
        'raw_key': ['direction', 'invoicetronic_id', 'body_number', 'position'],
        'raw_columns': {
            'direction': 'text',
            'invoicetronic_id': 'bigint',
            'body_number': 'integer',
            'position': 'integer',
            'descrizione': 'text',
            'quantita': 'numeric',
            'unita_misura': 'text',
            'prezzo_unitario': 'numeric',
            'prezzo_totale': 'numeric',
            'importo': 'numeric',
            'imposta': 'numeric',
            'aliquota_iva': 'numeric',
            'natura': 'text',
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
    descrizione as description,
    quantita as quantity,
    unita_misura as unit,
    prezzo_unitario as unit_price,
    prezzo_totale as net,
    importo as gross,
    imposta as tax,
    aliquota_iva as tax_rate,
    natura
from {{ raw() }}
