-- SHOW TABLES, and what it tells of changes.

-- When a tracked table changed. Whoever tracks a table puts the triggers on it.
CREATE TABLE IF NOT EXISTS redshift.change (
	relation oid NOT NULL,
	moment timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	altered boolean NOT NULL DEFAULT false -- its definition, not its rows
);
CREATE INDEX IF NOT EXISTS change_relation ON redshift.change (relation, altered, moment);
GRANT SELECT ON redshift.change TO public;

CREATE OR REPLACE FUNCTION redshift.note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO redshift.change (relation) VALUES (TG_RELID);
	RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION redshift.note_alteration() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO redshift.change (relation, altered)
	SELECT c.objid, true
	FROM pg_catalog.pg_event_trigger_ddl_commands() c
	WHERE c.objid IN (SELECT t.relation FROM redshift.change t);
END
$$;

-- The first time a table is tracked, it has been as it is for a day.
CREATE OR REPLACE FUNCTION redshift.track(tracked regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_event_trigger WHERE evtname = 'redshift_alteration') THEN
		CREATE EVENT TRIGGER redshift_alteration ON ddl_command_end WHEN TAG IN ('ALTER TABLE')
			EXECUTE FUNCTION redshift.note_alteration();
	END IF;
	EXECUTE pg_catalog.format('CREATE TRIGGER redshift_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %s '
		'FOR EACH STATEMENT EXECUTE FUNCTION redshift.note_change()', tracked);
	INSERT INTO redshift.change (relation, moment, altered)
	SELECT tracked, pg_catalog.clock_timestamp() - interval '1 day', altered FROM (VALUES (true), (false)) v (altered);
END
$$;

-- What was committed less than the lag ago is not noted yet. A table that is not tracked has no times.
CREATE OR REPLACE FUNCTION redshift.noted(noted oid, of_definition boolean, lag interval)
RETURNS timestamp LANGUAGE sql STABLE AS $$
	SELECT max(moment) AT TIME ZONE 'UTC' FROM redshift.change
	WHERE relation = noted AND altered = of_definition AND moment <= pg_catalog.clock_timestamp() - lag
$$;

CREATE OR REPLACE FUNCTION redshift.show_tables(of_database text, of_schema text, pattern text, row_limit int, lag interval)
RETURNS TABLE (
	database_name text, schema_name text, table_name text, table_type text, table_acl text, remarks text, owner text,
	last_altered_time timestamp, last_modified_time timestamp, dist_style text, table_subtype text
) LANGUAGE plpgsql STABLE AS $$
BEGIN
	IF of_database <> pg_catalog.current_database() THEN
		RAISE invalid_catalog_name USING MESSAGE = pg_catalog.format('database "%s" does not exist', of_database);
	END IF;
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = of_schema) THEN
		RAISE invalid_schema_name USING MESSAGE = pg_catalog.format('schema "%s" does not exist', of_schema);
	END IF;
	RETURN QUERY
	SELECT of_database, of_schema, c.relname::text, CASE c.relkind WHEN 'r' THEN 'TABLE' ELSE 'VIEW' END,
		pg_catalog.array_to_string(c.relacl, '~'), pg_catalog.obj_description(c.oid, 'pg_class'),
		pg_catalog.pg_get_userbyid(c.relowner)::text,
		redshift.noted(c.oid, true, lag), redshift.noted(c.oid, false, lag),
		CASE c.relkind WHEN 'r' THEN 'AUTO (EVEN)' END,
		CASE c.relkind WHEN 'r' THEN 'REGULAR TABLE' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'REGULAR VIEW' END
	FROM pg_catalog.pg_class c
	JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	WHERE n.nspname = of_schema AND c.relkind IN ('r', 'v', 'm') AND c.relname LIKE pattern
		AND pg_catalog.has_schema_privilege(n.oid, 'usage')
		AND (pg_catalog.has_table_privilege(c.oid, 'select') OR pg_catalog.has_any_column_privilege(c.oid, 'select'))
	ORDER BY c.relname
	LIMIT row_limit;
END
$$;
