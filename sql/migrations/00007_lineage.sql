-- What the columns of each generation come from, as far as a parser could say when it was applied.
-- Strongest lock taken: ACCESS EXCLUSIVE on redcache.generation, for a moment: no table is read or rewritten.

-- +goose Up
ALTER TABLE redcache.generation
    ADD COLUMN lineage jsonb CONSTRAINT generation_lineage_is_object CHECK (pg_catalog.jsonb_typeof(lineage) = 'object');
COMMENT ON COLUMN redcache.generation.lineage IS
    'What the columns of the query come from, and by what its rows are filtered, as docs/definitions.md says; null: nobody has looked.';
