{# What the models of each system give to the intermediate models: the same columns, whatever the system tells. #}
{% macro contract(name) %}
  {% set contracts = {
    'parties': {
      'system': 'text', 'account': 'text', 'source_id': 'text', 'name': 'text', 'vat_id': 'text', 'tax_number': 'text',
      'address': 'text', 'city': 'text', 'post_code': 'text', 'country': 'text', 'is_customer': 'boolean',
      'is_self': 'boolean', 'url': 'text',
    },
    'invoices': {
      'system': 'text', 'account': 'text', 'source_id': 'text', 'direction': 'text', 'type_code': 'text',
      'number': 'text', 'issued_on': 'date', 'due_on': 'date', 'delivered_on': 'date', 'currency': 'text',
      'seller_source_id': 'text', 'buyer_source_id': 'text', 'net': 'numeric', 'tax': 'numeric', 'gross': 'numeric',
      'paid': 'numeric', 'written_off': 'numeric', 'credited': 'numeric', 'source_open': 'numeric',
      'payments_known': 'boolean', 'account_currency': 'text', 'exchange_rate': 'numeric',
      'net_in_account_currency': 'numeric', 'tax_in_account_currency': 'numeric',
      'gross_in_account_currency': 'numeric', 'open_in_account_currency': 'numeric', 'is_draft': 'boolean',
      'is_sent': 'boolean', 'is_paid': 'boolean', 'is_set_off': 'boolean', 'is_cancelled': 'boolean',
      'is_rejected': 'boolean', 'source_status': 'text', 'sdi_status': 'text', 'sdi_message': 'text',
      'amounts_known': 'boolean', 'url': 'text',
    },
    'invoice_lines': {
      'system': 'text', 'account': 'text', 'invoice_source_id': 'text', 'source_id': 'text', 'line_number': 'integer',
      'description': 'text', 'quantity': 'numeric', 'unit': 'text', 'unit_price': 'numeric', 'discount': 'numeric',
      'net': 'numeric', 'tax_rate': 'numeric', 'tax_category': 'text', 'tax': 'numeric', 'service': 'text',
      'budget_source_id': 'text',
    },
    'tax_breakdown': {
      'system': 'text', 'account': 'text', 'invoice_source_id': 'text', 'tax_category': 'text', 'tax_rate': 'numeric',
      'base': 'numeric', 'tax': 'numeric', 'exemption_reason_code': 'text', 'exemption_reason': 'text',
    },
    'payments': {
      'system': 'text', 'account': 'text', 'source_id': 'text', 'invoice_source_id': 'text', 'paid_on': 'date',
      'amount': 'numeric', 'currency': 'text', 'method_code': 'text', 'method': 'text', 'is_write_off': 'boolean',
    },
    'payment_terms': {
      'system': 'text', 'account': 'text', 'invoice_source_id': 'text', 'source_id': 'text', 'due_on': 'date',
      'amount': 'numeric', 'iban': 'text', 'method_code': 'text', 'method': 'text',
    },
  } %}
  {% do return(contracts[name]) %}
{% endmacro %}

{# The columns of a contract: `known` from `source`, all others null. #}
{% macro conform(name, source, known) %}
  {%- set columns = contract(name) -%}
  {%- for column in known if column not in columns -%}
    {{ exceptions.raise_compiler_error('The contract ' ~ name ~ ' has no column ' ~ column) }}
  {%- endfor -%}
select
  {%- for column, type in columns.items() %}
    {{ column ~ '::' ~ type if column in known else 'null::' ~ type ~ ' as ' ~ column }}{{ ',' if not loop.last }}
  {%- endfor %}
from {{ source }}
{%- endmacro %}

{# The rows of several systems, by the columns of a contract. #}
{% macro union_systems(name, systems) %}
  {%- for system in systems %}
select
    {{ contract(name).keys() | join(',\n    ') }}
from {{ ref('int_' ~ system ~ '__' ~ name) }}
{{ 'union all' if not loop.last }}
  {%- endfor %}
{%- endmacro %}

{# `system|account|id`, null without an id. #}
{% macro key(id, system='system', account='account') -%}
    {{ system }} || '|' || {{ account }} || '|' || {{ id }}
{%- endmacro %}
