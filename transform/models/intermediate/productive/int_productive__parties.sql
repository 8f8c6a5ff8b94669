with addresses as (
    select distinct on (account, company_id)
        account,
        company_id,
        address,
        city,
        post_code,
        country
    from {{ ref('stg_productive__contact_entries') }}
    where company_id is not null and address is not null
    order by account, company_id, is_billing_address desc nulls last, source_id
),

companies as (
    select
        'productive' as system,
        companies.account,
        'company-' || companies.source_id as source_id,
        coalesce(companies.billing_name, companies.name) as name,
        companies.vat as vat_id,
        companies.company_code as tax_number,
        addresses.address,
        addresses.city,
        addresses.post_code,
        addresses.country,
        true as is_customer,
        false as is_self
    from {{ ref('stg_productive__companies') }} as companies
    left join addresses
        on addresses.account = companies.account and addresses.company_id = companies.source_id
),

subsidiaries as (
    select
        'productive' as system,
        subsidiaries.account,
        'subsidiary-' || subsidiaries.source_id as source_id,
        coalesce(bill_from.name, subsidiaries.name) as name,
        bill_from.vat as vat_id,
        null::text as tax_number,
        bill_from.address,
        bill_from.city,
        bill_from.post_code,
        bill_from.country,
        false as is_customer,
        true as is_self
    from {{ ref('stg_productive__subsidiaries') }} as subsidiaries
    left join {{ ref('stg_productive__contact_entries') }} as bill_from
        on bill_from.account = subsidiaries.account and bill_from.source_id = subsidiaries.bill_from_id
),

parties as (
    select * from companies
    union all
    select * from subsidiaries
)

{{ conform('parties', 'parties', [
    'system', 'account', 'source_id', 'name', 'vat_id', 'tax_number', 'address', 'city', 'post_code', 'country',
    'is_customer', 'is_self',
]) }}
