-- Prepared transactions that hold cached views or their generations, the oldest first. No session shows them.
SELECT p.gid, p.owner::text AS owner, pg_catalog.min(l.relation::pg_catalog.regclass::text) AS name,
       pg_catalog.statement_timestamp() - p.prepared AS age
FROM pg_catalog.pg_prepared_xacts p
JOIN pg_catalog.pg_locks x ON x.locktype = 'transactionid' AND x.transactionid = p.transaction AND x.granted AND x.pid IS NULL
JOIN pg_catalog.pg_locks l ON l.virtualtransaction = x.virtualtransaction AND l.pid IS NULL
JOIN pg_catalog.pg_class c ON c.oid = l.relation
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE p.database = pg_catalog.current_database() AND l.locktype = 'relation'
  AND (n.nspname = 'redcache_data'
       OR EXISTS (SELECT FROM redcache.view v WHERE v.schema_name = n.nspname AND v.view_name = c.relname))
GROUP BY p.gid, p.owner, p.prepared
ORDER BY p.prepared
