-- The sets that have not taken effect, and the views that they are about. Whoever builds one has its lock, but for moments, and
-- says now and then that he is at it.
SELECT s.id, s.application, pg_catalog.clock_timestamp() - s.begun_at AS age,
       pg_catalog.clock_timestamp() - s.touched_at AS silent,
       EXISTS (
           SELECT
           FROM pg_catalog.pg_locks l
           WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.granted
             AND l.classid = 'redcache.set'::pg_catalog.regclass AND l.objid::bigint = s.id
             AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
       ) AS held,
       coalesce((
           SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                      'id', v.id, 'schema', v.schema_name, 'view', v.view_name, 'added', v.generation = g.number,
                      'link', coalesce(g.link_id, 0), 'group', g.group_name,
                      'reshapes', v.generation <> g.number AND d.columns IS DISTINCT FROM g.columns,
                      'inputs', pg_catalog.jsonb_path_query_array(g.definition, '$.source.references[*].name')) ORDER BY v.id)
           FROM redcache.generation g
           JOIN redcache.view v ON v.id = g.view_id
           LEFT JOIN redcache.generation d ON d.view_id = v.id AND d.number = v.generation
           WHERE g.set_id = s.id AND (/* built g v */)
       ), '[]') AS views
FROM redcache.set s
WHERE s.published_at IS NULL
ORDER BY s.id
