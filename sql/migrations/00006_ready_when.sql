-- Runs that were skipped since their source was not ready, and since when that is so.
-- Strongest lock taken: ACCESS EXCLUSIVE on redcache.run and redcache.state, for a moment: no table is read or rewritten.

-- +goose Up
ALTER TABLE redcache.run
    DROP CONSTRAINT skipped_run_has_holder,
    ADD CONSTRAINT skipped_run_has_holder_or_reason
        CHECK (state <> 'skipped' OR holder IS NOT NULL OR reason IS NOT NULL) NOT VALID; -- those that are there have a holder
COMMENT ON COLUMN redcache.run.holder IS
    'Who held the lock when the run was skipped; null: nobody did, its source was not ready, as reason says.';

ALTER TABLE redcache.state
    ADD COLUMN unready_since timestamptz CONSTRAINT state_unready_since_is_finite CHECK (pg_catalog.isfinite(unready_since));
COMMENT ON COLUMN redcache.state.unready_since IS
    'When the first of the last runs began that have found the source not ready; null: the last one that asked has not.';
