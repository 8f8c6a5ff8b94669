with customers as (
    select
        account,
        'name:' || lower(customer_name) as source_id,
        max(customer_name) as name,
        true as is_self
    from {{ ref('stg_covage__invoices') }}
    where customer_name is not null
    group by account, lower(customer_name)
),

suppliers as (
    select
        account,
        'covage' as source_id,
        'Covage' as name,
        false as is_self
    from {{ ref('stg_covage__invoices') }}
    group by account
),

parties as (
    select 'covage' as system, account, source_id, name, false as is_customer, is_self from customers
    union all
    select 'covage' as system, account, source_id, name, false as is_customer, is_self from suppliers
)

{{ conform('parties', 'parties', ['system', 'account', 'source_id', 'name', 'is_customer', 'is_self']) }}
