{{ config(
    materialized='raw_accounts',
    meta={
        'tap': 'tap_invoicetronic',
        'raw_table': 'fattura_vat_summary',
        'raw_key': ['direction', 'invoicetronic_id', 'body_number', 'position'],
        'raw_columns': {
            'direction': 'text',
            'invoicetronic_id': 'bigint',
            'body_number': 'integer',
            'position': 'integer',
            'aliquota_iva': 'numeric',
            'natura': 'text',
            'imponibile_importo': 'numeric',
            'imposta': 'numeric',
            'esigibilita_iva': 'text',
            'riferimento_normativo': 'text',
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
    aliquota_iva as tax_rate,
    natura,
    imponibile_importo as base,
    imposta as tax,
    esigibilita_iva as due_when,
    riferimento_normativo as legal_reference
from {{ raw() }}
