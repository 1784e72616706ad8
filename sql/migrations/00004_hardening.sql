-- Which generations a definition and a query may be held against; what applications are told: only of the views that they
-- may read, and without values of rows; and what a published view had on it when it was last seen, so that it can be made
-- again after somebody has dropped it.
-- Strongest lock taken: ACCESS EXCLUSIVE on redcache.view, redcache.run, redcache.state and redcache.freshness, for a
-- moment: no table is rewritten.

-- +goose Up
ALTER TABLE redcache.view
    ADD COLUMN first_generation integer NOT NULL DEFAULT 1,
    ADD COLUMN query_generation integer NOT NULL DEFAULT 1;
UPDATE redcache.view SET first_generation = generation, query_generation = generation;
COMMENT ON COLUMN redcache.view.first_generation IS
    'First generation of this definition: an older one was built by another, and cannot be changed into what this one asks for.';
COMMENT ON COLUMN redcache.view.query_generation IS
    'First generation of this query: the rows of an older one are of another, and nothing is lost when there are fewer now.';

-- Materialized views with a key have a column more from now on, by which repeated keys are found. The next refresh of
-- each builds it anew, beside the one that readers see.
UPDATE redcache.view v
SET generation = v.generation + 1, first_generation = v.generation + 1
FROM redcache.state s
WHERE s.view_id = v.id AND s.loaded = v.generation
  AND v.strategy IN ('nonconcurrent', 'concurrent') AND v.key <> '{}';

COMMENT ON TABLE redcache.state IS 'What is true of each view now; docs/architecture.md says who writes what of it.';
COMMENT ON COLUMN redcache.run.origin IS 'Who asked: cli, worker, lambda.';

ALTER TABLE redcache.run ADD COLUMN public_error text;
COMMENT ON COLUMN redcache.run.public_error IS
    'Why the run failed, without values of rows and without what a server says that may quote one: for logs and applications.';
REVOKE ALL ON ALL TABLES IN SCHEMA redcache FROM PUBLIC;

-- security_barrier: a function in somebody's WHERE sees no row that the view leaves out.
CREATE OR REPLACE VIEW redcache.freshness WITH (security_barrier) AS
SELECT pg_catalog.format('%I.%I', v.schema_name, v.view_name) AS view,
       s.as_of,
       pg_catalog.statement_timestamp() - s.as_of AS age,
       nullif(v.max_age, '0') AS max_age,
       v.max_age > '0' AND coalesce( -- an as-of from the future is none: a clock was wrong
           s.as_of NOT BETWEEN pg_catalog.statement_timestamp() - v.max_age AND pg_catalog.statement_timestamp(), true) AS stale,
       r.state AS last_state,
       CASE WHEN mine.owned THEN r.error
            WHEN r.error IS NOT NULL THEN coalesce(r.public_error, 'it failed')
       END AS last_error
FROM redcache.view v
LEFT JOIN redcache.state s ON s.view_id = v.id
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
COMMENT ON VIEW redcache.freshness IS
    'For applications: how old each cached view is that they may read, and whether it keeps its promise.';

ALTER TABLE redcache.state ADD COLUMN published jsonb;
COMMENT ON COLUMN redcache.state.published IS
    'The published view as it was last seen: its OID, grants, comments, options and defaults; null: it was not seen yet.';

-- One value like these would keep the definitions of all views from being read.
ALTER TABLE redcache.view
    ADD CONSTRAINT view_lists_have_no_nulls CHECK (pg_catalog.array_position(key || indexes || grantees, NULL) IS NULL);
ALTER TABLE redcache.state
    ADD CONSTRAINT state_published_is_an_object CHECK (pg_catalog.jsonb_typeof(published) = 'object');
