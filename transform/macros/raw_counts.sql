{#
  The materialization of stg_raw_counts: rows of each raw table, and when the newest one was received. Tables are counted
  in batches, each in a transaction of its own, as in raw_accounts.
#}
{% materialization raw_counts, adapter='postgres' %}
  {%- set target_relation = this.incorporate(type='table') -%}
  {%- set existing = load_cached_relation(this) -%}
  {%- set copy = make_intermediate_relation(target_relation) -%}
  {% do drop_relation_if_exists(copy) %}
  {% do in_one_transaction([
    'create table ' ~ copy ~ ' (tap text, account text, stream text, rows bigint, last_received_at timestamp)'
  ]) %}
  {% set query %}
select tap, account, raw_schema, raw_table, raw_columns
from {{ ref('raw_tables') }}
order by tap, account, raw_table
  {% endset %}
  {% for batch in run_query(query).rows | batch(var('accounts_per_batch') * 10) %}
    {% set counts %}
insert into {{ copy }}
      {%- for tap, account, raw_schema, raw_table, raw_columns in batch %}
        {%- set has = fromjson(raw_columns) %}
select
    {{ dbt.string_literal(tap) }},
    {{ dbt.string_literal(account) }},
    {{ dbt.string_literal(raw_table) }},
    count(*){{ ' filter (where "_sdc_deleted_at" is null)' if '_sdc_deleted_at' in has }},
    {{ 'max("_sdc_received_at")' if '_sdc_received_at' in has else 'null' }}::timestamp
from {{ adapter.quote(raw_schema) }}.{{ adapter.quote(raw_table) }}
{{ 'union all' if not loop.last }}
      {%- endfor %}
    {% endset %}
    {% do in_one_transaction([counts]) %}
  {% endfor %}
  {% do run_query('begin') %}
  {% if existing is not none %}
    {% do adapter.drop_relation(existing) %}
  {% endif %}
  {% do adapter.rename_relation(copy, target_relation) %}
  {% do run_query('commit') %}
  {% call statement('main') %}
select count(*) from {{ target_relation }}
  {% endcall %}
  {% do adapter.commit() %}
  {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
