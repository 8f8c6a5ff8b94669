-- Parties that an invoice or a budget names, but no list holds (any more), have their key alone.
with named as (
    select system, account, seller_source_id as source_id, false as is_customer, direction = 'purchase' as is_supplier
    from {{ ref('int_invoices') }}
    union all
    select system, account, buyer_source_id as source_id, direction = 'sale' as is_customer, false as is_supplier
    from {{ ref('int_invoices') }}
    union all
    select system, account, party_source_id as source_id, true as is_customer, false as is_supplier
    from {{ ref('int_productive__budgets') }}
),

roles as (
    select
        system,
        account,
        source_id,
        bool_or(is_customer) as is_customer,
        bool_or(is_supplier) as is_supplier
    from named
    where source_id is not null
    group by system, account, source_id
),

parties as (
    select
        {{ key('source_id') }} as party_key,
        system,
        account,
        source_id,
        parties.name,
        {{ normalized_vat_id('parties.vat_id') }} as vat_id,
        parties.tax_number,
        parties.address,
        parties.city,
        parties.post_code,
        parties.country,
        coalesce(parties.is_customer, false) or coalesce(roles.is_customer, false) as is_customer,
        coalesce(roles.is_supplier, false) as is_supplier,
        coalesce(parties.is_self, false) as is_self,
        parties.url
    from {{ ref('int_parties') }} as parties
    full join roles using (system, account, source_id)
)

select
    parties.party_key,
    coalesce(merges.merged_party_key, parties.party_key) as merged_party_key,
    parties.system,
    parties.account,
    parties.source_id,
    parties.name,
    parties.vat_id,
    case left(parties.vat_id, 2)
        when 'EL' then 'GR'
        else (regexp_match(parties.vat_id, '^([A-Z]{2})[0-9A-Z]*[0-9]'))[1]
    end as vat_country,
    parties.tax_number,
    parties.address,
    parties.city,
    parties.post_code,
    parties.country,
    parties.is_customer,
    parties.is_supplier,
    parties.is_self,
    parties.url
from parties
left join {{ ref('party_merges') }} as merges using (party_key)
