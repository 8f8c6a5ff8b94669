{{ config(materialized='table') }}

-- What the loader has made, and all that the model knows of it: one query a run, of which staging models read their part.
select
    'tap_' || schema_name[1] as tap,
    coalesce(schema_name[2], 'default') as account,
    namespace.nspname::text as raw_schema,
    class.relname::text as raw_table,
    class.oid::bigint as raw_oid,
    jsonb_object_agg(attribute.attname, format_type(attribute.atttypid, attribute.atttypmod))::text as raw_columns
from pg_catalog.pg_namespace as namespace
cross join lateral regexp_match(
    namespace.nspname, '^tap_(productive|invoicetronic|invobi|2invoice|covage)(?:__(.+))?$'
) as schema_name
inner join pg_catalog.pg_class as class
    on class.relnamespace = namespace.oid and class.relkind in ('r', 'p')
inner join pg_catalog.pg_attribute as attribute
    on attribute.attrelid = class.oid and attribute.attnum > 0 and not attribute.attisdropped
where schema_name is not null
group by schema_name, namespace.nspname, class.relname, class.oid
