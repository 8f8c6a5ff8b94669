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
    {% for batch in batches %}
      {% do copy_changes(target_relation, batch, meta, sql) %}
    {% endfor %}
  {% endif %}
  {% call statement('main') %}
select count(*) from {{ target_relation }}
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

{# Copy what has changed in some accounts. #}
{% macro copy_changes(target_relation, tables, meta, sql) %}
  {% set changed %}
create temporary table changed_rows on commit drop as
with since as (
    select account, max(received_at) - interval '{{ var("overlap_hours") }} hours' as moment
    from {{ target_relation }}
    group by account
),
raw as (
{{ select_raw(tables, {'raw_table': meta.raw_table, 'raw_key': meta.raw_key, 'raw_columns': {}}, deleted=true) }}
)
select account, raw_key
from raw
left join since using (account)
where coalesce(greatest(received_at, deleted_at), 'infinity') >= coalesce(since.moment, '-infinity')
  {% endset %}
  {% set remove %}
delete from {{ target_relation }} as staged
using changed_rows
where staged.account = changed_rows.account and staged.raw_key = changed_rows.raw_key
  {% endset %}
  {% set live %}
    select *
    from (
{{ select_raw(tables, meta) }}
    ) as live
    where exists (
        select from changed_rows
        where changed_rows.account = live.account and changed_rows.raw_key = live.raw_key
    )
  {% endset %}
  {% do in_one_transaction([changed, remove, 'insert into ' ~ target_relation ~ staged_rows(live, sql)]) %}
  {% set query %}
with live as (
    select account, count(*) as live_rows
    from (
{{ select_raw(tables, {'raw_table': meta.raw_table, 'raw_key': meta.raw_key, 'raw_columns': {}}) }}
    ) as raw
    group by account
),
copied as (
    select account, count(*) as copied_rows
    from {{ target_relation }}
    where account = any({{ text_array(tables | map(attribute='account')) }})
    group by account
)
select account
from live
full join copied using (account)
where live_rows is distinct from copied_rows
  {% endset %}
  {% set different = run_query(query).columns[0].values() | list %}
  {% if different %}
    {% set remove_all %}
delete from {{ target_relation }}
where account = any({{ text_array(different) }})
    {% endset %}
    {% set copy_all %}
insert into {{ target_relation }}
{{ staged_rows(select_raw(tables | selectattr('account', 'in', different) | list, meta), sql) }}
    {% endset %}
    {% do in_one_transaction([remove_all, copy_all]) %}
  {% endif %}
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
