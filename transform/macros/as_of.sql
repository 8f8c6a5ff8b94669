{# The day that receivables and payables are true of: the variable as_of, or today in UTC when the run began. #}
{% macro as_of() -%}
    {{ dbt.string_literal(var('as_of') or run_started_at.strftime('%Y-%m-%d')) }}::date
{%- endmacro %}
