{# A VAT identifier in capitals, without blanks and signs; null if nothing is left. #}
{% macro normalized_vat_id(value) -%}
    nullif(regexp_replace(upper({{ value }}), '[^A-Z0-9]', '', 'g'), '')
{%- endmacro %}

{# An IBAN without blanks; null for account numbers of other forms. #}
{% macro iban(value) -%}
    (regexp_match(regexp_replace(upper({{ value }}), '[^A-Z0-9]', '', 'g'), '^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$'))[1]
{%- endmacro %}

{# A decimal that a text holds; null if it holds something else. #}
{% macro decimal_of(value) -%}
    case when {{ value }} ~ '^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?\s*$' then ({{ value }})::numeric end
{%- endmacro %}

{# A date that a text begins with, as in 2026-01-31 or 2026-01-31T10:00:00Z; null if it does not. #}
{% macro date_of(value) -%}
    case when {{ value }} ~ '^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])' then to_date(left({{ value }}, 10), 'YYYY-MM-DD') end
{%- endmacro %}
