{#
  The materialization of staging: a copy of what the model selects from a stream's raw tables, of all accounts. A view
  would keep the loader from changing a column's type, and a query over hundreds of accounts would hold more locks than
  PostgreSQL has by default: accounts are copied in batches, each in a transaction of its own.

  Once the table is there, only rows are copied that were received or marked as deleted since (with an overlap). An
  account is copied whole if its raw table is another one than before, with other columns, or has another number of rows
  than were copied; and so is everything when the model has changed. The table's comment says what it was made by.
#}
{% materialization raw_accounts, adapter='postgres' %}
  {%- set meta = config.get('meta') -%}
  {%- set target_relation = this.incorporate(type='table') -%}
  {%- set existing = load_cached_relation(this) -%}
  {%- set tables = raw_tables(meta.tap, meta.raw_table) if meta.raw_key else [] -%}
  {%- set batches = tables | batch(var('accounts_per_batch')) | list -%}
  {%- set made_by = {'model': local_md5(sql ~ tojson(meta)), 'tables': tables_by_account(tables, meta)} -%}
  {%- set made_before = made_by_of(existing) if existing is not none and existing.is_table else {} -%}
  {%- set whole = should_full_refresh() or made_before.model != made_by.model -%}

  {{ run_hooks(pre_hooks) }}
  {% if whole %}
    {%- set copy = make_intermediate_relation(target_relation) -%}
    {% do drop_relation_if_exists(copy) %}
    {% do in_one_transaction(['create table ' ~ copy ~ ' as' ~ staged_rows(select_raw([], meta), sql)]) %}
    {% for batch in batches %}
      {% do in_one_transaction(['insert into ' ~ copy ~ staged_rows(select_raw(batch, meta), sql)]) %}
    {% endfor %}
    {% do in_one_transaction(['analyze ' ~ copy, comment_on(copy, made_by)]) %}
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
    {% for account, table in made_by.tables.items() if made_before.tables.get(account) != table %}
      {% do moments.update({account: none}) %}
    {% endfor %}
    {%- set live_rows = {} -%}
    {% for batch in batches %}
      {% do live_rows.update(copy_changes(target_relation, batch, meta, sql, moments)) %}
    {% endfor %}
    {% do copy_what_differs(target_relation, tables, meta, sql, live_rows) %}
    {% if made_before != made_by %}
      {% do in_one_transaction([comment_on(target_relation, made_by)]) %}
    {% endif %}
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

{# By account: which raw table it is, and which of the columns that the model reads it has, of which types. #}
{% macro tables_by_account(tables, meta) %}
  {% set found = {} %}
  {% for table in tables %}
    {% set types = [table.oid] %}
    {% for column in meta.raw_key + meta.raw_columns.keys() | list + ['_sdc_received_at', '_sdc_deleted_at'] %}
      {% do types.append(table.columns.get(column)) %}
    {% endfor %}
    {% do found.update({table.account: local_md5(tojson(types))}) %}
  {% endfor %}
  {% do return(found) %}
{% endmacro %}

{# What a table was made by; nothing of what another version of the model has made. #}
{% macro made_by_of(relation) %}
  {% set query %}
select obj_description('{{ relation }}'::regclass, 'pg_class')
  {% endset %}
  {% set comment = fromjson(run_query(query).columns[0].values()[0] or '', {}) %}
  {% do return(comment if comment is mapping and comment.tables is mapping else {}) %}
{% endmacro %}

{% macro comment_on(relation, made_by) -%}
    comment on table {{ relation }} is '{{ tojson(made_by) | replace("'", "''") }}'
{%- endmacro %}

{% macro text_array(values) -%}
    array[
    {%- for value in values -%}
      {{ dbt.string_literal(value) }}{{ ', ' if not loop.last }}
    {%- endfor -%}
    ]::text[]
{%- endmacro %}
