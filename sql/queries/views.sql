SELECT v.id, v.link_id, v.schema_name, v.view_name, v.query, v.columns, v.strategy, v.key, v.watermark, v.lookback,
       v.safety_lag, v.reconcile_every, v.refresh_every, v.max_age, v.timeout, v.indexes, v.grantees, v.nul_bytes,
       v.generation, v.created_at, v.changed_at
FROM redcache.view v
WHERE $1::text IS NULL
   OR (v.schema_name = $1 AND v.view_name = $2)
ORDER BY v.schema_name, v.view_name
