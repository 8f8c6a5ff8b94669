{{ config(
    materialized='raw_accounts',
    meta={
        'tap': 'tap_covage',
        'raw_table': 'invoices',
        'raw_key': ['invoice_number'],
        'raw_columns': {
            'invoice_number': 'text',
            'customer_name': 'text',
            'billing_site_ref': 'text',
            'billing_site_name': 'text',
            'invoice_type': 'integer',
            'invoice_type_label': 'text',
            'accounting_date': 'date',
            'payment_deadline': 'date',
        },
    },
) }}

select
    account,
    raw_key,
    received_at,
    invoice_number as source_id,
    customer_name,
    billing_site_ref,
    billing_site_name,
    invoice_type,
    invoice_type_label,
    accounting_date as issued_on,
    payment_deadline as due_on
from {{ raw() }}
