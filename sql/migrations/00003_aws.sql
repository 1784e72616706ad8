-- Where a link's login and address come from, what is true of a link now, and which views a dispatcher has sent off.
-- Strongest lock taken: ACCESS EXCLUSIVE on redcache.link and redcache.state, for a moment: no table is rewritten.

-- +goose Up
ALTER TABLE redcache.link
    ADD COLUMN credentials text NOT NULL DEFAULT 'password'
        CONSTRAINT link_credentials_are_known
            CHECK (credentials IN ('password', 'cluster', 'cluster-iam', 'workgroup', 'secret')),
    ADD COLUMN cluster text NOT NULL DEFAULT '',
    ADD COLUMN workgroup text NOT NULL DEFAULT '',
    ADD COLUMN secret text NOT NULL DEFAULT '',
    ADD COLUMN region text NOT NULL DEFAULT '',
    ADD COLUMN address text NOT NULL DEFAULT 'given'
        CONSTRAINT link_address_is_known CHECK (address IN ('given', 'private')),
    ADD COLUMN zone text NOT NULL DEFAULT '';
COMMENT ON COLUMN redcache.link.credentials IS
    'Where the password comes from: password, somebody gave it; cluster and cluster-iam, a Redshift cluster; workgroup, Redshift Serverless; secret, Secrets Manager.';
COMMENT ON COLUMN redcache.link.cluster IS 'Identifier of the Redshift cluster; empty: none is known.';
COMMENT ON COLUMN redcache.link.workgroup IS 'Name of the Redshift Serverless workgroup; empty: none.';
COMMENT ON COLUMN redcache.link.secret IS 'ARN of the secret that has the login; empty: none.';
COMMENT ON COLUMN redcache.link.region IS 'AWS region of all of these; empty: the one that a process is configured for.';
COMMENT ON COLUMN redcache.link.address IS
    'given: host, or hostaddr where that is set; private: hostaddr is kept at the private address that AWS tells.';
COMMENT ON COLUMN redcache.link.zone IS 'Availability zone whose address is preferred; empty: any.';
COMMENT ON COLUMN redcache.link.username IS
    'Redshift login, as asked for; the user mapping has the one that AWS made of it. The password is there too, and nowhere else.';

CREATE TABLE redcache.link_state (
    link_id     integer     PRIMARY KEY REFERENCES redcache.link ON DELETE CASCADE,
    renewed_at  timestamptz,
    expires_at  timestamptz,
    resolved_at timestamptz,
    rest_until  timestamptz,
    rest_reason text,
    CONSTRAINT link_rests_for_a_reason CHECK ((rest_until IS NULL) = (rest_reason IS NULL))
);
INSERT INTO redcache.link_state (link_id) SELECT id FROM redcache.link;
COMMENT ON TABLE redcache.link_state IS 'What is true of each link now. Its OID is a lock key: never drop and recreate it.';
COMMENT ON COLUMN redcache.link_state.renewed_at IS 'When the user mapping last got a password.';
COMMENT ON COLUMN redcache.link_state.expires_at IS 'When that password ends; null: it does not, as far as is known.';
COMMENT ON COLUMN redcache.link_state.resolved_at IS 'When the address was last looked up; null: it is as given.';
COMMENT ON COLUMN redcache.link_state.rest_until IS 'Until then no view of the link is due, since its cluster is not available.';
COMMENT ON COLUMN redcache.link_state.rest_reason IS 'Why.';

ALTER TABLE redcache.state ADD COLUMN queued_until timestamptz;
COMMENT ON COLUMN redcache.state.queued_until IS
    'Until then a message that asks for the refresh is on its way, and no other one is sent; null: none is.';

COMMENT ON COLUMN redcache.run.origin IS 'Who asked: cli, worker, lambda.';
