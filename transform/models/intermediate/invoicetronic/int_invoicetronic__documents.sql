{{ config(materialized='table', post_hook='{{ finish_table() }}') }}

-- An invoice of a file that was sent or received: as the document has it, or, where the document was not fetched, as the
-- list of files names it. Documents that the buyer makes himself are purchases, though they are sent.
with states as (
    select distinct on (account, file_id)
        account,
        file_id,
        state,
        concat_ws(
            ': ',
            description,
            (
                select string_agg(concat_ws(' ', error ->> 'code', error ->> 'description'), '; ')
                from jsonb_array_elements(case when jsonb_typeof(errors) = 'array' then errors else '[]' end) as error
            )
        ) as message
    from {{ ref('stg_invoicetronic__update') }}
    order by account, file_id, updated_at desc nulls last, update_id desc
),

files as (
    select
        send.account,
        'send' as file_direction,
        send.file_id,
        send.documents,
        send.supplier_vat_id,
        companies.name as supplier_name,
        send.customer_vat_id,
        send.customer_name,
        send.sent_at is not null or coalesce(states.state, send.latest_state) is not null as is_sent,
        coalesce(states.state, send.latest_state) as sdi_status,
        nullif(states.message, '') as sdi_message
    from {{ ref('stg_invoicetronic__send') }} as send
    left join states
        on states.account = send.account and states.file_id = send.file_id
    left join {{ ref('stg_invoicetronic__company') }} as companies
        on companies.account = send.account and companies.company_id = send.company_id
    union all
    select
        receive.account,
        'receive' as file_direction,
        receive.file_id,
        receive.documents,
        receive.supplier_vat_id,
        receive.supplier_name,
        receive.customer_vat_id,
        companies.name as customer_name,
        true as is_sent,
        null as sdi_status,
        null as sdi_message
    from {{ ref('stg_invoicetronic__receive') }} as receive
    left join {{ ref('stg_invoicetronic__company') }} as companies
        on companies.account = receive.account and companies.company_id = receive.company_id
),

-- Credit notes state amounts without a sign, and a few with it; the totals in `fattura` are negative either way.
stated as (
    select
        account,
        file_direction,
        file_id,
        body_number,
        sum(base) as base,
        sum(tax) as tax,
        sum(tax) filter (where due_when = 'S') as split_tax
    from {{ ref('stg_invoicetronic__fattura_vat_summary') }}
    group by account, file_direction, file_id, body_number
),

withheld as (
    select
        account,
        file_direction,
        file_id,
        body_number,
        sum(amount) as amount
    from {{ ref('stg_invoicetronic__fattura_withholding') }}
    group by account, file_direction, file_id, body_number
),

terms as (
    select
        account,
        file_direction,
        file_id,
        body_number,
        min(due_on) as due_on,
        sum(amount) as amount
    from {{ ref('stg_invoicetronic__fattura_payment') }}
    group by account, file_direction, file_id, body_number
),

fetched as (
    select
        fattura.*,
        terms.due_on,
        terms.amount as due_amount,
        stated.split_tax,
        withheld.amount as withheld,
        case
            when fattura.document_type not in ('TD04', 'TD08') then 1
            when coalesce(stated.base, 0) + coalesce(stated.tax, 0) < 0 then 1
            else -1
        end as sign
    from {{ ref('stg_invoicetronic__fattura') }} as fattura
    left join stated using (account, file_direction, file_id, body_number)
    left join withheld using (account, file_direction, file_id, body_number)
    left join terms using (account, file_direction, file_id, body_number)
),

listed as (
    select
        files.account,
        files.file_direction,
        files.file_id,
        document.position::integer as body_number,
        document.value ->> 'number' as number,
        {{ date_of("document.value ->> 'date'") }} as issued_on
    from files
    cross join lateral jsonb_array_elements(
        case when jsonb_typeof(files.documents) = 'array' then files.documents else '[]' end
    ) with ordinality as document (value, position)
    where not exists (
        select
        from {{ ref('stg_invoicetronic__fattura') }} as fattura
        where
            fattura.account = files.account
            and fattura.file_direction = files.file_direction
            and fattura.file_id = files.file_id
    )
)

select
    fetched.account,
    fetched.file_direction,
    fetched.file_id,
    fetched.body_number,
    case
        when fetched.file_direction = 'send' and not coalesce({{ is_made_by_the_buyer('fetched.document_type') }}, false) then 'sale'
        else 'purchase'
    end as direction,
    fetched.document_type,
    fetched.number,
    fetched.issued_on,
    fetched.due_on,
    fetched.delivered_at::date as delivered_on,
    fetched.currency,
    fetched.net,
    fetched.tax,
    fetched.gross,
    -- What is to be paid: as the document says, else all but what the buyer pays to the tax office.
    fetched.sign * coalesce(
        fetched.due_amount, fetched.sign * fetched.gross - coalesce(fetched.split_tax, 0) - coalesce(fetched.withheld, 0)
    ) as due_amount,
    fetched.sign,
    {{ normalized_vat_id('fetched.seller_vat_country || fetched.seller_vat_number') }} as seller_vat_id,
    upper(fetched.seller_tax_number) as seller_tax_number,
    coalesce(fetched.seller_company_name, concat_ws(' ', fetched.seller_first_name, fetched.seller_last_name)) as seller_name,
    concat_ws(' ', fetched.seller_street, fetched.seller_house_number) as seller_address,
    fetched.seller_city,
    fetched.seller_post_code,
    fetched.seller_country,
    {{ normalized_vat_id('fetched.buyer_vat_country || fetched.buyer_vat_number') }} as buyer_vat_id,
    upper(fetched.buyer_tax_number) as buyer_tax_number,
    coalesce(fetched.buyer_company_name, concat_ws(' ', fetched.buyer_first_name, fetched.buyer_last_name)) as buyer_name,
    concat_ws(' ', fetched.buyer_street, fetched.buyer_house_number) as buyer_address,
    fetched.buyer_city,
    fetched.buyer_post_code,
    fetched.buyer_country,
    coalesce(files.is_sent, true) as is_sent,
    files.sdi_status,
    files.sdi_message
from fetched
left join files
    on files.account = fetched.account
    and files.file_direction = fetched.file_direction
    and files.file_id = fetched.file_id
union all
select
    listed.account,
    listed.file_direction,
    listed.file_id,
    listed.body_number,
    case listed.file_direction when 'send' then 'sale' else 'purchase' end as direction,
    null as document_type,
    listed.number,
    listed.issued_on,
    null as due_on,
    null as delivered_on,
    null as currency,
    null as net,
    null as tax,
    null as gross,
    null as due_amount,
    1 as sign,
    case when {{ normalized_vat_id('files.supplier_vat_id') }} ~ '^[A-Z]{2}[0-9]' then {{ normalized_vat_id('files.supplier_vat_id') }} end as seller_vat_id,
    case when {{ normalized_vat_id('files.supplier_vat_id') }} !~ '^[A-Z]{2}[0-9]' then {{ normalized_vat_id('files.supplier_vat_id') }} end as seller_tax_number,
    files.supplier_name as seller_name,
    null as seller_address,
    null as seller_city,
    null as seller_post_code,
    null as seller_country,
    case when {{ normalized_vat_id('files.customer_vat_id') }} ~ '^[A-Z]{2}[0-9]' then {{ normalized_vat_id('files.customer_vat_id') }} end as buyer_vat_id,
    case when {{ normalized_vat_id('files.customer_vat_id') }} !~ '^[A-Z]{2}[0-9]' then {{ normalized_vat_id('files.customer_vat_id') }} end as buyer_tax_number,
    files.customer_name as buyer_name,
    null as buyer_address,
    null as buyer_city,
    null as buyer_post_code,
    null as buyer_country,
    files.is_sent,
    files.sdi_status,
    files.sdi_message
from listed
inner join files
    on files.account = listed.account
    and files.file_direction = listed.file_direction
    and files.file_id = listed.file_id
