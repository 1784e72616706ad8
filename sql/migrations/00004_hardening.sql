-- Which generations a definition and a query may be held against.
-- Strongest lock taken: ACCESS EXCLUSIVE on redcache.view, for a moment: no table is rewritten.

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
