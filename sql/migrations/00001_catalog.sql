-- The catalog: what is cached (link, view) and what happened (run, state, watermark).
-- Strongest lock taken: none on anything that exists before.

-- +goose Up
CREATE SCHEMA redcache_data;
COMMENT ON SCHEMA redcache_data IS
    'Generations: the physical relations behind cached views. Applications query the views, never these.';

CREATE TABLE redcache.link (
    id              integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    port            integer     NOT NULL,
    max_concurrency integer     NOT NULL,
    name            text        NOT NULL,
    host            text        NOT NULL,
    hostaddr        text        NOT NULL DEFAULT '',
    database        text        NOT NULL,
    username        text        NOT NULL,
    sslmode         text        NOT NULL,
    sslrootcert     text        NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT link_name_is_unique UNIQUE (name),
    CONSTRAINT link_id_fits_lock_key CHECK (id < 33554432),
    CONSTRAINT link_max_concurrency_fits_lock_key CHECK (max_concurrency BETWEEN 1 AND 64)
);
COMMENT ON TABLE redcache.link IS 'Named connections from this database to Redshift databases.';
COMMENT ON COLUMN redcache.link.hostaddr IS 'Address to connect to instead of what host resolves to; empty: resolve host.';
COMMENT ON COLUMN redcache.link.max_concurrency IS 'How many refreshes may read over the link at once, all processes together.';
COMMENT ON COLUMN redcache.link.username IS 'Redshift login. Its password is in the user mapping of the foreign server, nowhere else.';

CREATE TABLE redcache.view (
    id              integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    link_id         integer     NOT NULL REFERENCES redcache.link,
    generation      integer     NOT NULL DEFAULT 1,
    schema_name     text        NOT NULL,
    view_name       text        NOT NULL,
    query           text        NOT NULL,
    columns         jsonb       NOT NULL,
    strategy        text        NOT NULL,
    key             text[]      NOT NULL,
    watermark       text        NOT NULL,
    lookback        text        NOT NULL,
    safety_lag      interval    NOT NULL,
    reconcile_every interval    NOT NULL,
    refresh_every   interval    NOT NULL,
    max_age         interval    NOT NULL,
    timeout         interval    NOT NULL,
    indexes         text[]      NOT NULL,
    grantees        text[]      NOT NULL,
    nul_bytes       text        NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    changed_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT view_name_is_unique UNIQUE (schema_name, view_name),
    CONSTRAINT view_strategy_is_known CHECK (strategy IN ('nonconcurrent', 'concurrent', 'incremental')),
    CONSTRAINT view_nul_bytes_is_known CHECK (nul_bytes IN ('strip', 'trust')),
    CONSTRAINT concurrent_view_has_key CHECK (strategy <> 'concurrent' OR key <> '{}'),
    CONSTRAINT incremental_view_has_watermark CHECK (strategy <> 'incremental' OR watermark <> '')
);
CREATE INDEX view_of_link ON redcache.view (link_id);
COMMENT ON TABLE redcache.view IS 'Definitions of cached views.';
COMMENT ON COLUMN redcache.view.generation IS 'Generation that this definition asks for; state.generation is the one that readers see.';
COMMENT ON COLUMN redcache.view.columns IS 'What the query returns, as described through the link: [{"name", "type"}], in order.';
COMMENT ON COLUMN redcache.view.key IS 'Columns that identify a row; empty: none.';
COMMENT ON COLUMN redcache.view.watermark IS 'Monotonic column of an incremental view; empty: none.';
COMMENT ON COLUMN redcache.view.lookback IS 'How far below the watermark an incremental read starts: an interval, or a number for a numeric watermark.';
COMMENT ON COLUMN redcache.view.safety_lag IS 'Rows younger than this are left for a later run; zero: none are.';
COMMENT ON COLUMN redcache.view.reconcile_every IS 'How often an incremental view is compared with its source in full; zero: only on demand.';
COMMENT ON COLUMN redcache.view.refresh_every IS 'How often the worker refreshes the view; zero: only on demand.';
COMMENT ON COLUMN redcache.view.max_age IS 'The freshness promise: older is stale; zero: no promise.';
COMMENT ON COLUMN redcache.view.timeout IS 'A refresh that takes longer is cancelled on both servers.';
COMMENT ON COLUMN redcache.view.nul_bytes IS 'strip: the remote side removes NUL bytes from text; trust: text is read as it is, and libpq cuts it at a NUL.';

CREATE TABLE redcache.run (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    started_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at   timestamptz,
    as_of         timestamptz,
    rows_read     bigint,
    rows_inserted bigint,
    rows_updated  bigint,
    rows_deleted  bigint,
    view_id       integer     NOT NULL REFERENCES redcache.view ON DELETE CASCADE,
    generation    integer     NOT NULL,
    attempts      integer     NOT NULL DEFAULT 1,
    pid           integer,
    whole         boolean     NOT NULL DEFAULT true,
    strategy      text        NOT NULL,
    state         text        NOT NULL,
    origin        text        NOT NULL,
    application   text        NOT NULL DEFAULT current_setting('application_name'),
    watermark     text,
    holder        text,
    error         text,
    hint          text,
    CONSTRAINT run_state_is_known
        CHECK (state IN ('running', 'succeeded', 'failed', 'canceled', 'skipped', 'abandoned')),
    CONSTRAINT run_is_finished_unless_running CHECK ((state = 'running') = (finished_at IS NULL)),
    CONSTRAINT failed_run_has_error CHECK (state NOT IN ('failed', 'canceled') OR error IS NOT NULL),
    CONSTRAINT skipped_run_has_holder CHECK (state <> 'skipped' OR holder IS NOT NULL)
);
CREATE INDEX run_of_view ON redcache.run (view_id, id);
CREATE INDEX run_running ON redcache.run (view_id) WHERE state = 'running';
COMMENT ON TABLE redcache.run IS 'History: one row for each attempt to refresh a view; docs/run-states.md explains the states.';
COMMENT ON COLUMN redcache.run.as_of IS 'Every remote commit before this instant is in the copy.';
COMMENT ON COLUMN redcache.run.attempts IS 'How often the transaction was tried before it succeeded or was given up.';
COMMENT ON COLUMN redcache.run.pid IS 'Backend of this database that writes, or wrote, the rows.';
COMMENT ON COLUMN redcache.run.whole IS 'Whether the whole query was read, not only what lies past the watermark.';
COMMENT ON COLUMN redcache.run.origin IS 'Who asked: cli, worker.';
COMMENT ON COLUMN redcache.run.holder IS 'Who held the lock when the run was skipped.';

CREATE TABLE redcache.state (
    view_id       integer     PRIMARY KEY REFERENCES redcache.view ON DELETE CASCADE,
    generation    integer,
    loaded        integer,
    failures      integer     NOT NULL DEFAULT 0,
    as_of         timestamptz,
    reconciled_at timestamptz,
    next_due      timestamptz,
    last_run_id   bigint,
    row_count     bigint
);
CREATE INDEX state_next_due ON redcache.state (next_due);
COMMENT ON TABLE redcache.state IS 'What is true of each view now; only the refresh runner writes it.';
COMMENT ON COLUMN redcache.state.generation IS 'Generation that readers see; null before the first success.';
COMMENT ON COLUMN redcache.state.loaded IS
    'Generation that runs write to. It is ahead of generation while transactions are open that are too old to see its rows.';
COMMENT ON COLUMN redcache.state.failures IS 'Failed runs since the last success.';
COMMENT ON COLUMN redcache.state.next_due IS 'When the worker refreshes the view next; null: only on demand.';
COMMENT ON COLUMN redcache.state.as_of IS 'Every remote commit before this instant is in what readers see.';
COMMENT ON COLUMN redcache.state.row_count IS 'Rows of the generation that runs write to.';
COMMENT ON COLUMN redcache.state.last_run_id IS 'The last run that was not skipped.';

CREATE TABLE redcache.watermark (
    moved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    view_id  integer     PRIMARY KEY REFERENCES redcache.view ON DELETE CASCADE,
    value    text        NOT NULL
);
COMMENT ON TABLE redcache.watermark IS 'How far each incremental view has read; moved in the transaction that writes the rows.';
COMMENT ON COLUMN redcache.watermark.value IS 'Value of the watermark column, in the text form of its type.';

CREATE VIEW redcache.freshness AS
SELECT format('%I.%I', v.schema_name, v.view_name) AS view,
       s.as_of,
       statement_timestamp() - s.as_of AS age,
       nullif(v.max_age, '0') AS max_age,
       v.max_age > '0' AND coalesce(statement_timestamp() - s.as_of > v.max_age, true) AS stale,
       r.state AS last_state,
       r.error AS last_error
FROM redcache.view v
JOIN redcache.state s ON s.view_id = v.id
LEFT JOIN redcache.run r ON r.id = s.last_run_id;
COMMENT ON VIEW redcache.freshness IS 'For applications: how old each cached view is, and whether it keeps its promise.';
