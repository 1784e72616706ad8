package redshiftsim

import "strings"

// queryRefusals are parts of queries that Redshift does not know.
var queryRefusals = []Refusal{
	{
		Name: "E literal", Example: `SELECT E'a'`, Code: "42704", Message: `type "e" does not exist`,
		Source: "1a", match: escapeLiteral,
	},
	{
		Name:    "WITH RECURSIVE in a subquery",
		Example: `SELECT n FROM (WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT n FROM r) q`,
		Code:    "0A000", Message: "Recursive CTE in subquery are not supported.", Source: "13", match: nestedRecursion,
	},
	{
		Name:    "WITH RECURSIVE in a WITH query",
		Example: `WITH a AS (WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT n FROM r) SELECT n FROM a`,
		Code:    "0A000", Message: "Recursive CTE in subquery are not supported.", Source: "13",
	},
	{
		Name:    "WITH RECURSIVE without columns",
		Example: `WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT n FROM r`,
		Code:    "42601", Message: `Recursive CTE "r" must have a column list`, Source: "13", Believed: true, match: recursionColumns,
	},
	{
		Name:    "WITH RECURSIVE with UNION",
		Example: `WITH RECURSIVE r (n) AS (SELECT 1 UNION SELECT n + 1 FROM r WHERE n < 3) SELECT n FROM r`,
		Code:    "0A000", Message: `Recursive CTE "r" must be a UNION ALL of two queries`, Source: "13", Believed: true,
	},
	{
		Name: "function of a bare literal", Example: `SELECT replace(x, 'a', 'b') FROM (SELECT 'a' AS x) q`, Code: "XX000",
		Message: unknownMessage, Source: "13",
	},
	{
		Name: "comparison of bare literals", Example: `SELECT x FROM (SELECT 'a' AS x, 'b' AS y) q WHERE x <> y`, Code: "XX000",
		Message: unknownMessage, Source: "13",
	},
	{
		Name: "comparison with a bare literal", Example: `SELECT x FROM (SELECT 'a' AS x) q WHERE x = 'a'`, Code: "XX000",
		Message: unknownMessage, Source: "13", Believed: true,
	},
	{
		Name: "group of a bare literal", Example: `SELECT x FROM (SELECT 'a' AS x) q GROUP BY x`, Code: "XX000",
		Message: unknownMessage, Source: "13", Believed: true,
	},
	{
		Name: "aggregate of a bare NULL", Example: `SELECT min(x) FROM (SELECT NULL AS x, id FROM tickit_example) q`, Code: "XX000",
		Message: unknownMessage, Source: "13",
	},
	{
		Name: "default for a bare NULL", Example: `SELECT coalesce(x, 'none') FROM (SELECT NULL AS x) q`, Code: "XX000",
		Message: unknownMessage, Source: "13", Believed: true,
	},
	{
		Name: "cast of a bare literal", Example: `SELECT x::text FROM (SELECT 'a' AS x) q`, Code: "XX000",
		Message: unknownMessage, Source: "13", Believed: true,
	},
	{
		Name: "DISTINCT ON", Example: `SELECT DISTINCT ON (id) id, name FROM tickit_example`, Code: "0A000",
		Message: "SELECT DISTINCT ON is not supported", Source: "4", match: distinctOn,
	},
	{
		Name: "FILTER", Example: `SELECT count(*) FILTER (WHERE id > 1) FROM tickit_example`, Code: "42601",
		Message: `syntax error at or near "("`, Source: "4", match: near(2, ")", "filter", "("),
	},
	{
		Name: "ON CONFLICT", Example: `INSERT INTO tickit_example VALUES (1, 'a') ON CONFLICT DO NOTHING`, Code: "42601",
		Message: `syntax error at or near "ON"`, Source: "4", Believed: true, match: near(0, "on", "conflict"),
	},
	{
		Name: "RETURNING", Example: `DELETE FROM tickit_example RETURNING id`, Code: "42601",
		Message: `syntax error at or near "RETURNING"`, Source: "4", Believed: true, match: returning,
	},
	{
		Name: "IS DISTINCT FROM", Example: `SELECT 1 WHERE 1 IS NOT DISTINCT FROM 2`, Code: "0A000",
		Message: "IS DISTINCT FROM is not supported", Source: "4", Believed: true, match: isDistinctFrom,
	},
	{
		Name: "LATERAL", Example: `SELECT 1 FROM tickit_example t, LATERAL (SELECT t.id) q`, Code: "42601",
		Message: `syntax error at or near "LATERAL"`, Source: "4", Believed: true, match: near(0, "lateral", "("),
	},
	{
		Name: "TABLESAMPLE", Example: `SELECT id FROM tickit_example TABLESAMPLE system (10)`, Code: "42601",
		Message: `syntax error at or near "TABLESAMPLE"`, Source: "4", Believed: true, match: tableSample,
	},
	{
		Name: "VALUES as a table", Example: `SELECT a FROM (VALUES (1), (2)) AS v(a)`, Code: "42601",
		Message: `syntax error at or near "VALUES"`, Source: "4", Believed: true, match: near(1, "(", "values"),
	},
	{
		Name: "WITH ORDINALITY", Example: `SELECT 1 FROM generate_series(1, 2) WITH ORDINALITY`, Code: "42601",
		Message: `syntax error at or near "ORDINALITY"`, Source: "4", Believed: true,
		match: near(1, "with", "ordinality"),
	},
	{
		Name: "ARRAY constructor", Example: `SELECT ARRAY[1, 2]`, Code: "0A000",
		Message: "ARRAY constructors are not supported", Source: "4", Believed: true, match: arrayConstructor,
	},
	{
		Name: "ANY of an array", Example: `SELECT id FROM tickit_example WHERE id = ANY ('{1,2}')`, Code: "0A000",
		Message: "op ANY/ALL (array) is not supported", Source: "4", Believed: true, match: anyOfArray,
	},
	{
		Name: "array type", Example: `SELECT '{1}'::int[]`, Code: "42601", Message: `syntax error at or near "["`,
		Source: "4", Believed: true, match: near(0, "[", "]"),
	},
	{
		Name: "subscript of a string", Example: `SELECT name[1] FROM tickit_example`, Code: "42804",
		Message: "cannot subscript type character varying because it does not support subscripting", Source: "4",
		Believed: true,
	},
	{
		Name: "ROW constructor", Example: `SELECT ROW(1, 2)`, Code: "0A000",
		Message: "ROW constructors are not supported", Source: "4", Believed: true, match: rowConstructor,
	},
	{
		Name: "system column", Example: `SELECT xmin FROM tickit_example`, Code: "42703",
		Message: `column "xmin" does not exist`, Source: "4", Believed: true, match: systemColumn,
	},
	{
		Name: "system column of an alias", Example: `SELECT t.ctid FROM tickit_example t`, Code: "42703",
		Message: `column t.ctid does not exist`, Source: "4", Believed: true, match: systemColumn,
	},
	{
		Name: "SUBSTR", Example: `SELECT substr(name, 1) FROM tickit_example`, Code: "0A000",
		Message: "SUBSTR() function is not supported (Hint: use SUBSTRING instead)", Source: "4", match: substr,
	},
	{
		Name: "leader function next to a table", Example: `SELECT current_schema(), id FROM tickit_example`,
		Code: "0A000", Message: mixedMessage, Source: "4", match: mixed,
	},
	{
		Name: "catalog next to a table", Example: `SELECT 1 FROM tickit_example t JOIN pg_class c ON c.relname = t.name`,
		Code: "0A000", Message: mixedMessage, Source: "4", Believed: true, match: catalogNextToTable,
	},
	{
		Name: "system view next to a catalog", Example: `SELECT 1 FROM svv_table_info i, pg_catalog.pg_class c WHERE c.oid = i.table_id`,
		Code: "0A000", Message: mixedMessage, Source: "5", Believed: true,
	},
	{
		Name: "now() next to a table", Example: `SELECT id FROM tickit_example WHERE now() > '2020-01-01'`,
		Code: "0A000", Message: mixedMessage, Source: "4", match: mixed,
	},
	{
		Name: "generate_series next to a table", Example: `SELECT id FROM tickit_example, generate_series(1, 3)`,
		Code: "0A000", Message: mixedMessage, Source: "4", match: mixed,
	},
}

func escapeLiteral(st *statement) *EngineError {
	for i := range st.tokens {
		kind, ok := st.kind(i + 1)
		if ok && kind == stringToken && st.tokens[i].end == st.tokens[i+1].start && st.word(i) == "e" {
			return &EngineError{Code: "42704", Message: `type "e" does not exist`}
		}
	}
	return nil
}

func distinctOn(st *statement) *EngineError {
	if i := st.find("distinct", "on", "("); i > 0 && st.word(i-1) == "select" {
		e := unsupported("SELECT DISTINCT ON is not supported")
		return &e
	}
	return nil
}

func returning(st *statement) *EngineError {
	switch st.word(0) {
	case "insert", "update", "delete":
		return near(0, "returning")(st)
	}
	return nil
}

func isDistinctFrom(st *statement) *EngineError {
	if st.find("is", "distinct", "from") >= 0 || st.find("is", "not", "distinct", "from") >= 0 {
		e := unsupported("IS DISTINCT FROM is not supported")
		return &e
	}
	return nil
}

func tableSample(st *statement) *EngineError {
	if i := st.find("tablesample"); i > 0 && st.isName(i+1) && st.sign(i+2) == "(" {
		return st.nearToken(i)
	}
	return nil
}

func arrayConstructor(st *statement) *EngineError {
	if st.find("array", "[") >= 0 {
		e := unsupported("ARRAY constructors are not supported")
		return &e
	}
	return nil
}

func anyOfArray(st *statement) *EngineError {
	for i := range st.tokens {
		quantifier := st.word(i) == "any" || st.word(i) == "some" || st.word(i) == "all"
		if !quantifier || st.sign(i+1) != "(" || strings.Trim(st.sign(i-1), "=<>!~*") != "" || st.sign(i-1) == "" {
			continue
		}
		if st.word(i+2) != "select" && st.word(i+2) != "with" && st.sign(i+2) != "(" {
			e := unsupported("op ANY/ALL (array) is not supported")
			return &e
		}
	}
	return nil
}

func rowConstructor(st *statement) *EngineError {
	if i := st.find("row", "("); i >= 0 && st.sign(i-1) != "." {
		e := unsupported("ROW constructors are not supported")
		return &e
	}
	return nil
}

func systemColumn(st *statement) *EngineError {
	if len(st.tables) == 0 {
		return nil // catalogs on the leader have them
	}
	for i := range st.tokens {
		switch st.word(i) {
		case "xmin", "xmax", "cmin", "cmax", "ctid", "tableoid":
		default:
			continue
		}
		switch {
		case st.word(i-1) == "as" || st.sign(i+1) == "(":
		case st.sign(i-1) == "." && st.isName(i-2):
			return &EngineError{
				Code: "42703", Message: "column " + st.tokens[i-2].word + "." + st.word(i) + " does not exist",
			}
		default:
			return &EngineError{Code: "42703", Message: `column "` + st.word(i) + `" does not exist`}
		}
	}
	return nil
}

func substr(st *statement) *EngineError {
	for i := range st.tokens {
		if st.word(i) == "substr" && st.calls(i) && len(st.tables) > 0 {
			e := unsupported("SUBSTR() function is not supported (Hint: use SUBSTRING instead)")
			return &e
		}
	}
	return nil
}

// catalogNextToTable refuses to join what the leader has with what the compute nodes have.
func catalogNextToTable(st *statement) *EngineError {
	leader, compute := false, len(st.tables) > 0 && st.tables[0] != ""
	for _, name := range st.catalogs {
		name = strings.TrimPrefix(name, "pg_catalog.")
		compute = compute || strings.HasPrefix(name, "svv_table_info") || strings.HasPrefix(name, "stv_") || strings.HasPrefix(name, "stl_")
		leader = leader || strings.HasPrefix(name, "pg_") || strings.HasPrefix(name, "information_schema.")
	}
	if !leader || !compute {
		return nil
	}
	e := unsupported(mixedMessage)
	return &e
}

const mixedMessage = "Specified types or functions (one per INFO message) not supported on Redshift tables."

// leaderFunctions run on the leader only; the value says whether they are written without parentheses.
var leaderFunctions = map[string]bool{
	"current_schema": false, "current_schemas": false, "has_database_privilege": false, "has_schema_privilege": false,
	"has_table_privilege": false, "version": false, "age": false, "now": false, "isfinite": false, "getbit": false,
	"to_ascii": false, "generate_series": false,
	"current_time": true, "current_timestamp": true, "localtime": true, "localtimestamp": true,
}

// mixed refuses functions of the leader in a statement that the compute nodes must run.
func mixed(st *statement) *EngineError {
	if len(st.tables) == 0 {
		return nil
	}
	var infos []string
	for i := range st.tokens {
		bare, leader := leaderFunctions[st.word(i)]
		named := bare && st.sign(i-1) != "." && st.word(i-1) != "as" && st.sign(i+1) != "."
		if leader && (named || st.calls(i)) {
			infos = append(infos, `Function "`+st.word(i)+`()" not supported.`)
		}
	}
	if infos == nil {
		return nil
	}
	return &EngineError{Code: "0A000", Message: mixedMessage, Infos: infos}
}
