{{ config(
    materialized='raw_accounts',
    meta={
        'tap': 'tap_invoicetronic',
        'raw_table': 'receive',
        'raw_key': ['id'],
        'raw_columns': {
            'id': 'bigint',
            'company_id': 'bigint',
            'date_sent': 'timestamp',
            'documents': 'jsonb',
            'committente': 'text',
            'prestatore': 'text',
            'nome_prestatore': 'text',
        },
    },
) }}

select
    account,
    raw_key,
    received_at,
    id as file_id,
    company_id,
    date_sent as sent_at,
    documents,
    committente as customer_vat_id,
    prestatore as supplier_vat_id,
    nome_prestatore as supplier_name
from {{ raw() }}
