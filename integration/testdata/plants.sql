-- What an unprivileged login plants wherever it may create: in a schema of its own, which the role of the cache has first
-- in its search_path, and in the schema of dblink. Whatever is executed says so in the server's log, where no rollback
-- reaches. All is made from the system's catalogs, so that a new name in our SQL needs no new plant. Casts between the
-- types of others cannot be made, and a session's temporary schema is its own.
SET check_function_bodies = off;
CREATE FUNCTION evil.planted(what text) RETURNS boolean LANGUAGE plpgsql AS
    'BEGIN RAISE LOG ''planted % ran as %'', what, current_user; RAISE EXCEPTION ''planted % ran'', what; END';

-- plant makes a function, if its types allow it.
CREATE FUNCTION evil.plant(name text, arguments text, result text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE pg_catalog.format('CREATE FUNCTION %s(%s) RETURNS %s LANGUAGE plpgsql AS %L', name, arguments, result,
        pg_catalog.format('BEGIN PERFORM evil.planted(%L); END', name || '(' || arguments || ')'));
EXCEPTION WHEN OTHERS THEN NULL;
END $$;

-- Every function of the system, and those of few arguments that take any number of any type.
SELECT pg_catalog.count(evil.plant(pg_catalog.format('evil.%I', p.proname),
    pg_catalog.array_to_string(ARRAY(
        SELECT pg_catalog.format_type(a.type, NULL) FROM pg_catalog.unnest(p.proargtypes) WITH ORDINALITY a (type, place)
        ORDER BY a.place), ', '),
    CASE WHEN p.proretset THEN 'SETOF ' ELSE '' END || pg_catalog.format_type(p.prorettype, NULL))::text)
FROM pg_catalog.pg_proc p
WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind IN ('f', 'w') AND p.provariadic <> '"any"'::regtype;
SELECT pg_catalog.count(evil.plant(pg_catalog.format('evil.%I', p.proname),
    pg_catalog.array_to_string(pg_catalog.array_fill(t.type, ARRAY[n.number]), ', '),
    pg_catalog.format_type(p.prorettype, NULL))::text)
FROM pg_catalog.pg_proc p, pg_catalog.generate_series(1, 4) n (number), (VALUES ('text'::text), ('integer')) t (type)
WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.provariadic = '"any"'::regtype;

DO $$
DECLARE
    o record;
BEGIN
    -- Every operator.
    FOR o IN
        SELECT oprname AS name, nullif(oprleft, 0)::regtype AS l, nullif(oprright, 0)::regtype AS r, oprresult::regtype AS result, oid
        FROM pg_catalog.pg_operator WHERE oprnamespace = 'pg_catalog'::regnamespace
    LOOP
        PERFORM evil.plant('evil.operator_' || o.oid, pg_catalog.concat_ws(', ', o.l, o.r), o.result::text);
        BEGIN
            EXECUTE pg_catalog.format('CREATE OPERATOR evil.%s (FUNCTION = evil.operator_%s%s%s)', o.name, o.oid,
                ', LEFTARG = ' || o.l, ', RIGHTARG = ' || o.r);
        EXCEPTION WHEN OTHERS THEN NULL;
        END;
    END LOOP;
    -- Every aggregate.
    FOR o IN
        SELECT p.oid, p.proname AS name, pg_catalog.pg_get_function_identity_arguments(p.oid) AS arguments
        FROM pg_catalog.pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'a'
    LOOP
        BEGIN
            PERFORM evil.plant('evil.aggregate_' || o.oid, pg_catalog.concat_ws(', ', 'bigint', nullif(o.arguments, '')), 'bigint');
            EXECUTE pg_catalog.format('CREATE AGGREGATE evil.%I(%s) (SFUNC = evil.aggregate_%s, STYPE = bigint, INITCOND = ''0'')',
                o.name, CASE o.arguments WHEN '' THEN '*' ELSE o.arguments END, o.oid);
        EXCEPTION WHEN OTHERS THEN NULL;
        END;
    END LOOP;
    -- Every relation of the system's catalogs.
    FOR o IN
        SELECT relname AS name FROM pg_catalog.pg_class WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind IN ('r', 'v')
    LOOP
        BEGIN
            EXECUTE pg_catalog.format('CREATE VIEW evil.%I AS SELECT * FROM pg_catalog.%I WHERE evil.planted(%L)', o.name, o.name,
                'view ' || o.name);
        EXCEPTION WHEN OTHERS THEN NULL;
        END;
    END LOOP;
    -- A domain under the name of every type.
    FOR o IN
        SELECT t.typname AS name FROM pg_catalog.pg_type t
        WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.typtype = 'b' AND t.typcategory <> 'A'
    LOOP
        BEGIN
            EXECUTE pg_catalog.format('CREATE DOMAIN evil.%I AS pg_catalog.%I CHECK (evil.planted(%L))', o.name, o.name,
                'type ' || o.name);
        EXCEPTION WHEN OTHERS THEN NULL;
        END;
    END LOOP;
END $$;

-- In the schema of the extensions, each of their functions once more for all types that a text may be taken for.
WITH RECURSIVE original AS (
    SELECT n.nspname AS schema, p.proname AS name, p.prorettype AS result, p.proretset AS rows,
           ARRAY(SELECT pg_catalog.format_type(a, NULL) FROM pg_catalog.unnest(p.proargtypes) a) AS arguments
    FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_extension e ON d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.refobjid = e.oid
    JOIN pg_catalog.pg_proc p ON d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE e.extname IN ('dblink', 'postgres_fdw')
), variant AS (
    SELECT o.schema, o.name, o.result, o.rows, o.arguments, 1 AS place, ARRAY[]::text[] AS chosen FROM original o
    UNION ALL
    SELECT v.schema, v.name, v.result, v.rows, v.arguments, v.place + 1, v.chosen || t.type
    FROM variant v
    CROSS JOIN LATERAL (
        SELECT v.arguments[v.place]
        UNION SELECT pg_catalog.unnest(ARRAY['name', 'character varying', 'character', '"char"', 'anyelement', 'anynonarray'])
        WHERE v.arguments[v.place] = 'text'
    ) t (type)
    WHERE v.place <= pg_catalog.cardinality(v.arguments)
)
SELECT pg_catalog.count(evil.plant(pg_catalog.format('%I.%I', v.schema, v.name), pg_catalog.array_to_string(v.chosen, ', '),
    CASE WHEN v.rows THEN 'SETOF ' ELSE '' END || pg_catalog.format_type(v.result, NULL))::text)
FROM variant v
WHERE pg_catalog.cardinality(v.chosen) = pg_catalog.cardinality(v.arguments) AND pg_catalog.cardinality(v.arguments) BETWEEN 1 AND 3;
SELECT pg_catalog.count(evil.plant('public.' || name, 'VARIADIC text[]', 'text')::text)
FROM (VALUES ('dblink_connect'), ('dblink_disconnect'), ('dblink_exec'), ('dblink_get_connections')) v (name);
GRANT USAGE ON SCHEMA evil TO PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA evil TO PUBLIC;
