{{ config(materialized='table', post_hook='{{ finish_table() }}') }}

-- The rules that hold for all systems: signs, what is open, and the status.
with sources as (
    {{ union_systems('invoices', ['productive', 'invoicetronic', 'invobi', 'covage', 'two_invoice']) | indent(4) }}
),

-- Credit notes are negative; a source that states them without a sign has its amounts turned, those of lines too.
signed as (
    select
        *,
        case when type_code = '381' and gross > 0 then -1 else 1 end as sign
    from sources
),

amounts as (
    select
        system,
        account,
        source_id,
        direction,
        type_code,
        number,
        issued_on,
        due_on,
        delivered_on,
        currency,
        seller_source_id,
        buyer_source_id,
        sign,
        case when amounts_known then {{ signed('net') }} end as net,
        case when amounts_known then {{ signed('tax') }} end as tax,
        case when amounts_known then {{ signed('gross') }} end as gross,
        case when amounts_known and payments_known then {{ signed('paid') }} end as paid,
        case when amounts_known and payments_known then {{ signed('written_off') }} end as written_off,
        case when amounts_known and payments_known then {{ signed('credited') }} end as credited,
        case
            when not amounts_known then null
            when coalesce(is_draft, false) or coalesce(is_cancelled, false) or coalesce(is_rejected, false) then 0
            when coalesce(is_set_off, false) then 0
            else {{ signed(
                'coalesce(source_open, gross - coalesce(paid, 0) - coalesce(written_off, 0) - coalesce(credited, 0))'
            ) }}
        end as open,
        payments_known,
        account_currency,
        exchange_rate,
        {{ signed('net_in_account_currency') }} as net_in_account_currency,
        {{ signed('tax_in_account_currency') }} as tax_in_account_currency,
        {{ signed('gross_in_account_currency') }} as gross_in_account_currency,
        {{ signed('open_in_account_currency') }} as source_open_in_account_currency,
        coalesce(is_draft, false) as is_draft,
        coalesce(is_sent, false) as is_sent,
        coalesce(is_paid, false) as is_paid,
        coalesce(is_set_off, false) as is_set_off,
        coalesce(is_cancelled, false) as is_cancelled,
        coalesce(is_rejected, false) as is_rejected,
        source_status,
        sdi_status,
        sdi_message,
        amounts_known,
        url
    from signed
)

select
    {{ key('source_id') }} as invoice_key,
    system,
    account,
    source_id,
    direction,
    type_code,
    number,
    issued_on,
    due_on,
    delivered_on,
    currency,
    seller_source_id,
    buyer_source_id,
    sign,
    net,
    tax,
    gross,
    paid,
    written_off,
    credited,
    open,
    payments_known,
    account_currency,
    exchange_rate,
    net_in_account_currency,
    tax_in_account_currency,
    gross_in_account_currency,
    case
        when open = 0 then 0
        else coalesce(source_open_in_account_currency, round(open * exchange_rate, {{ decimals('account_currency') }}))
    end as open_in_account_currency,
    case
        when is_cancelled then 'cancelled'
        when is_rejected then 'rejected'
        when is_draft then 'draft'
        when credited <> 0 and abs(credited) >= abs(gross) then 'credited'
        when is_paid or (payments_known and open = 0 and gross <> 0 and not is_set_off) then 'paid'
        when paid <> 0 then 'partly_paid'
        when is_sent then 'sent'
        else 'issued'
    end as status,
    source_status,
    sdi_status,
    sdi_message,
    amounts_known,
    url
from amounts
