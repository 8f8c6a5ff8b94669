{# A list in a JSON column; empty if it holds something else. #}
{% macro json_list(column) -%}
    case when jsonb_typeof({{ column }}) = 'array' then {{ column }} else '[]'::jsonb end
{%- endmacro %}

{# The value of the first field of a list of `{label, value}` whose label matches. #}
{% macro labelled(column, pattern) -%}
    (
        select field.value ->> 'value'
        from jsonb_array_elements({{ json_list(column) }}) with ordinality as field (value, position)
        where field.value ->> 'label' ~* '{{ pattern }}' and nullif(field.value ->> 'value', '') is not null
        order by field.position
        limit 1
    )
{%- endmacro %}

{# Who a list of fields is about: its company, else its name, else its first field. #}
{% macro labelled_name(column) -%}
    coalesce(
        {{ labelled(column, '^(company|business|client|customer)') }},
        {{ labelled(column, 'name') }},
        {{ labelled(column, '') }}
    )
{%- endmacro %}
