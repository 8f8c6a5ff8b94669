-- Clients, and those that invoices alone name.
with clients as (
    select
        account,
        'client-' || source_id as source_id,
        name,
        vat_id,
        tax_number,
        address,
        city,
        post_code,
        country
    from {{ ref('stg_two_invoice__clients') }}
),

named as (
    select distinct on (account, party_id)
        account,
        'client-' || party_id as source_id,
        party_name as name
    from {{ ref('stg_two_invoice__invoices') }}
    where party_id is not null
    order by account, party_id, issued_on desc nulls last, source_id
),

parties as (
    select
        '2invoice' as system,
        account,
        source_id,
        coalesce(clients.name, named.name) as name,
        clients.vat_id,
        clients.tax_number,
        clients.address,
        clients.city,
        clients.post_code,
        clients.country,
        true as is_customer,
        false as is_self
    from clients
    full join named using (account, source_id)
)

{{ conform('parties', 'parties', [
    'system', 'account', 'source_id', 'name', 'vat_id', 'tax_number', 'address', 'city', 'post_code', 'country',
    'is_customer', 'is_self',
]) }}
