-- Redshift's own types, in pg_catalog so that they are found under every search_path. All keep text as it is written.

DO $do$
DECLARE
	made record;
BEGIN
	FOR made IN
		SELECT * FROM (VALUES
			('super', ''), ('geometry', ''), ('geography', ''), ('hllsketch', ''),
			('intervaly2m', ''), ('intervald2s', ''),
			('varbyte', ', TYPMOD_IN = pg_catalog.varchartypmodin, TYPMOD_OUT = pg_catalog.varchartypmodout'),
			('redshift_unknown', '')
		) AS wanted (name, options)
		WHERE NOT EXISTS (
			SELECT FROM pg_catalog.pg_type
			WHERE typname = wanted.name AND typnamespace = 'pg_catalog'::regnamespace)
	LOOP
		EXECUTE format('CREATE TYPE pg_catalog.%I', made.name);
		EXECUTE format('CREATE FUNCTION pg_catalog.%I(cstring) RETURNS pg_catalog.%I '
			'LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS ''textin''', made.name || '_in', made.name);
		EXECUTE format('CREATE FUNCTION pg_catalog.%I(pg_catalog.%I) RETURNS cstring '
			'LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS ''textout''', made.name || '_out', made.name);
		EXECUTE format('CREATE TYPE pg_catalog.%1$I (INPUT = pg_catalog.%2$I, OUTPUT = pg_catalog.%3$I, '
			'INTERNALLENGTH = VARIABLE, ALIGNMENT = int4, STORAGE = extended, COLLATABLE = true%4$s)',
			made.name, made.name || '_in', made.name || '_out', made.options);
		-- Nothing but the stand-in makes a literal one that has no type: whatever else is compared with one gets to hear so.
		IF made.name = 'redshift_unknown' THEN
			CREATE OR REPLACE FUNCTION pg_catalog.redshift_unknown_in(cstring) RETURNS pg_catalog.redshift_unknown
				LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'trigger_in';
		END IF;
		IF made.name = 'super' THEN
			CREATE CAST (pg_catalog.super AS text) WITHOUT FUNCTION AS ASSIGNMENT;
			CREATE CAST (pg_catalog.super AS varchar) WITHOUT FUNCTION AS ASSIGNMENT;
		END IF;
	END LOOP;
END
$do$;
