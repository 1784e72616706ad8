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
			('redshift_unknown', ', CATEGORY = ''S''')
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
		IF made.name IN ('super', 'redshift_unknown') THEN
			EXECUTE format('CREATE CAST (pg_catalog.%I AS text) WITHOUT FUNCTION AS %s', made.name,
				CASE made.name WHEN 'super' THEN 'ASSIGNMENT' ELSE 'IMPLICIT' END);
			EXECUTE format('CREATE CAST (pg_catalog.%I AS varchar) WITHOUT FUNCTION AS %s', made.name,
				CASE made.name WHEN 'super' THEN 'ASSIGNMENT' ELSE 'IMPLICIT' END);
		END IF;
	END LOOP;
END
$do$;
