-- Who sells and who buys, as the newest document has them.
with sides as (
    select
        account,
        {{ fattura_party_id('seller') }} as source_id,
        seller_name as name,
        seller_vat_id as vat_id,
        seller_tax_number as tax_number,
        seller_address as address,
        seller_city as city,
        seller_post_code as post_code,
        seller_country as country,
        direction = 'sale' as is_self,
        true as is_seller,
        issued_on,
        {{ fattura_source_id() }} as document_id
    from {{ ref('int_invoicetronic__documents') }}
    union all
    select
        account,
        {{ fattura_party_id('buyer') }} as source_id,
        buyer_name,
        buyer_vat_id,
        buyer_tax_number,
        buyer_address,
        buyer_city,
        buyer_post_code,
        buyer_country,
        direction = 'purchase' as is_self,
        false as is_seller,
        issued_on,
        {{ fattura_source_id() }} as document_id
    from {{ ref('int_invoicetronic__documents') }}
),

own as (
    select account, source_id
    from sides
    where is_self
    group by account, source_id
),

parties as (
    select distinct on (sides.account, sides.source_id)
        'invoicetronic' as system,
        sides.account,
        sides.source_id,
        nullif(sides.name, '') as name,
        sides.vat_id,
        sides.tax_number,
        nullif(sides.address, '') as address,
        sides.city,
        sides.post_code,
        sides.country,
        false as is_customer,
        own.source_id is not null as is_self
    from sides
    left join own using (account, source_id)
    where sides.source_id is not null
    order by
        sides.account,
        sides.source_id,
        sides.address is null,
        sides.name is null,
        sides.issued_on desc nulls last,
        sides.document_id,
        -- Who sells to himself has two addresses in one document.
        sides.is_seller desc
)

{{ conform('parties', 'parties', [
    'system', 'account', 'source_id', 'name', 'vat_id', 'tax_number', 'address', 'city', 'post_code', 'country',
    'is_customer', 'is_self',
]) }}
