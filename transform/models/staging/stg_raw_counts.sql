{{ config(materialized='raw_counts') }}

-- depends_on: {{ ref('raw_tables') }}
