{# Facts of FatturaPA 1.2.2 (fatturapa.gov.it) in the terms of EN 16931. #}

{# UNTDID 1001 of a TipoDocumento: TD16 to TD23, TD27 to TD29 are issued by the buyer, or to oneself. #}
{% macro fattura_type_code(value) -%}
    case
        when {{ value }} in ('TD02', 'TD03') then '386'
        when {{ value }} in ('TD04', 'TD08') then '381'
        when {{ value }} in ('TD05', 'TD09') then '383'
        when {{ value }} in (
            'TD16', 'TD17', 'TD18', 'TD19', 'TD20', 'TD21', 'TD22', 'TD23', 'TD27', 'TD28', 'TD29'
        ) then '389'
        when {{ value }} ~ '^TD[0-9]{2}$' then '380'
    end
{%- endmacro %}

{# Documents that the buyer makes of what he has bought abroad or without an invoice: the seller is someone else. #}
{% macro is_made_by_the_buyer(value) -%}
    {{ value }} in ('TD16', 'TD17', 'TD18', 'TD19', 'TD20', 'TD28', 'TD29')
{%- endmacro %}

{# UNTDID 5305 of a rate and a natura (simplified invoices may state a tax without a rate); B is what the buyer pays to the tax office (split payment). #}
{% macro fattura_tax_category(rate, natura, tax='null', due_when='null') -%}
    case
        when {{ due_when }} = 'S' then 'B'
        when {{ rate }} > 0 or {{ tax }} > 0 then 'S'
        when {{ natura }} like 'N3.2%' then 'K'
        when {{ natura }} like 'N3.1%' then 'G'
        when {{ natura }} like 'N3%' or {{ natura }} like 'N4%' then 'E'
        when {{ natura }} like 'N6%' then 'AE'
        when {{ natura }} like 'N%' then 'O'
    end
{%- endmacro %}

{# UNTDID 4461 of a ModalitaPagamento; 1 is "instrument not defined". #}
{% macro fattura_method_code(value) -%}
    case
        when {{ value }} in ('MP01', 'MP04') then '10'
        when {{ value }} = 'MP02' then '20'
        when {{ value }} = 'MP03' then '23'
        when {{ value }} = 'MP05' then '30'
        when {{ value }} = 'MP06' then '60'
        when {{ value }} = 'MP08' then '48'
        when {{ value }} in ('MP09', 'MP10', 'MP11', 'MP16', 'MP17') then '49'
        when {{ value }} = 'MP12' then '70'
        when {{ value }} = 'MP18' then '50'
        when {{ value }} in ('MP19', 'MP20', 'MP21') then '59'
        when {{ value }} = 'MP22' then '97'
        when {{ value }} = 'MP23' then '68'
        when {{ value }} is not null then '1'
    end
{%- endmacro %}

{# What a party is known by: its VAT identifier, else its tax number, else its name. #}
{% macro fattura_party_id(side) -%}
    coalesce(
        'vat:' || {{ side }}_vat_id,
        'tax:' || nullif({{ side }}_tax_number, ''),
        'name:' || lower(nullif({{ side }}_name, ''))
    )
{%- endmacro %}

{# The id of an invoice within its account. #}
{% macro fattura_source_id() -%}
    file_direction || '/' || file_id || '/' || body_number
{%- endmacro %}
