-- Nothing says whether an invoice was paid. Scartato: the SDI refused it; RifiutatoDalDestinatario: the buyer did.
with invoices as (
    select
        'invoicetronic' as system,
        account,
        {{ fattura_source_id() }} as source_id,
        direction,
        {{ fattura_type_code('document_type') }} as type_code,
        number,
        issued_on,
        due_on,
        delivered_on,
        currency,
        {{ fattura_party_id('seller') }} as seller_source_id,
        {{ fattura_party_id('buyer') }} as buyer_source_id,
        net,
        tax,
        gross,
        due_amount as source_open,
        false as payments_known,
        is_sent,
        sdi_status in ('Scartato', 'RifiutatoDalDestinatario') as is_rejected,
        sdi_status as source_status,
        sdi_status,
        sdi_message,
        net is not null and tax is not null and gross is not null as amounts_known
    from {{ ref('int_invoicetronic__documents') }}
)

{{ conform('invoices', 'invoices', [
    'system', 'account', 'source_id', 'direction', 'type_code', 'number', 'issued_on', 'due_on', 'delivered_on',
    'currency', 'seller_source_id', 'buyer_source_id', 'net', 'tax', 'gross', 'source_open', 'payments_known', 'is_sent',
    'is_rejected', 'source_status', 'sdi_status', 'sdi_message', 'amounts_known',
]) }}
