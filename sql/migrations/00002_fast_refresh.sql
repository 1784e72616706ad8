-- What swap, merge and auto, the stream transport, atomic groups, and refreshes that find nothing changed need.
-- Strongest lock taken: ACCESS EXCLUSIVE on redcache.view, redcache.run and redcache.state, for a moment: no table is
-- rewritten. The checks are validated by one pass over each table.

-- +goose Up
ALTER TABLE redcache.view
    DROP CONSTRAINT view_strategy_is_known,
    ADD CONSTRAINT view_strategy_is_known
        CHECK (strategy IN ('nonconcurrent', 'concurrent', 'incremental', 'swap', 'merge', 'auto')),
    ADD CONSTRAINT merge_view_has_key CHECK (strategy <> 'merge' OR key <> '{}'),
    ADD COLUMN transport text NOT NULL DEFAULT 'auto'
        CONSTRAINT view_transport_is_known CHECK (transport IN ('auto', 'dblink', 'stream')),
    ADD COLUMN group_name text NOT NULL DEFAULT '',
    ADD COLUMN allow_shrink integer NOT NULL DEFAULT 50
        CONSTRAINT view_allow_shrink_is_a_percentage CHECK (allow_shrink BETWEEN 0 AND 100),
    ADD COLUMN skip_unchanged text NOT NULL DEFAULT 'off'
        CONSTRAINT view_skip_unchanged_is_known CHECK (skip_unchanged IN ('off', 'auto', 'modified', 'content')),
    ADD COLUMN split text NOT NULL DEFAULT '',
    ADD COLUMN sessions integer NOT NULL DEFAULT 1
        CONSTRAINT view_sessions_fit_link CHECK (sessions BETWEEN 1 AND 64);
CREATE INDEX view_of_group ON redcache.view (group_name) WHERE group_name <> '';
COMMENT ON COLUMN redcache.view.transport IS 'How rows travel: dblink, inside PostgreSQL; stream, through the process that refreshes; auto: stream where that can be had.';
COMMENT ON COLUMN redcache.view.group_name IS 'Views of one group are read in one remote snapshot and published in one transaction; empty: none.';
COMMENT ON COLUMN redcache.view.allow_shrink IS 'How many percent of its rows a swap or merge may lose; a refresh that would lose more fails.';
COMMENT ON COLUMN redcache.view.skip_unchanged IS 'What may prove that there is nothing to refresh: the tables'' last modified time, the content''s hash, auto: the cheaper that will do, off: nothing.';
COMMENT ON COLUMN redcache.view.split IS 'Column by whose ranges a whole read is split over several sessions; empty: one session reads all.';
COMMENT ON COLUMN redcache.view.sessions IS 'Most sessions of a split read; each takes a slot of the link.';

ALTER TABLE redcache.run
    DROP CONSTRAINT run_state_is_known,
    ADD CONSTRAINT run_state_is_known
        CHECK (state IN ('running', 'succeeded', 'unchanged', 'failed', 'canceled', 'skipped', 'abandoned')),
    ADD COLUMN waited interval,
    ADD COLUMN bytes_read bigint,
    ADD COLUMN transport text,
    ADD COLUMN reason text;
COMMENT ON COLUMN redcache.run.waited IS 'How long the switch to a new generation waited for readers.';
COMMENT ON COLUMN redcache.run.bytes_read IS 'Bytes that came through the process that refreshed; null: they went straight to PostgreSQL.';
COMMENT ON COLUMN redcache.run.transport IS 'How the rows travelled: dblink or stream.';
COMMENT ON COLUMN redcache.run.reason IS 'Why this strategy and this transport, and what else was out of the ordinary.';

ALTER TABLE redcache.state
    ADD COLUMN modified text,
    ADD COLUMN content text;
COMMENT ON COLUMN redcache.state.modified IS 'When the source tables were last modified, as the remote side said before the last read.';
COMMENT ON COLUMN redcache.state.content IS 'Count, highest watermark and hash of what was read last, computed by the remote side.';
