{{ config(
    materialized='raw_accounts',
    meta={
        'tap': 'tap_productive',
        'raw_table': 'deals',
        'raw_key': ['id'],
        'raw_columns': {
            'id': 'text',
            'budget': 'boolean',
            'name': 'text',
            'company_id': 'text',
            'currency': 'text',
            'closed_at': 'timestamp',
            'budget_total': 'numeric',
            'budget_used': 'numeric',
            'invoiced': 'numeric',
            'cost': 'numeric',
            'profit': 'numeric',
            'profit_margin': 'numeric',
            'pending_invoicing': 'numeric',
        },
    },
) }}

select
    account,
    raw_key,
    received_at,
    id as source_id,
    budget as is_budget,
    name,
    company_id,
    currency,
    closed_at,
    {{ from_cents('budget_total') }} as budget,
    {{ from_cents('budget_used') }} as worked,
    {{ from_cents('invoiced') }} as invoiced,
    {{ from_cents('cost') }} as cost,
    {{ from_cents('profit') }} as profit,
    profit_margin,
    {{ from_cents('pending_invoicing') }} as pending_invoicing
from {{ raw() }}
