-- Functions that only Redshift has are in pg_catalog, as on a cluster. Those that replace one of the engine's are in
-- schema redshift, and the stand-in rewrites the calls. No body has a backslash: the engine runs with
-- standard_conforming_strings off.

CREATE SCHEMA IF NOT EXISTS redshift;
GRANT USAGE ON SCHEMA redshift TO public;

CREATE OR REPLACE FUNCTION redshift.version() RETURNS text LANGUAGE sql STABLE AS $$
	SELECT 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0.75379'::text
$$;

-- U+F8FE stands for the byte 0x00, which the engine cannot store.
CREATE OR REPLACE FUNCTION redshift.chr(code int) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
	SELECT CASE WHEN code = 0 THEN pg_catalog.chr(63742) ELSE pg_catalog.chr(code) END
$$;

-- 8.0 quotes every keyword, and so "unknown".
CREATE OR REPLACE FUNCTION redshift.format_type(type oid, typmod int) RETURNS text LANGUAGE sql STABLE AS $$
	SELECT CASE (SELECT typname FROM pg_catalog.pg_type WHERE oid = type)
		WHEN 'redshift_unknown' THEN '"unknown"'
		WHEN 'unknown' THEN '"unknown"'
		WHEN 'varbyte' THEN 'binary varying' || CASE WHEN typmod > 4 THEN '(' || typmod - 4 || ')' ELSE '' END
		WHEN 'intervaly2m' THEN 'interval year to month'
		WHEN 'intervald2s' THEN 'interval day to second'
		ELSE pg_catalog.format_type(type, typmod)
	END
$$;

CREATE OR REPLACE FUNCTION redshift.sysdate() RETURNS timestamp LANGUAGE sql STABLE AS $$
	SELECT pg_catalog.transaction_timestamp() AT TIME ZONE 'UTC'
$$;

CREATE OR REPLACE FUNCTION pg_catalog.getdate() RETURNS timestamp LANGUAGE sql STABLE AS $$
	SELECT pg_catalog.date_trunc('second', pg_catalog.statement_timestamp() AT TIME ZONE 'UTC')
$$;

CREATE OR REPLACE FUNCTION pg_catalog.dateadd(part text, n bigint, moment timestamp)
RETURNS timestamp LANGUAGE sql IMMUTABLE STRICT AS $$
	SELECT moment + CASE pg_catalog.lower(part)
		WHEN 'quarter' THEN n * interval '3 months'
		ELSE n * ('1 ' || pg_catalog.lower(part))::interval
	END
$$;
CREATE OR REPLACE FUNCTION pg_catalog.dateadd(part text, n bigint, moment timestamptz)
RETURNS timestamptz LANGUAGE sql STABLE STRICT AS $$
	SELECT pg_catalog.dateadd(part, n, moment AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'
$$;
CREATE OR REPLACE FUNCTION pg_catalog.dateadd(part text, n bigint, moment date)
RETURNS timestamp LANGUAGE sql IMMUTABLE STRICT AS $$
	SELECT pg_catalog.dateadd(part, n, moment::timestamp)
$$;

-- Counts the boundaries that lie between, not the full units.
CREATE OR REPLACE FUNCTION pg_catalog.datediff(part text, earlier timestamp, later timestamp)
RETURNS bigint LANGUAGE sql IMMUTABLE STRICT AS $$
	SELECT CASE
		WHEN pg_catalog.lower(part) IN ('year', 'decade', 'century', 'millennium') THEN
			pg_catalog.date_part(part, later) - pg_catalog.date_part(part, earlier)
		WHEN pg_catalog.lower(part) = 'quarter' THEN
			4 * (extract(year FROM later) - extract(year FROM earlier))
			+ extract(quarter FROM later) - extract(quarter FROM earlier)
		WHEN pg_catalog.lower(part) = 'month' THEN
			12 * (extract(year FROM later) - extract(year FROM earlier))
			+ extract(month FROM later) - extract(month FROM earlier)
		ELSE pg_catalog.trunc(
			extract(epoch FROM pg_catalog.date_trunc(part, later) - pg_catalog.date_trunc(part, earlier))
			/ extract(epoch FROM ('1 ' || pg_catalog.lower(part))::interval))
	END::bigint
$$;

CREATE OR REPLACE FUNCTION pg_catalog.convert_timezone(source text, target text, moment timestamp)
RETURNS timestamp LANGUAGE sql STABLE STRICT AS $$
	SELECT (moment AT TIME ZONE source) AT TIME ZONE target
$$;

CREATE OR REPLACE FUNCTION pg_catalog.len(value text) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS $$
	SELECT pg_catalog.length(value)
$$;
CREATE OR REPLACE FUNCTION pg_catalog.charindex(part text, value text) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS $$
	SELECT pg_catalog.strpos(value, part)
$$;
CREATE OR REPLACE FUNCTION pg_catalog.strtol(digits text, base int)
RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
	total bigint := 0;
	digit int;
BEGIN
	FOR i IN 1 .. length(digits) LOOP
		digit := strpos('0123456789abcdefghijklmnopqrstuvwxyz', lower(substring(digits, i, 1))) - 1;
		IF digit < 0 OR digit >= base THEN
			RAISE EXCEPTION 'The input % is not valid to be converted to base %', digits, base;
		END IF;
		total := total * base + digit;
	END LOOP;
	RETURN total;
END
$$;

CREATE OR REPLACE FUNCTION pg_catalog.json_parse(value text) RETURNS super LANGUAGE sql IMMUTABLE STRICT AS $$
	SELECT pg_catalog.json_in(pg_catalog.textout(value))::text::super
$$;
-- JSON_SERIALIZE is syntax from 17 on.
CREATE OR REPLACE FUNCTION redshift.json_serialize(value super) RETURNS varchar LANGUAGE sql IMMUTABLE STRICT AS $$
	SELECT value::text::varchar
$$;
CREATE OR REPLACE FUNCTION pg_catalog.json_extract_path_text(value text, VARIADIC path text[])
RETURNS varchar LANGUAGE sql IMMUTABLE STRICT AS $$
	SELECT coalesce(pg_catalog.jsonb_extract_path_text(value::jsonb, VARIADIC path), '')::varchar
$$;

CREATE OR REPLACE FUNCTION pg_catalog.to_varbyte(value text, format text) RETURNS varbyte LANGUAGE sql IMMUTABLE STRICT AS $$
	SELECT CASE pg_catalog.lower(format)
		WHEN 'hex' THEN pg_catalog.lower(value)
		WHEN 'base64' THEN pg_catalog.encode(pg_catalog.decode(value, 'base64'), 'hex')
		ELSE pg_catalog.encode(pg_catalog.convert_to(value, 'UTF8'), 'hex')
	END::varbyte
$$;
CREATE OR REPLACE FUNCTION pg_catalog.from_varbyte(value varbyte, format text)
RETURNS varchar LANGUAGE sql IMMUTABLE STRICT AS $$
	SELECT CASE pg_catalog.lower(format)
		WHEN 'hex' THEN value::text
		WHEN 'base64' THEN pg_catalog.encode(pg_catalog.decode(value::text, 'hex'), 'base64')
		ELSE pg_catalog.convert_from(pg_catalog.decode(value::text, 'hex'), 'UTF8')
	END::varchar
$$;
