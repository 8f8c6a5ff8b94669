{# An amount in cents as a decimal in units, by the decimals of its currency (ISO 4217). #}
{% macro from_cents(amount, currency='currency') -%}
    {{ amount }} * {{ cent(currency) }}
{%- endmacro %}

{# The smallest unit of a currency: 0.01 but for those that ISO 4217 gives other decimals. #}
{% macro cent(currency='currency') -%}
    case
        when {{ currency }} in (
            'BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF'
        ) then 1
        when {{ currency }} in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 0.001
        when {{ currency }} in ('CLF', 'UYW') then 0.0001
        else 0.01
    end
{%- endmacro %}

{# How many decimals a currency has. #}
{% macro decimals(currency='currency') -%}
    (-log({{ cent(currency) }}))::integer
{%- endmacro %}

{# An amount as the model signs it: turned where the sign of its invoice is -1. To multiply numbers takes three times as long. #}
{% macro signed(amount, sign='sign') -%}
    case when {{ sign }} < 0 then -({{ amount }}) else {{ amount }} end
{%- endmacro %}
