{#
  The materialization of staging: a copy of what the model selects from a stream's raw tables, of all accounts. A view
  would keep the loader from changing a column's type, and a query over hundreds of accounts would hold more locks than
  PostgreSQL has by default: accounts are copied in batches, each in a transaction of its own.

  Once the table is there, only rows are copied that were received or marked as deleted since (with an overlap). An
  account whose number of rows is then not that of its raw table is copied whole, and so is everything when the model
  has changed.
#}
{% materialization raw_accounts, adapter='postgres' %}
  {%- set meta = config.get('meta') -%}
  {%- set target_relation = this.incorporate(type='table') -%}
  {%- set existing = load_cached_relation(this) -%}
  {%- set fingerprint = local_md5(sql ~ tojson(meta)) -%}
  {%- set tables = raw_tables(meta.tap, meta.raw_table) if meta.raw_key else [] -%}
  {%- set batches = tables | batch(var('accounts_per_batch')) | list -%}
  {%- set whole = existing is none or not existing.is_table or should_full_refresh()
      or table_comment(existing) != fingerprint -%}

  {{ run_hooks(pre_hooks) }}
  {% if whole %}
    {%- set copy = make_intermediate_relation(target_relation) -%}
    {% do drop_relation_if_exists(copy) %}
    {% do in_one_transaction(['create table ' ~ copy ~ ' as' ~ staged_rows(select_raw([], meta), sql)]) %}
    {% for batch in batches %}
      {% do in_one_transaction(['insert into ' ~ copy ~ staged_rows(select_raw(batch, meta), sql)]) %}
    {% endfor %}
    {% do in_one_transaction(['analyze ' ~ copy, "comment on table " ~ copy ~ " is '" ~ fingerprint ~ "'"]) %}
    {% do run_query('begin') %}
    {% if existing is not none %}
      {% do adapter.drop_relation(existing) %}
    {% endif %}
    {% do adapter.rename_relation(copy, target_relation) %}
    {% do run_query('commit') %}
  {% else %}
    {% set gone %}
delete from {{ target_relation }}
where not account = any({{ text_array(tables | map(attribute='account')) }})
    {% endset %}
    {% do in_one_transaction([gone]) %}
    {%- set moments = moments_to_copy_from(target_relation) -%}
    {%- set live_rows = {} -%}
    {% for batch in batches %}
      {% do live_rows.update(copy_changes(target_relation, batch, meta, sql, moments)) %}
    {% endfor %}
    {% do copy_what_differs(target_relation, tables, meta, sql, live_rows) %}
  {% endif %}
  {#- dbt wants one statement of this name; all is done by now. -#}
  {% call statement('main') %}
select 1
  {% endcall %}
  {{ run_hooks(post_hooks) }}
  {% do adapter.commit() %}
  {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{# What the model selects, with `raw` in place. #}
{% macro staged_rows(raw, sql) %}
with raw as (
{{ raw }}
)
select staged.*, now() as staged_at
from (
{{ sql }}
) as staged
{% endmacro %}

{#
  Run statements in a transaction of their own. The adapter's commit() leaves the driver without one: what follows it would
  be committed statement by statement.
#}
{% macro in_one_transaction(statements) %}
  {% do run_query('begin;' ~ statements | join(';') ~ '; commit') %}
{% endmacro %}

{# By account: from which moment on rows are copied again. An account without any is not in it. #}
{% macro moments_to_copy_from(relation) %}
  {% set query %}
select account, (max(received_at) - interval '{{ var("overlap_hours") }} hours')::text
from {{ relation }}
group by account
  {% endset %}
  {% set moments = {} %}
  {% for account, moment in run_query(query) %}
    {% do moments.update({account: moment}) %}
  {% endfor %}
  {% do return(moments) %}
{% endmacro %}

{# Copy what has changed in some accounts, and return how many rows each of their tables has that are not deleted. #}
{% macro copy_changes(target_relation, tables, meta, sql, moments) %}
  {#- Read once: a table of the loader may be large, and no index helps to find what is new. -#}
  {% set changed %}
create temporary table changed_rows on commit drop as
{{ select_raw(tables, meta, moments=moments) }}
  {% endset %}
  {% set remove %}
delete from {{ target_relation }} as staged
using changed_rows
where staged.account = changed_rows.account and staged.raw_key = changed_rows.raw_key
  {% endset %}
  {% set live = 'select * from changed_rows where raw_deleted_at is null' %}
  {% do in_one_transaction([changed, remove, 'insert into ' ~ target_relation ~ staged_rows(live, sql)]) %}
  {% set query %}
select account, count(*)
from (
{{ select_raw(tables, {'raw_table': meta.raw_table, 'raw_key': meta.raw_key, 'raw_columns': {}}) }}
) as raw
group by account
  {% endset %}
  {% set counts = {} %}
  {% for account, live_rows in run_query(query) %}
    {% do counts.update({account: live_rows | int}) %}
  {% endfor %}
  {% do return(counts) %}
{% endmacro %}

{# Copy accounts whole that have another number of rows than their raw tables. #}
{% macro copy_what_differs(target_relation, tables, meta, sql, live_rows) %}
  {% set copied = {} %}
  {% for account, rows in run_query('select account, count(*) from ' ~ target_relation ~ ' group by account') %}
    {% do copied.update({account: rows | int}) %}
  {% endfor %}
  {% set different = [] %}
  {% for table in tables if live_rows.get(table.account, 0) != copied.get(table.account, 0) %}
    {% do different.append(table) %}
  {% endfor %}
  {% for batch in different | batch(var('accounts_per_batch')) %}
    {% set remove %}
delete from {{ target_relation }}
where account = any({{ text_array(batch | map(attribute='account')) }})
    {% endset %}
    {% do in_one_transaction([remove, 'insert into ' ~ target_relation ~ staged_rows(select_raw(batch, meta), sql)]) %}
  {% endfor %}
{% endmacro %}

{% macro table_comment(relation) %}
  {% set query %}
select obj_description('{{ relation }}'::regclass, 'pg_class')
  {% endset %}
  {% do return(run_query(query).columns[0].values()[0]) %}
{% endmacro %}

{% macro text_array(values) -%}
    array[
    {%- for value in values -%}
      {{ dbt.string_literal(value) }}{{ ', ' if not loop.last }}
    {%- endfor -%}
    ]::text[]
{%- endmacro %}
