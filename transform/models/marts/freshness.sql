-- Runs that `orchestrate load` keeps a record of say when they ended; without them, rows say when they were received.
with runs as (
    select
        regexp_replace(tap, '^tap-', '') as system,
        account,
        max(ended) filter (where result = 'succeeded') as last_loaded_at,
        (array_agg(rows_written order by ended desc) filter (where result = 'succeeded'))[1] as rows,
        max(ended) filter (where result <> 'succeeded') as last_failed_at,
        (array_agg(error order by ended desc) filter (where result <> 'succeeded'))[1] as last_error
    from {{ ref('stg_invoicing_runs') }}
    where tap in ('tap-productive', 'tap-invoicetronic', 'tap-invobi', 'tap-covage', 'tap-2invoice')
    group by tap, account
),

failed_streams as (
    select distinct on (runs.tap, runs.account, failed.stream)
        regexp_replace(runs.tap, '^tap-', '') as system,
        runs.account,
        failed.stream,
        runs.ended as last_failed_at,
        failed.reason as last_error
    from {{ ref('stg_invoicing_runs') }} as runs
    cross join lateral jsonb_each_text(
        case when jsonb_typeof(runs.failed_streams) = 'object' then runs.failed_streams else '{}' end
    ) as failed (stream, reason)
    order by runs.tap, runs.account, failed.stream, runs.ended desc
),

tables as (
    select
        regexp_replace(tap, '^tap_', '') as system,
        account,
        stream,
        last_received_at at time zone 'UTC' as last_loaded_at,
        rows
    from {{ ref('stg_raw_counts') }}
),

accounts as (
    select
        system,
        account,
        max(last_loaded_at) as last_loaded_at,
        sum(rows)::bigint as rows
    from tables
    group by system, account
),

freshness as (
    select
        system,
        account,
        '' as stream,
        case when runs.system is null then accounts.last_loaded_at else runs.last_loaded_at end as last_loaded_at,
        case when runs.system is null then accounts.rows else runs.rows end as rows,
        runs.last_failed_at,
        runs.last_error,
        case when runs.system is null then 'tables' else 'invoicing_runs' end as told_by
    from accounts
    full join runs using (system, account)
    union all
    select
        system,
        account,
        stream,
        tables.last_loaded_at,
        tables.rows,
        failed_streams.last_failed_at,
        failed_streams.last_error,
        case when tables.system is null then 'invoicing_runs' else 'tables' end as told_by
    from tables
    full join failed_streams using (system, account, stream)
)

select
    {{ key('stream') }} as freshness_key,
    system,
    account,
    stream,
    last_loaded_at,
    rows,
    last_failed_at,
    last_error,
    told_by
from freshness
where system in ('productive', 'invoicetronic', 'invobi', 'covage', '2invoice')
