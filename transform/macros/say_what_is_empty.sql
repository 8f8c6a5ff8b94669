{# At the end of a run: which parts of the model are empty, and what would fill them. #}
{% macro say_what_is_empty(results) %}
  {#- ref() would have to stand in dbt_project.yml. -#}
  {% set catalogue = adapter.get_relation(target.database, generate_schema_name('staging', none), 'raw_tables') if execute %}
  {% if catalogue and flags.WHICH in ('run', 'build') %}
    {% for line in empty_parts(catalogue) %}
      {% do log(line, info=true) %}
    {% endfor %}
  {% endif %}
{% endmacro %}

{% macro empty_parts(catalogue) %}
  {% set lines = [] %}
  {% set wanted = {} %}
  {% for node in graph.nodes.values() if node.resource_type == 'model' and node.config.materialized == 'raw_accounts' %}
    {% set meta = node.config.meta %}
    {% do wanted.setdefault(meta.tap, []).append(meta) %}
  {% endfor %}
  {% for tap, models in wanted.items() | sort %}
    {% set name = tap | replace('_', '-') %}
    {% set there = {} %}
    {% for row in run_query("select raw_table, raw_columns from " ~ catalogue ~ " where tap = '" ~ tap ~ "'") %}
      {% do there.setdefault(row[0], []).append(fromjson(row[1])) %}
    {% endfor %}
    {% if not there %}
      {% do lines.append(name ~ ': nothing was loaded (no schema ' ~ tap ~ '): meltano run ' ~ name ~ ' target-postgres') %}
    {% else %}
      {% set missing = models | map(attribute='raw_table') | reject('in', there.keys() | list) | list | sort %}
      {% if missing %}
        {% do lines.append(name ~ ': no table for ' ~ missing | join(', ') ~ ' (not selected, or without a row so far)') %}
      {% endif %}
      {% for model in models if model.raw_table in there %}
        {% set known = [] %}
        {% for columns in there[model.raw_table] %}
          {% do known.extend(columns.keys()) %}
        {% endfor %}
        {% set lacking = model.raw_columns.keys() | reject('in', known) | list | sort %}
        {% if lacking %}
          {% do lines.append(name ~ ': ' ~ model.raw_table ~ ' has no column ' ~ lacking | join(', ')) %}
        {% endif %}
      {% endfor %}
      {% if tap == 'tap_2invoice' and not two_invoice_mapping('invoices') %}
        {% do lines.append(
            name ~ ': the model reads nothing of it until the variable two_invoice in transform/dbt_project.yml says what its'
            ~ ' columns are called (docs/model.md)'
        ) %}
      {% endif %}
    {% endif %}
  {% endfor %}
  {% do return(lines) %}
{% endmacro %}
