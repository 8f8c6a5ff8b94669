{{ config(materialized='table') }}
{#- The table that `orchestrate load` writes; columns that an older one lacks are null. -#}
{%- set runs = adapter.get_relation(target.database, 'orchestrate', 'invoicing_runs') if execute else none -%}
{%- set has = adapter.get_columns_in_relation(runs) | map(attribute='name') | list if runs is not none else [] -%}
{%- set columns = {
    'tap': 'text', 'account': 'text', 'ended': 'timestamp with time zone', 'result': 'text', 'error': 'text',
    'rows_written': 'bigint', 'failed_streams': 'jsonb',
} %}
select
    {%- for column, type in columns.items() %}
    {{ column if column in has else 'null' }}::{{ type }} as {{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- if runs is not none %}
from orchestrate.invoicing_runs
{%- else %}
where false
{%- endif %}
