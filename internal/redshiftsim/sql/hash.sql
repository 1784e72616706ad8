-- FNV_HASH with its true values: FNV-1a of 64 bits. Integers are hashed in their bytes, lowest first, texts in theirs;
-- the documented values are those. Every other type is hashed as its text: what Redshift's bytes are is not documented.
-- NULL hashes to NULL; what Redshift does with it is not documented either.
--
-- A product of 64 bits overflows bigint, so the state is two halves of 32 bits. The prime is 2^40 + 435.

CREATE OR REPLACE FUNCTION redshift.fnv_integer(value bigint, width int, seed bigint)
RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
	high bigint := (seed >> 32) & 4294967295;
	low bigint := seed & 4294967295;
	bits int := 0;
BEGIN
	WHILE bits < width LOOP
		low := low # ((value >> bits) & 255);
		high := (high * 435 + (low << 8) + ((low * 435) >> 32)) & 4294967295;
		low := (low * 435) & 4294967295;
		bits := bits + 8;
	END LOOP;
	RETURN (high << 32) | low;
END
$$;

CREATE OR REPLACE FUNCTION redshift.fnv_bytes(value bytea, seed bigint)
RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
	high bigint := (seed >> 32) & 4294967295;
	low bigint := seed & 4294967295;
BEGIN
	FOR i IN 0 .. length(value) - 1 LOOP
		low := low # get_byte(value, i);
		high := (high * 435 + (low << 8) + ((low * 435) >> 32)) & 4294967295;
		low := (low * 435) & 4294967295;
	END LOOP;
	RETURN (high << 32) | low;
END
$$;

CREATE OR REPLACE FUNCTION pg_catalog.fnv_hash(value smallint, seed bigint DEFAULT -3750763034362895579)
RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT redshift.fnv_integer(value, 16, seed)';
CREATE OR REPLACE FUNCTION pg_catalog.fnv_hash(value int, seed bigint DEFAULT -3750763034362895579)
RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT redshift.fnv_integer(value, 32, seed)';
CREATE OR REPLACE FUNCTION pg_catalog.fnv_hash(value bigint, seed bigint DEFAULT -3750763034362895579)
RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT redshift.fnv_integer(value, 64, seed)';
CREATE OR REPLACE FUNCTION pg_catalog.fnv_hash(value text, seed bigint DEFAULT -3750763034362895579)
RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT redshift.fnv_bytes(pg_catalog.textsend(value), seed)';
-- The blanks of a CHAR count.
CREATE OR REPLACE FUNCTION pg_catalog.fnv_hash(value bpchar, seed bigint DEFAULT -3750763034362895579)
RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT redshift.fnv_bytes(pg_catalog.bpcharsend(value), seed)';
CREATE OR REPLACE FUNCTION pg_catalog.fnv_hash(value anyelement, seed bigint DEFAULT -3750763034362895579)
RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT redshift.fnv_bytes(pg_catalog.textsend(value::text), seed)';
