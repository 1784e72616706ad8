-- Functions that only Redshift has, beyond those of functions.sql. What the stand-in has to rewrite to reach them is in
-- schema redshift.

CREATE OR REPLACE FUNCTION pg_catalog.date_diff(part text, earlier timestamp, later timestamp)
RETURNS bigint LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.datediff(part, earlier, later)';
CREATE OR REPLACE FUNCTION pg_catalog.date_add(part text, n bigint, moment timestamp)
RETURNS timestamp LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.dateadd(part, n, moment)';

CREATE OR REPLACE FUNCTION pg_catalog.last_day(moment timestamp) RETURNS date LANGUAGE sql IMMUTABLE STRICT AS $$
	SELECT (pg_catalog.date_trunc('month', moment) + interval '1 month - 1 day')::date
$$;
CREATE OR REPLACE FUNCTION pg_catalog.last_day(day date) RETURNS date LANGUAGE sql IMMUTABLE STRICT AS $$
	SELECT pg_catalog.last_day(day::timestamp)
$$;

-- The last day of a month stays the last day.
CREATE OR REPLACE FUNCTION pg_catalog.add_months(moment timestamp, n int) RETURNS timestamp LANGUAGE sql IMMUTABLE STRICT AS $$
	SELECT CASE WHEN moment::date = pg_catalog.last_day(moment)
		THEN pg_catalog.last_day(moment + n * interval '1 month') + moment::time
		ELSE moment + n * interval '1 month' END
$$;
CREATE OR REPLACE FUNCTION pg_catalog.add_months(day date, n int) RETURNS timestamp LANGUAGE sql IMMUTABLE STRICT AS $$
	SELECT pg_catalog.add_months(day::timestamp, n)
$$;

-- Whole months between equal days or last days; otherwise a month has 31 days.
CREATE OR REPLACE FUNCTION pg_catalog.months_between(later timestamp, earlier timestamp)
RETURNS double precision LANGUAGE sql IMMUTABLE STRICT AS $$
	SELECT (12 * (extract(year FROM later) - extract(year FROM earlier)) + extract(month FROM later) - extract(month FROM earlier)
		+ CASE WHEN extract(day FROM later) = extract(day FROM earlier)
				OR later::date = pg_catalog.last_day(later) AND earlier::date = pg_catalog.last_day(earlier) THEN 0
			ELSE (extract(epoch FROM later - pg_catalog.date_trunc('month', later))
				- extract(epoch FROM earlier - pg_catalog.date_trunc('month', earlier))) / 2678400 END)::double precision
$$;

CREATE OR REPLACE FUNCTION pg_catalog.next_day(moment timestamp, day text) RETURNS date LANGUAGE sql IMMUTABLE STRICT AS $$
	SELECT moment::date + 1 + (pg_catalog.strpos('sumotuwethfrsa', pg_catalog.lower(pg_catalog.left(day, 2)))::int / 2
		- extract(dow FROM moment)::int + 6) % 7
$$;
CREATE OR REPLACE FUNCTION pg_catalog.date_part_year(day date) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS $$
	SELECT extract(year FROM day)::int
$$;
CREATE OR REPLACE FUNCTION pg_catalog.trunc(moment timestamp) RETURNS date LANGUAGE sql IMMUTABLE STRICT AS 'SELECT moment::date';
CREATE OR REPLACE FUNCTION pg_catalog.date_cmp(a date, b date) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS $$
	SELECT pg_catalog.sign((a - b)::numeric)::int
$$;
CREATE OR REPLACE FUNCTION pg_catalog.convert_timezone(target text, moment timestamp)
RETURNS timestamp LANGUAGE sql STABLE STRICT AS $$
	SELECT (moment AT TIME ZONE 'UTC') AT TIME ZONE target
$$;
CREATE OR REPLACE FUNCTION pg_catalog.convert_timezone(target text, moment timestamptz)
RETURNS timestamp LANGUAGE sql STABLE STRICT AS 'SELECT moment AT TIME ZONE target';

CREATE OR REPLACE FUNCTION pg_catalog.replicate(value text, n int) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
	SELECT pg_catalog.repeat(value, n)
$$;
CREATE OR REPLACE FUNCTION pg_catalog.textlen(value text) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.length(value)';
CREATE OR REPLACE FUNCTION pg_catalog.sha2(value text, bits int) RETURNS varchar LANGUAGE sql IMMUTABLE STRICT AS $$
	SELECT pg_catalog.encode(CASE bits
		WHEN 224 THEN pg_catalog.sha224(pg_catalog.convert_to(value, 'UTF8'))
		WHEN 384 THEN pg_catalog.sha384(pg_catalog.convert_to(value, 'UTF8'))
		WHEN 512 THEN pg_catalog.sha512(pg_catalog.convert_to(value, 'UTF8'))
		ELSE pg_catalog.sha256(pg_catalog.convert_to(value, 'UTF8')) END, 'hex')
$$;
CREATE OR REPLACE FUNCTION pg_catalog.dexp(value double precision) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.exp(value)';
CREATE OR REPLACE FUNCTION pg_catalog.dlog1(value double precision) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.ln(value)';
CREATE OR REPLACE FUNCTION pg_catalog.dlog10(value double precision) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.log(value)';

-- Two texts, and NULL if one of them is; the engine's takes any number of anything.
CREATE OR REPLACE FUNCTION redshift.concat(a text, b text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT a || b';
-- All that matches, not the first.
CREATE OR REPLACE FUNCTION redshift.regexp_replace(value text, pattern text, replacement text DEFAULT '')
RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
	SELECT pg_catalog.regexp_replace(value, pattern, pg_catalog.replace(replacement, '$', pg_catalog.chr(92)), 'g')
$$;

CREATE OR REPLACE FUNCTION redshift.try_cast(value text, type anyelement) RETURNS anyelement LANGUAGE plpgsql STABLE AS $$
BEGIN
	EXECUTE pg_catalog.format('SELECT $1::%s', pg_catalog.pg_typeof(type)) INTO type USING value;
	RETURN type;
EXCEPTION WHEN data_exception THEN
	RETURN NULL;
END
$$;

-- A plus joins texts.
DO $do$
BEGIN
	IF to_regoperator('pg_catalog.+(text,text)') IS NULL THEN
		CREATE OPERATOR pg_catalog.+ (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_catalog.textcat);
	END IF;
END
$do$;

CREATE OR REPLACE FUNCTION pg_catalog.is_valid_json(value text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
	RETURN value::json IS NOT NULL;
EXCEPTION WHEN data_exception THEN
	RETURN false;
END
$$;
CREATE OR REPLACE FUNCTION pg_catalog.can_json_parse(value text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.is_valid_json(value)';
CREATE OR REPLACE FUNCTION pg_catalog.is_valid_json_array(value text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS $$
	SELECT CASE WHEN pg_catalog.is_valid_json(value) THEN pg_catalog.json_typeof(value::json) = 'array' ELSE false END
$$;
CREATE OR REPLACE FUNCTION redshift.json_array_length(value text, null_if_invalid boolean DEFAULT false) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS $$
	SELECT CASE WHEN null_if_invalid AND NOT pg_catalog.is_valid_json(value) THEN NULL ELSE pg_catalog.json_array_length(value::json) END
$$;
CREATE OR REPLACE FUNCTION pg_catalog.json_extract_array_element_text(value text, n int, null_if_invalid boolean DEFAULT false)
RETURNS varchar LANGUAGE sql IMMUTABLE STRICT AS $$
	SELECT CASE WHEN null_if_invalid AND NOT pg_catalog.is_valid_json(value) THEN NULL ELSE (value::json ->> n)::varchar END
$$;
CREATE OR REPLACE FUNCTION redshift.json_path_or_null(value text, null_if_invalid boolean, VARIADIC path text[])
RETURNS varchar LANGUAGE sql IMMUTABLE STRICT AS $$
	SELECT CASE WHEN null_if_invalid AND NOT pg_catalog.is_valid_json(value) THEN NULL
		ELSE pg_catalog.json_extract_path_text(value, VARIADIC path) END
$$;

-- Aggregates.

CREATE OR REPLACE FUNCTION redshift.keep_first(kept anyelement, value anyelement) RETURNS anyelement LANGUAGE sql IMMUTABLE STRICT AS 'SELECT kept';
CREATE OR REPLACE FUNCTION redshift.keep_last(kept anyelement, value anyelement) RETURNS anyelement LANGUAGE sql IMMUTABLE STRICT AS 'SELECT value';

-- Percentiles are taken from all values that are not NULL, which the statement collects.
CREATE OR REPLACE FUNCTION redshift.percentile_disc(vals anyarray, fraction double precision, descending boolean)
RETURNS anyelement LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN descending
		THEN (ARRAY(SELECT v FROM pg_catalog.unnest(vals) v ORDER BY v DESC))[greatest(1, pg_catalog.ceil(fraction * pg_catalog.array_length(vals, 1)))::int]
		ELSE (ARRAY(SELECT v FROM pg_catalog.unnest(vals) v ORDER BY v))[greatest(1, pg_catalog.ceil(fraction * pg_catalog.array_length(vals, 1)))::int] END
$$;

-- Integers and numerics give a numeric, the others their own type, a date a timestamp.
DO $do$
DECLARE
	made record;
BEGIN
	FOR made IN
		SELECT * FROM (VALUES ('smallint', 'numeric'), ('int', 'numeric'), ('bigint', 'numeric'), ('numeric', 'numeric'),
			('real', 'double precision'), ('double precision', 'double precision'), ('date', 'timestamp'),
			('timestamp', 'timestamp'), ('timestamptz', 'timestamptz')) AS t (takes, gives)
	LOOP
		EXECUTE format('CREATE OR REPLACE FUNCTION redshift.percentile_cont(vals %1$s[], fraction numeric, descending boolean) '
			'RETURNS %2$s LANGUAGE sql IMMUTABLE AS $$ '
			'SELECT v[floor(at)::int] + (v[ceil(at)::int] - v[floor(at)::int]) * (at - floor(at))%3$s FROM (SELECT '
			'ARRAY(SELECT i::%2$s FROM pg_catalog.unnest(vals) i ORDER BY i) AS v, '
			'1 + CASE WHEN descending THEN 1 - fraction ELSE fraction END * (pg_catalog.array_length(vals, 1) - 1) AS at) q $$',
			made.takes, made.gives, CASE made.gives WHEN 'numeric' THEN '' ELSE '::double precision' END);
	END LOOP;
	IF to_regprocedure('redshift.listagg(text)') IS NOT NULL THEN
		RETURN;
	END IF;
	IF to_regprocedure('pg_catalog.any_value(anyelement)') IS NULL THEN
		CREATE AGGREGATE pg_catalog.any_value(anyelement) (SFUNC = redshift.keep_first, STYPE = anyelement);
	END IF;
	CREATE AGGREGATE redshift.all_of(anynonarray) (SFUNC = pg_catalog.array_agg_transfn, STYPE = internal,
		FINALFUNC = pg_catalog.array_agg_finalfn, FINALFUNC_EXTRA);
	CREATE AGGREGATE redshift.first_value_ignoring(anyelement) (SFUNC = redshift.keep_first, STYPE = anyelement);
	CREATE AGGREGATE redshift.last_value_ignoring(anyelement) (SFUNC = redshift.keep_last, STYPE = anyelement);
	CREATE AGGREGATE redshift.listagg(text) (SFUNC = pg_catalog.textcat, STYPE = text);
	CREATE AGGREGATE redshift.listagg(text, text) (
		SFUNC = pg_catalog.string_agg_transfn, STYPE = internal, FINALFUNC = pg_catalog.string_agg_finalfn);
END
$do$;

-- The constructors of SUPER.
CREATE OR REPLACE FUNCTION redshift.array(VARIADIC items "any") RETURNS super LANGUAGE internal STABLE AS 'json_build_array';
CREATE OR REPLACE FUNCTION redshift.array() RETURNS super LANGUAGE sql IMMUTABLE AS 'SELECT ''[]''::super';
