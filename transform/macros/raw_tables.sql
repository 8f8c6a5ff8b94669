{# The raw tables of a stream, one for each account, as the model `raw_tables` has found them: schema, account, columns, oid. #}
{% macro raw_tables(tap, raw_table) %}
  {% set found = [] %}
  {% if execute %}
    {% set catalogue = ref('raw_tables') %}
    {% if load_relation(catalogue) is not none %}
      {% set query %}
select raw_schema, account, raw_columns, raw_oid
from {{ catalogue }}
where tap = '{{ tap }}' and raw_table = '{{ raw_table }}'
order by account
      {% endset %}
      {% for row in run_query(query) %}
        {% do found.append({'schema': row[0], 'account': row[1], 'columns': fromjson(row[2]), 'oid': row[3] | int}) %}
      {% endfor %}
    {% endif %}
  {% endif %}
  {% do return(found) %}
{% endmacro %}

{# What a staging model selects from: the materialization raw_accounts puts the raw tables in its place. #}
{% macro raw() %}
  {%- do ref('raw_tables') -%}
  raw
{%- endmacro %}

{#
  A select of raw rows with fixed names and types, of several accounts: what a table lacks is null. With moments by account,
  only of what was received or marked as deleted from then on, deleted rows with it.
#}
{% macro select_raw(tables, meta, moments=none) %}
  {%- set whole = moments is none -%}
  {%- for table in tables %}
    {%- set has = table.columns %}
    {%- set received_at = '"_sdc_received_at"' if '_sdc_received_at' in has else 'null::timestamp' %}
    {%- set deleted_at = '"_sdc_deleted_at"' if '_sdc_deleted_at' in has else 'null::timestamp' %}
select
    {{ dbt.string_literal(table.account) }}::text as account,
    {{ raw_key(meta.raw_key) }} as raw_key,
    {{ received_at }}::timestamp as received_at
    {%- if not whole %},
    {{ deleted_at }}::timestamp as raw_deleted_at
    {%- endif %}
    {%- for column, type in meta.raw_columns.items() %},
    {{ raw_column(column, type, has) }} as {{ adapter.quote(column) }}
    {%- endfor %}
from {{ adapter.quote(table.schema) }}.{{ adapter.quote(meta.raw_table) }}
    {%- if whole and '_sdc_deleted_at' in has %}
where "_sdc_deleted_at" is null
    {%- elif not whole and moments.get(table.account) %}
where coalesce(greatest({{ received_at }}, {{ deleted_at }})::timestamp, 'infinity') >= '{{ moments[table.account] }}'
    {%- endif %}
{{ 'union all' if not loop.last }}
  {%- else %}
select
    null::text as account,
    null::text as raw_key,
    null::timestamp as received_at
    {%- for column, type in meta.raw_columns.items() %},
    null::{{ type }} as {{ adapter.quote(column) }}
    {%- endfor %}
where false
  {%- endfor %}
{% endmacro %}

{# A raw column in the type that a model expects; null if the table lacks it. Lists may be arrays of JSON. #}
{% macro raw_column(column, type, has) -%}
    {%- if column not in has -%}
      null::{{ type }}
    {%- elif type == 'jsonb' -%}
      to_jsonb({{ adapter.quote(column) }})
    {%- else -%}
      {{ adapter.quote(column) }}::{{ type }}
    {%- endif -%}
{%- endmacro %}

{# The key of a raw row as one text. #}
{% macro raw_key(columns) -%}
    {%- for column in columns -%}
      {{ adapter.quote(column) }}::text{{ " || '/' || " if not loop.last }}
    {%- else -%}
      null::text
    {%- endfor -%}
{%- endmacro %}
