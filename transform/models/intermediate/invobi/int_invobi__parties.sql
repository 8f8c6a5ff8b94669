-- Who invoices are from and to, by name, as the newest invoice has them.
with sides as (
    select
        account,
        source_id as invoice_id,
        from_details as details,
        true as is_self
    from {{ ref('stg_invobi__invoice_details') }}
    union all
    select
        account,
        source_id as invoice_id,
        to_details as details,
        false as is_self
    from {{ ref('stg_invobi__invoice_details') }}
),

named as (
    select
        sides.account,
        {{ labelled_name('sides.details') }} as name,
        {{ labelled('sides.details', '^(vat|tax|kmkr)') }} as vat_id,
        {{ labelled('sides.details', 'address|street') }} as address,
        {{ labelled('sides.details', '^(city|town)') }} as city,
        {{ labelled('sides.details', '^(zip|post)') }} as post_code,
        {{ labelled('sides.details', '^country') }} as country,
        sides.is_self,
        invoices.issued_on,
        sides.invoice_id
    from sides
    left join {{ ref('stg_invobi__invoices') }} as invoices
        on invoices.account = sides.account and invoices.source_id = sides.invoice_id
),

parties as (
    select distinct on (account, lower(name))
        'invobi' as system,
        account,
        'name:' || lower(name) as source_id,
        name,
        vat_id,
        address,
        city,
        post_code,
        country,
        not is_self as is_customer,
        is_self
    from named
    where name is not null
    order by account, lower(name), is_self desc, issued_on desc nulls last, invoice_id
)

{{ conform('parties', 'parties', [
    'system', 'account', 'source_id', 'name', 'vat_id', 'address', 'city', 'post_code', 'country', 'is_customer', 'is_self',
]) }}
