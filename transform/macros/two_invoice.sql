{# How a staging model of 2invoice reads its raw table: by the mapping in the variable two_invoice, all columns as text. #}
{% macro two_invoice_meta(stream) %}
  {% set mapping = two_invoice_mapping(stream) %}
  {% set raw_columns = {} %}
  {% for name, place in mapping.items() %}
    {% do raw_columns.update({place.split('.')[0]: 'jsonb' if '.' in place or name == 'lines' else 'text'}) %}
  {% endfor %}
  {% do return({
    'tap': 'tap_2invoice',
    'raw_table': stream,
    'raw_key': [mapping.source_id] if mapping.source_id else [],
    'raw_columns': raw_columns,
  }) %}
{% endmacro %}

{% macro two_invoice_mapping(stream) %}
  {% do return(var('two_invoice').get(stream) or {}) %}
{% endmacro %}

{# A column of the model as text, from where the mapping says; null if it says nothing. #}
{% macro mapped(stream, name) -%}
  {%- set place = two_invoice_mapping(stream).get(name) -%}
  {%- if not place -%}
    null::text
  {%- elif '.' in place -%}
    {{ adapter.quote(place.split('.')[0]) }} #>> {{ dbt.string_literal('{' ~ place.split('.')[1:] | join(',') ~ '}') }}
  {%- else -%}
    {{ adapter.quote(place) }}
  {%- endif -%}
{%- endmacro %}

{# A field of an element of a list, as text, from where the mapping says. #}
{% macro mapped_element(stream, name, element) -%}
  {%- set place = two_invoice_mapping(stream).get(name) -%}
  {%- if place -%}
    {{ element }} #>> {{ dbt.string_literal('{' ~ place.split('.') | join(',') ~ '}') }}
  {%- else -%}
    null::text
  {%- endif -%}
{%- endmacro %}
