-- Which indexes each generation that readers see lacks, of those that its definition asks for, and which it has that
-- are not valid. An index counts for a key if it is unique over exactly the key, and for a watermark if it begins with it.
WITH generation AS (
    SELECT g.view_id AS id, ARRAY(SELECT k.name FROM pg_catalog.jsonb_array_elements_text(g.definition -> 'key') k (name)) AS key,
           g.definition ->> 'watermark' AS watermark, c.oid, c.relname
    FROM redcache.generation g
    JOIN redcache.view v ON v.id = g.view_id AND v.generation = g.number
    JOIN pg_catalog.pg_class c
        ON c.relname = pg_catalog.format('v%s_g%s', g.view_id, g.number)
       AND c.relnamespace = 'redcache_data'::regnamespace
    WHERE g.state = 'published'
), index AS (
    SELECT i.indrelid, i.indexrelid::regclass::text AS name, i.indisunique, i.indisvalid, k.columns
    FROM generation g
    JOIN pg_catalog.pg_index i ON i.indrelid = g.oid
    CROSS JOIN LATERAL (
        SELECT array_agg(a.attname::text ORDER BY n.place) AS columns
        FROM pg_catalog.unnest(i.indkey::smallint[]) WITH ORDINALITY AS n (number, place)
        LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = n.number AND a.attnum > 0
        WHERE n.place <= i.indnkeyatts
    ) k
    WHERE i.indpred IS NULL OR NOT i.indisvalid
)
SELECT g.id AS view_id, g.relname::text AS relation,
       g.key <> '{}' AND NOT EXISTS (
           SELECT FROM index i
           WHERE i.indrelid = g.oid AND i.indisunique AND i.indisvalid AND i.columns @> g.key AND g.key @> i.columns
       ) AS no_key,
       g.watermark <> '' AND NOT EXISTS (
           SELECT FROM index i WHERE i.indrelid = g.oid AND i.indisvalid AND i.columns[1] = g.watermark
       ) AS no_watermark,
       coalesce((SELECT array_agg(i.name ORDER BY 1) FROM index i WHERE i.indrelid = g.oid AND NOT i.indisvalid), '{}') AS invalid
FROM generation g
ORDER BY g.id
