-- EXPLAIN with the nodes of Redshift, made of the engine's own plan. A cluster has no indexes, so the engine uses none
-- for this plan, nor does it sort to join or keep what it has read.

CREATE OR REPLACE FUNCTION redshift.join_word(node jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE node ->> 'Join Type'
		WHEN 'Inner' THEN '' WHEN 'Semi' THEN 'IN ' WHEN 'Anti' THEN 'NOT IN ' ELSE (node ->> 'Join Type') || ' ' END
$$;

CREATE OR REPLACE FUNCTION redshift.plan_list(items jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT pg_catalog.string_agg(item, ', ' ORDER BY n) FROM pg_catalog.jsonb_array_elements_text(items) WITH ORDINALITY AS i (item, n)
$$;

-- The steps by the engine's name, where the name is not that of Redshift.
CREATE OR REPLACE FUNCTION redshift.plan_step(node jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE node ->> 'Node Type'
		WHEN 'Seq Scan' THEN 'Seq Scan on ' || pg_catalog.quote_ident(node ->> 'Relation Name')
			|| CASE WHEN node ->> 'Alias' <> node ->> 'Relation Name'
				THEN ' ' || pg_catalog.quote_ident(node ->> 'Alias') ELSE '' END
		-- What is used twice is kept in a table of the session.
		WHEN 'CTE Scan' THEN 'Seq Scan on volt_tt_' || pg_catalog.md5(node ->> 'CTE Name') || ' '
			|| pg_catalog.quote_ident(node ->> 'Alias')
		WHEN 'Subquery Scan' THEN 'Subquery Scan ' || pg_catalog.quote_ident(node ->> 'Alias')
		WHEN 'Function Scan' THEN 'Function Scan on ' || (node ->> 'Function Name') || ' '
			|| pg_catalog.quote_ident(node ->> 'Alias')
		WHEN 'Aggregate' THEN CASE node ->> 'Strategy'
			WHEN 'Hashed' THEN 'HashAggregate' WHEN 'Sorted' THEN 'GroupAggregate' ELSE 'Aggregate' END
		WHEN 'Hash Join' THEN 'Hash ' || redshift.join_word(node) || 'Join DS_DIST_NONE'
		WHEN 'Nested Loop' THEN 'Nested Loop ' || pg_catalog.replace(redshift.join_word(node) || 'Join ', 'Join ',
			CASE redshift.join_word(node) WHEN '' THEN '' ELSE 'Join ' END) || 'DS_BCAST_INNER'
		WHEN 'WindowAgg' THEN 'Window'
		WHEN 'ProjectSet' THEN 'Result'
		WHEN 'SetOp' THEN CASE node ->> 'Strategy' WHEN 'Hashed' THEN 'HashSetOp ' ELSE 'SetOp ' END || (node ->> 'Command')
		ELSE node ->> 'Node Type'
	END
$$;

-- The lines of a node and of those below it. Each level is indented by six more blanks behind an arrow by two.
CREATE OR REPLACE FUNCTION redshift.plan_lines(node jsonb, margin int) RETURNS SETOF text LANGUAGE plpgsql STABLE AS $$
DECLARE
	arrow text := CASE margin WHEN 0 THEN '' ELSE repeat(' ', margin - 4) || '->  ' END;
	side text := repeat(' ', margin + 2);
	cost text := format('  (cost=%s..%s rows=%s width=%s)',
		node ->> 'Startup Cost', node ->> 'Total Cost', node ->> 'Plan Rows', node ->> 'Plan Width');
	prefix text := CASE WHEN node ->> 'Schema' IN ('pg_catalog', 'information_schema') THEN 'LD ' ELSE 'XN ' END;
	child jsonb;
BEGIN
	IF node ->> 'Node Type' = 'Sort' THEN -- every slice sorts what it has, the leader merges
		RETURN NEXT arrow || 'XN Merge' || cost;
		RETURN NEXT side || 'Merge Key: ' || redshift.plan_list(node -> 'Sort Key');
		RETURN NEXT side || '->  XN Network' || cost;
		RETURN NEXT side || '      Send to leader';
		RETURN NEXT side || '      ->  XN Sort' || cost;
		side := side || repeat(' ', 12);
		RETURN NEXT side || 'Sort Key: ' || redshift.plan_list(node -> 'Sort Key');
		margin := margin + 12;
	ELSE
		RETURN NEXT arrow || prefix || redshift.plan_step(node) || cost;
	END IF;
	RETURN QUERY
	SELECT side || d.word || ': ' || (node ->> d.word)
	FROM unnest(ARRAY['Hash Cond', 'Join Filter', 'Filter', 'One-Time Filter']) WITH ORDINALITY AS d (word, n)
	WHERE node ? d.word ORDER BY d.n;
	FOR child IN SELECT c FROM jsonb_array_elements(node -> 'Plans') WITH ORDINALITY AS p (c, n) ORDER BY n LOOP
		IF child ->> 'Parent Relationship' IN ('InitPlan', 'SubPlan') THEN
			RETURN NEXT side || (child ->> 'Parent Relationship');
			RETURN QUERY SELECT redshift.plan_lines(child, margin + 8);
		ELSE
			RETURN QUERY SELECT redshift.plan_lines(child, margin + 6);
		END IF;
	END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION redshift.explain(statement text) RETURNS TABLE ("QUERY PLAN" text) LANGUAGE plpgsql
SET enable_indexscan = off SET enable_indexonlyscan = off SET enable_bitmapscan = off SET enable_tidscan = off
SET enable_mergejoin = off SET enable_material = off SET enable_memoize = off SET enable_incremental_sort = off
SET max_parallel_workers_per_gather = 0
AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (VERBOSE, FORMAT json) ' || statement INTO plan;
	RETURN QUERY SELECT redshift.plan_lines((plan -> 0 -> 'Plan')::jsonb, 0);
END
$$;
