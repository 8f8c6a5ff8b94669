{#
  What a table needs that each build makes anew: statistics for the statements that read it next. PostgreSQL would vacuum and
  analyze it once more while the build goes on, to no use: nothing in it is ever changed, and the next build drops it.
#}
{% macro finish_table() -%}
    analyze {{ this }}; alter table {{ this }} set (autovacuum_enabled = false)
{%- endmacro %}
