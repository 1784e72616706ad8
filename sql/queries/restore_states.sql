-- A view of which the state is gone (a table was restored alone, say) has never been filled, as far as anybody knows: it is
-- due, and is read in full into a new generation. What its readers see until then is what the view under its name reads.
INSERT INTO redcache.state (view_id, generation, next_due)
SELECT v.id, p.generation, CASE WHEN v.refresh_every > '0' THEN pg_catalog.clock_timestamp() END
FROM redcache.view v
CROSS JOIN LATERAL (
    SELECT max(pg_catalog.substring(g.relname::text, '_g([0-9]{1,9})$')::integer) AS generation
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_rewrite r ON r.ev_class = c.oid AND r.rulename = '_RETURN'
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
                               AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
    JOIN pg_catalog.pg_class g ON g.oid = d.refobjid
    WHERE n.nspname = v.schema_name AND c.relname = v.view_name AND c.relkind = 'v'
      AND g.relnamespace = 'redcache_data'::pg_catalog.regnamespace AND g.relname ~ ('^v' || v.id || '_g[0-9]{1,9}$')
) p
WHERE NOT EXISTS (SELECT FROM redcache.state s WHERE s.view_id = v.id)
ON CONFLICT (view_id) DO NOTHING
