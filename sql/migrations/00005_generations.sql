-- A row for each generation: the definition and the columns that it was built by, its state, how far it has got. A view is
-- a name and a pointer. A set is what definitions take effect together in.
-- Strongest lock taken: ACCESS EXCLUSIVE on all of schema redcache, for a moment. No row of a cached view is read or
-- written; what each view was asked to be, and what is true of its copy, moves over. There is no way back but a dump of
-- schema redcache from before: the tables are small.

-- +goose Up
CREATE TABLE redcache.set (
    id           integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    begun_at     timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    touched_at   timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    published_at timestamptz,
    keep         interval    NOT NULL DEFAULT '0',
    undo         jsonb       NOT NULL DEFAULT '[]',
    application  text        NOT NULL DEFAULT pg_catalog.current_setting('application_name')
);
CREATE INDEX set_pending ON redcache.set (id) WHERE published_at IS NULL;
COMMENT ON TABLE redcache.set IS 'Definitions that take effect together, in one switch. Its OID is a lock key: never drop and recreate it.';
COMMENT ON COLUMN redcache.set.touched_at IS 'When whoever builds it last said so.';
COMMENT ON COLUMN redcache.set.published_at IS 'When it took effect; null: it is being built, or whoever built it has ended.';

COMMENT ON COLUMN redcache.set.keep IS 'For how long, once it has taken effect, what readers saw before is kept, to go back to.';
COMMENT ON COLUMN redcache.set.undo IS 'What becomes of its views when readers go back: [{"name", "what", "definition"}].';

CREATE TABLE redcache.generation (
    view_id       integer     NOT NULL REFERENCES redcache.view ON DELETE CASCADE,
    number        integer     NOT NULL,
    link_id       integer     REFERENCES redcache.link ON DELETE SET NULL,
    set_id        integer     REFERENCES redcache.set,
    kept_by       integer     REFERENCES redcache.set,
    rowless       boolean     NOT NULL DEFAULT false,
    row_count     bigint,
    as_of         timestamptz,
    reconciled_at timestamptz,
    created_at    timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    state         text        NOT NULL,
    watermark     text,
    modified      text,
    content       text,
    columns       jsonb       NOT NULL,
    definition    jsonb       NOT NULL,
    group_name    text        NOT NULL GENERATED ALWAYS AS (coalesce(definition ->> 'group', '')) STORED,
    refresh_every interval    NOT NULL GENERATED ALWAYS AS (
        pg_catalog.make_interval(secs => coalesce((definition ->> 'refresh_every')::double precision, 0))) STORED,
    max_age       interval    NOT NULL GENERATED ALWAYS AS (
        pg_catalog.make_interval(secs => coalesce((definition ->> 'max_age')::double precision, 0))) STORED,
    timeout       interval    NOT NULL GENERATED ALWAYS AS (
        pg_catalog.make_interval(secs => coalesce((definition ->> 'timeout')::double precision, 3600))) STORED,
    label         timestamptz GENERATED ALWAYS AS (
        CASE WHEN definition #>> '{source,kind}' = 'local' AND (definition ->> 'refresh_every')::double precision > 0
                  AND pg_catalog.isfinite(as_of)
             THEN pg_catalog.to_timestamp((definition ->> 'refresh_every')::double precision * (1 + pg_catalog.floor(
                 extract(epoch FROM as_of - '1970-01-01 00:00:00+00'::timestamptz)::double precision
                 / (definition ->> 'refresh_every')::double precision))) END) STORED,
    PRIMARY KEY (view_id, number),
    CONSTRAINT generation_state_is_known CHECK (state IN ('building', 'filled', 'published', 'kept', 'retired')),
    CONSTRAINT generation_definition_is_an_object CHECK (pg_catalog.jsonb_typeof(definition) = 'object'),
    -- One value like these would keep the definitions of all views from being read.
    CONSTRAINT generation_lists_have_no_nulls CHECK (NOT pg_catalog.jsonb_path_exists(definition, '$.*[*] ? (@ == null)')),
    CONSTRAINT generation_references_are_a_list CHECK (pg_catalog.jsonb_typeof(coalesce(definition #> '{source,references}', '[]')) = 'array'),
    CONSTRAINT generation_columns_are_a_list CHECK (pg_catalog.jsonb_typeof(columns) = 'array')
);
CREATE UNIQUE INDEX generation_published ON redcache.generation (view_id) WHERE state = 'published';
CREATE INDEX generation_rowless ON redcache.generation (view_id) WHERE state = 'published' AND rowless;
CREATE INDEX generation_of_link ON redcache.generation (link_id);
CREATE INDEX generation_of_set ON redcache.generation (set_id);
CREATE INDEX generation_of_group ON redcache.generation (group_name) WHERE group_name <> '';
COMMENT ON TABLE redcache.generation IS
    'The relations behind the views, redcache_data.v<view>_g<number>, each with the definition that it is built by.';
COMMENT ON COLUMN redcache.generation.state IS
    'building: nobody has filled it yet; filled: its rows are there, and readers do not see them; published: readers see them; kept: they saw them, and may go back; retired: it is to be dropped.';
COMMENT ON COLUMN redcache.generation.link_id IS 'Where its source is; null: here, in other views of the cache, or the link of an old one is gone.';
COMMENT ON COLUMN redcache.generation.set_id IS 'What its definition took effect in, or is to; null: it is older than sets are.';
COMMENT ON COLUMN redcache.generation.kept_by IS 'The set that has taken its place before readers, and by which it is kept.';
COMMENT ON COLUMN redcache.generation.rowless IS 'Whether it is a plain view over the views that it reads: then it has no rows of its own, and no as-of.';
COMMENT ON COLUMN redcache.generation.definition IS 'What people have said of the view; docs/definitions.md has its fields. Durations are in seconds.';
COMMENT ON COLUMN redcache.generation.columns IS
    'What the query returns, as described through the link, and what it is kept as: [{"name", "type", "local"}], in order.';
COMMENT ON COLUMN redcache.generation.as_of IS 'Every remote commit before this instant is in its rows.';
COMMENT ON COLUMN redcache.generation.label IS
    'Of a local view the label that it is to have next: the first multiple of its interval that is later than its as-of.';
COMMENT ON COLUMN redcache.generation.watermark IS 'How far it has read, in the text form of the watermark''s type; null: it has no watermark yet.';
COMMENT ON COLUMN redcache.generation.modified IS 'When the source tables were last modified, as the remote side said before the last read.';
COMMENT ON COLUMN redcache.generation.content IS 'Count, highest watermark and hash of what was read last, computed by the remote side.';

-- What readers see, what runs write to where that is another one, and what is wanted where nobody has filled it yet. Of the
-- definitions of the first two no more is known than that the query is the same, where it is, if another one is wanted.
INSERT INTO redcache.generation (view_id, number, link_id, state, columns, definition, created_at,
                                 row_count, as_of, reconciled_at, watermark, modified, content)
SELECT v.id, n.number, v.link_id,
       CASE n.number WHEN s.generation THEN 'published' WHEN s.loaded THEN 'filled' ELSE 'building' END,
       CASE WHEN n.number >= v.first_generation THEN c.columns ELSE '[]' END,
       CASE WHEN n.number >= v.first_generation THEN d.definition
            WHEN n.number >= v.query_generation THEN pg_catalog.jsonb_build_object('source', pg_catalog.jsonb_build_object('query', v.query))
            ELSE '{}' END,
       v.changed_at,
       CASE n.number WHEN s.loaded THEN s.row_count END,
       CASE n.number WHEN s.generation THEN s.as_of WHEN s.loaded THEN (
           SELECT r.as_of FROM redcache.run r
           WHERE r.view_id = v.id AND r.generation = s.loaded AND r.as_of IS NOT NULL
           ORDER BY r.id DESC LIMIT 1) END,
       CASE n.number WHEN s.loaded THEN s.reconciled_at END,
       CASE n.number WHEN s.loaded THEN w.value END,
       CASE n.number WHEN s.loaded THEN s.modified END,
       CASE n.number WHEN s.loaded THEN s.content END
FROM redcache.view v
LEFT JOIN redcache.state s ON s.view_id = v.id
LEFT JOIN redcache.watermark w ON w.view_id = v.id
CROSS JOIN LATERAL (
    SELECT v.generation UNION SELECT s.generation UNION SELECT s.loaded
) n (number)
LEFT JOIN pg_catalog.pg_class r ON r.relnamespace = 'redcache_data'::pg_catalog.regnamespace
    AND r.relname = pg_catalog.format('v%s_g%s', v.id, n.number)
CROSS JOIN LATERAL (
    SELECT pg_catalog.jsonb_build_object(
        'source', pg_catalog.jsonb_build_object(
            'kind', 'remote', 'link', (SELECT l.name FROM redcache.link l WHERE l.id = v.link_id), 'query', v.query,
            'nul_bytes', v.nul_bytes, 'transport', v.transport, 'skip_unchanged', v.skip_unchanged,
            'split', v.split, 'sessions', v.sessions),
        'strategy', v.strategy, 'key', pg_catalog.to_jsonb(v.key), 'watermark', v.watermark, 'lookback',
        -- One of a view that has no watermark any more is of an older version, and means nothing.
        CASE WHEN v.watermark <> '' THEN v.lookback ELSE '' END,
        'safety_lag', pg_catalog.trim_scale(extract(epoch FROM v.safety_lag)::numeric),
        'reconcile_every', pg_catalog.trim_scale(extract(epoch FROM v.reconcile_every)::numeric),
        'refresh_every', pg_catalog.trim_scale(extract(epoch FROM v.refresh_every)::numeric),
        'max_age', pg_catalog.trim_scale(extract(epoch FROM v.max_age)::numeric),
        'timeout', pg_catalog.trim_scale(extract(epoch FROM v.timeout)::numeric),
        'indexes', pg_catalog.to_jsonb(v.indexes),
        'grantees', pg_catalog.to_jsonb(v.grantees), 'group', v.group_name, 'allow_shrink', v.allow_shrink,
        'owner', '', 'description', '') AS definition
) d
CROSS JOIN LATERAL (
    SELECT coalesce(pg_catalog.jsonb_agg(x.item || pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('local', (
               SELECT pg_catalog.format_type(a.atttypid, a.atttypmod)
               FROM pg_catalog.pg_attribute a
               WHERE a.attrelid = r.oid AND a.attname = x.item ->> 'name' AND a.attnum > 0))) ORDER BY x.place), '[]') AS columns
    FROM pg_catalog.jsonb_array_elements(v.columns) WITH ORDINALITY x (item, place)
) c
WHERE n.number IS NOT NULL;

-- A row of redcache.view points at the generation whose definition is in force: it is built by the next run, where nobody has
-- filled it yet.
ALTER TABLE redcache.view
    ADD CONSTRAINT view_generation_exists FOREIGN KEY (id, generation) REFERENCES redcache.generation (view_id, number)
        DEFERRABLE INITIALLY DEFERRED;

CREATE VIEW redcache.defined AS
SELECT v.id, v.schema_name, v.view_name, v.generation, v.created_at, v.changed_at, g.link_id, g.columns, g.definition,
       g.group_name, g.refresh_every, g.max_age, g.timeout, g.label
FROM redcache.view v
LEFT JOIN redcache.generation g ON g.view_id = v.id AND g.number = v.generation -- one that is gone is no reason to hide a view
WHERE g.set_id IS NULL OR g.set_id NOT IN (SELECT p.id FROM redcache.set p WHERE p.published_at IS NULL);
COMMENT ON VIEW redcache.defined IS 'Each view with the definition that is in force. One that is only being added is not there yet.';

-- One that reads itself, as nobody can define it, has no end otherwise: so UNION, and not UNION ALL. Those that have rows are apart,
-- so that the planner does not expect this of each.
CREATE VIEW redcache.shown AS
SELECT g.view_id, g.number, g.as_of
FROM redcache.generation g
WHERE g.state = 'published' AND NOT g.rowless
UNION ALL
SELECT p.view_id, p.number, (
    WITH RECURSIVE below AS (
        SELECT p.view_id, p.rowless, p.as_of, p.definition
        UNION
        SELECT g.view_id, g.rowless, g.as_of, g.definition
        FROM below b
        CROSS JOIN LATERAL pg_catalog.jsonb_array_elements(b.definition #> '{source,references}') r (item)
        LEFT JOIN LATERAL (
            SELECT g.*
            FROM redcache.view n
            JOIN redcache.generation g ON g.view_id = n.id AND g.state = 'published'
            WHERE n.schema_name = r.item #>> '{name,schema}' AND n.view_name = r.item #>> '{name,view}'
            LIMIT 1 -- so that it is looked up, whatever the planner thinks of the length of a list
        ) g ON true
        WHERE b.rowless AND pg_catalog.jsonb_typeof(r.item) = 'object' -- all are; so that the planner expects few
    )
    SELECT CASE WHEN pg_catalog.bool_and(b.as_of IS NOT NULL) THEN min(b.as_of) END
    FROM below b
    WHERE b.rowless IS NOT TRUE
)
FROM redcache.generation p
WHERE p.state = 'published' AND p.rowless;
COMMENT ON VIEW redcache.shown IS
    'The generation of each view that readers see, and how old what it shows is: where it has no rows of its own, as old as the oldest that it reads.';

CREATE VIEW redcache.copy AS
SELECT s.view_id, p.number AS generation, l.number AS loaded, s.failures, p.as_of, s.next_due, s.queued_until, s.last_run_id,
       s.published, l.row_count, l.reconciled_at, l.watermark, l.modified, l.content
FROM redcache.state s
LEFT JOIN redcache.shown p ON p.view_id = s.view_id
LEFT JOIN LATERAL (
    SELECT g.*
    FROM redcache.generation g
    WHERE g.view_id = s.view_id
      AND (g.state = 'published' OR g.state = 'filled' AND (
          g.set_id IS NULL OR g.set_id NOT IN (SELECT p.id FROM redcache.set p WHERE p.published_at IS NULL)))
    ORDER BY g.state = 'filled' DESC, g.number DESC
    LIMIT 1
) l ON true;
COMMENT ON VIEW redcache.copy IS 'What is true of each view''s copy now, and what is to happen to it.';
COMMENT ON COLUMN redcache.copy.generation IS 'Generation that readers see; null before the first success.';
COMMENT ON COLUMN redcache.copy.loaded IS
    'Generation that runs write to. It is ahead of generation while transactions are open that are too old to see its rows.';
COMMENT ON COLUMN redcache.copy.as_of IS 'Every remote commit before this instant is in what readers see.';
COMMENT ON COLUMN redcache.copy.row_count IS 'Rows of the generation that runs write to.';

CREATE VIEW redcache.awaited AS
SELECT v.id AS view_id, r.item #>> '{name,schema}' AS schema_name, r.item #>> '{name,view}' AS view_name, i.as_of, v.label
FROM redcache.defined v
CROSS JOIN LATERAL pg_catalog.jsonb_array_elements(v.definition #> '{source,references}') r (item)
LEFT JOIN LATERAL (
    SELECT g.as_of
    FROM redcache.view n
    JOIN redcache.shown g ON g.view_id = n.id
    WHERE n.schema_name = r.item #>> '{name,schema}' AND n.view_name = r.item #>> '{name,view}'
    LIMIT 1 -- so that it is looked up, whatever the planner thinks of the length of a list
) i ON true
WHERE v.definition #>> '{source,kind}' = 'local' AND pg_catalog.jsonb_typeof(r.item) = 'object' -- as there
  AND (i.as_of IS NULL OR i.as_of < v.label);
COMMENT ON VIEW redcache.awaited IS 'The inputs of each local view that have not reached the label which it is to have next, or have no rows.';

CREATE OR REPLACE VIEW redcache.freshness WITH (security_barrier) AS
SELECT pg_catalog.format('%I.%I', v.schema_name, v.view_name) AS view,
       s.as_of,
       pg_catalog.statement_timestamp() - s.as_of AS age,
       nullif(v.max_age, '0') AS max_age,
       coalesce(v.max_age > '0', false) AND coalesce( -- an as-of from the future is none: a clock was wrong
           s.as_of NOT BETWEEN pg_catalog.statement_timestamp() - v.max_age AND pg_catalog.statement_timestamp(), true) AS stale,
       r.state AS last_state,
       CASE WHEN mine.owned THEN r.error
            WHEN r.error IS NOT NULL THEN coalesce(r.public_error, 'it failed')
       END AS last_error
FROM redcache.defined v
LEFT JOIN redcache.copy s ON s.view_id = v.id
LEFT JOIN redcache.run r ON r.id = s.last_run_id
CROSS JOIN (
    SELECT pg_catalog.pg_has_role(o.relowner, 'USAGE') AS owned
    FROM pg_catalog.pg_class o
    WHERE o.oid = 'redcache.run'::pg_catalog.regclass
) mine
LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = v.schema_name
LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = v.view_name
WHERE mine.owned
   OR pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT');

ALTER TABLE redcache.view
    DROP COLUMN link_id, DROP COLUMN query, DROP COLUMN columns, DROP COLUMN strategy, DROP COLUMN key, DROP COLUMN watermark,
    DROP COLUMN lookback, DROP COLUMN safety_lag, DROP COLUMN reconcile_every, DROP COLUMN refresh_every,
    DROP COLUMN max_age, DROP COLUMN timeout, DROP COLUMN indexes, DROP COLUMN grantees, DROP COLUMN nul_bytes,
    DROP COLUMN transport, DROP COLUMN group_name, DROP COLUMN allow_shrink, DROP COLUMN skip_unchanged, DROP COLUMN split,
    DROP COLUMN sessions, DROP COLUMN first_generation, DROP COLUMN query_generation;
COMMENT ON TABLE redcache.view IS
    'The names of cached views, each with the generation whose definition is in force. Its OID is a lock key: never drop and recreate it.';
COMMENT ON COLUMN redcache.view.generation IS 'Row of redcache.generation whose definition is in force, and that runs write to.';

-- One value like these would keep the times of all views from being read.
UPDATE redcache.state
SET next_due = CASE WHEN pg_catalog.isfinite(next_due) THEN next_due ELSE pg_catalog.statement_timestamp() END,
    queued_until = CASE WHEN pg_catalog.isfinite(queued_until) THEN queued_until END
WHERE NOT (pg_catalog.isfinite(next_due) AND pg_catalog.isfinite(queued_until));
ALTER TABLE redcache.state
    ADD CONSTRAINT state_times_are_finite CHECK (pg_catalog.isfinite(next_due) AND pg_catalog.isfinite(queued_until)),
    DROP COLUMN generation, DROP COLUMN loaded, DROP COLUMN as_of, DROP COLUMN reconciled_at, DROP COLUMN row_count,
    DROP COLUMN modified, DROP COLUMN content;
COMMENT ON TABLE redcache.state IS
    'When each view is due, how often it has failed, and what people have put on it. Its OID is a lock key: never drop and recreate it.';
DROP TABLE redcache.watermark;
