-- What CREATE TABLE AS makes of columns, which public reports do not agree on. A test says how it shall be.

CREATE TABLE IF NOT EXISTS redshift.typing (bare_as text, column_name text, type text);
GRANT SELECT ON redshift.typing TO public;

-- Gives the columns of a new table the types that a test wants to be told. The length of what was a bare literal is as
-- wrong as it can be.
CREATE OR REPLACE FUNCTION redshift.retype() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE
	wrong record;
BEGIN
	FOR wrong IN
		SELECT c.objid::regclass AS made, a.attname,
			coalesce(t.type, 'character varying(' || greatest(1, a.atttypmod) || ')') AS type,
			a.atttypid = 'pg_catalog.redshift_unknown'::regtype AS bare
		FROM pg_catalog.pg_event_trigger_ddl_commands() c
		JOIN pg_catalog.pg_attribute a ON a.attrelid = c.objid AND a.attnum > 0
		LEFT JOIN redshift.typing t ON t.column_name = a.attname
		WHERE c.command_tag = 'CREATE TABLE AS' AND (t.type IS NOT NULL
			OR a.atttypid = 'pg_catalog.redshift_unknown'::regtype AND EXISTS (SELECT FROM redshift.typing WHERE bare_as = 'varchar'))
	LOOP
		EXECUTE pg_catalog.format('ALTER TABLE %1$s ALTER COLUMN %2$I TYPE %3$s USING %4$s::text::%3$s', wrong.made, wrong.attname, wrong.type,
			CASE WHEN wrong.bare THEN pg_catalog.format('pg_catalog.textin(pg_catalog.redshift_unknown_out(%I))', wrong.attname)
				ELSE pg_catalog.quote_ident(wrong.attname) END);
	END LOOP;
END
$$;

DO $do$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_event_trigger WHERE evtname = 'redshift_retype') THEN
		CREATE EVENT TRIGGER redshift_retype ON ddl_command_end WHEN TAG IN ('CREATE TABLE AS') EXECUTE FUNCTION redshift.retype();
	END IF;
END
$do$;

-- A bare literal has no type of its own. Only the stand-in can make one; whoever wants to make something of it gets to
-- hear what a cluster says. The engine would turn any type into a text when it is told to.
CREATE OR REPLACE FUNCTION redshift.no_conversion(value redshift_unknown) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RAISE EXCEPTION 'failed to find conversion function from "unknown" to text' USING ERRCODE = 'XX000';
END
$$;
CREATE OR REPLACE FUNCTION redshift.no_conversion(value redshift_unknown, typmod int, explicitly boolean) RETURNS varchar LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RAISE EXCEPTION 'failed to find conversion function from "unknown" to character varying' USING ERRCODE = 'XX000';
END
$$;
DO $do$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_cast WHERE castsource = 'pg_catalog.redshift_unknown'::regtype) THEN
		CREATE CAST (pg_catalog.redshift_unknown AS text) WITH FUNCTION redshift.no_conversion(redshift_unknown);
		CREATE CAST (pg_catalog.redshift_unknown AS varchar) WITH FUNCTION redshift.no_conversion(redshift_unknown, int, boolean);
		CREATE CAST (text AS pg_catalog.redshift_unknown) WITHOUT FUNCTION;
	END IF;
END
$do$;
