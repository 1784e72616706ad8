package redshiftsim

// commandRefusals are whole commands that Redshift does not have.
var commandRefusals = []Refusal{
	{
		Name: "SAVEPOINT", Example: `SAVEPOINT s2`, Code: "0A000", Message: "SAVEPOINT is not supported",
		Source: "1d", Believed: true, match: starts(unsupported("SAVEPOINT is not supported"), "savepoint"),
	},
	{
		Name: "ROLLBACK TO SAVEPOINT", Example: `ROLLBACK TO SAVEPOINT s2`, Code: "0A000",
		Message: "ROLLBACK TO SAVEPOINT is not supported", Source: "1d", Believed: true,
		match: starts(unsupported("ROLLBACK TO SAVEPOINT is not supported"), "rollback", "to"),
	},
	{
		Name: "RELEASE SAVEPOINT", Example: `RELEASE SAVEPOINT s2`, Code: "0A000",
		Message: "RELEASE SAVEPOINT is not supported", Source: "1d", Believed: true,
		match: starts(unsupported("RELEASE SAVEPOINT is not supported"), "release"),
	},
	{
		Name: "MOVE", Example: `MOVE BACKWARD ALL IN c1`, Code: "0A000", Message: "MOVE is not supported",
		Source: "1d", Believed: true, match: starts(unsupported("MOVE is not supported"), "move"),
	},
	{
		Name: "DISCARD", Example: `DISCARD ALL`, Code: "42601", Message: `syntax error at or near "DISCARD"`,
		Source: "1f", match: startsNear(0, "discard"),
	},
	{
		Name: "DEALLOCATE ALL", Example: `DEALLOCATE ALL`, Code: "42601", Message: `syntax error at or near "ALL"`,
		Source: "1f", match: startsNear(1, "deallocate", "all"),
	},
	{
		Name: "COPY of a query", Example: `COPY (SELECT 1) TO STDOUT`, Code: "42601",
		Message: `syntax error at or near "("`, Source: "4", match: startsNear(1, "copy", "("),
	},
	{
		Name: "COPY TO STDOUT", Example: `COPY tickit_example TO STDOUT`, Code: "42601",
		Message: `syntax error at or near "STDOUT"`, Source: "4", match: copyNear("stdout"),
	},
	{
		Name: "COPY FROM STDIN", Example: `COPY tickit_example FROM STDIN`, Code: "42601",
		Message: `syntax error at or near "STDIN"`, Source: "1f", Believed: true, match: copyNear("stdin"),
	},
	{
		Name: "EXPLAIN ANALYZE", Example: `EXPLAIN ANALYZE SELECT 1`, Code: "42601",
		Message: `syntax error at or near "ANALYZE"`, Source: "4", Believed: true,
		match: startsNear(1, "explain", "analyze"),
	},
	{
		Name: "EXPLAIN with options", Example: `EXPLAIN (FORMAT json) SELECT 1`, Code: "42601",
		Message: `syntax error at or near "("`, Source: "4", Believed: true, match: explainOptions,
	},
	{
		Name: "SHOW TABLES without a database", Example: `SHOW TABLES FROM SCHEMA public`, Code: "42601",
		Message: "syntax error at end of input", Source: "5", Believed: true, match: showTablesRefused,
	},
	{
		Name: "SHOW TABLES of another database", Example: `SHOW TABLES FROM SCHEMA nowhere.public`, Code: "3D000",
		Message: `database "nowhere" does not exist`, Source: "5", Believed: true,
	},
	{
		Name: "DO", Example: `DO $$ BEGIN END $$`, Code: "42601", Message: `syntax error at or near "DO"`,
		Source: "4", Believed: true, match: startsNear(0, "do"),
	},
	{
		Name: "VALUES as a command", Example: `VALUES (1), (2)`, Code: "42601",
		Message: `syntax error at or near "VALUES"`, Source: "4", Believed: true, match: startsNear(0, "values"),
	},
	{
		Name: "REFRESH CONCURRENTLY", Example: `REFRESH MATERIALIZED VIEW CONCURRENTLY v`, Code: "42601",
		Message: `syntax error at or near "CONCURRENTLY"`, Source: "4", Believed: true,
		match: startsNear(3, "refresh", "materialized", "view", "concurrently"),
	},
	{
		Name: "CREATE INDEX", Example: `CREATE INDEX i ON tickit_example (id)`, Code: "0A000",
		Message: `SQL command "CREATE INDEX i ON tickit_example (id)" not supported on Redshift tables.`,
		Source:  "4", Believed: true, match: createRefused,
	},
	{
		Name: "serial column", Example: `CREATE TEMP TABLE x (id serial, n int)`, Code: "0A000",
		Message: `Column "id" has unsupported type "serial".`, Source: "4", match: columnType,
	},
	{
		Name: "json column", Example: `CREATE TEMP TABLE x (id int, doc json)`, Code: "0A000",
		Message: `Column "doc" has unsupported type "json".`, Source: "4", match: columnType,
	},
}

// copyNear refuses COPY with a syntax error at the word that says where the rows go.
func copyNear(word string) func(*statement) *EngineError {
	return func(st *statement) *EngineError {
		if i := st.find(word); i > 0 && st.reads(0, "copy") {
			return st.nearToken(i)
		}
		return nil
	}
}

// explainOptions tells EXPLAIN (options) from EXPLAIN of a query in parentheses.
func explainOptions(st *statement) *EngineError {
	if st.reads(0, "explain", "(") && st.word(2) != "select" && st.word(2) != "with" && st.sign(2) != "(" {
		return st.nearToken(1)
	}
	return nil
}

// createRefused refuses what there is no Redshift object for.
func createRefused(st *statement) *EngineError {
	if st.word(0) != "create" {
		return nil
	}
	kind := 1
	if st.word(1) == "unique" || st.word(1) == "constraint" {
		kind = 2
	}
	switch st.word(kind) {
	case "index", "trigger", "sequence", "type", "domain", "extension", "rule", "operator", "aggregate", "cast",
		"tablespace", "server", "foreign", "unlogged", "collation", "publication", "subscription":
		e := unsupported(`SQL command "` + st.text() + `" not supported on Redshift tables.`)
		return &e
	}
	return nil
}

// missingTypes are types that no table can have.
var missingTypes = map[string]bool{
	"serial": true, "bigserial": true, "smallserial": true, "json": true, "jsonb": true, "uuid": true, "xml": true,
	"inet": true, "cidr": true, "macaddr": true, "macaddr8": true, "money": true, "bytea": true, "bit": true,
	"varbit": true, "int4range": true, "int8range": true, "numrange": true, "tsrange": true, "tstzrange": true,
	"daterange": true, "tsvector": true, "tsquery": true, "point": true, "line": true, "lseg": true, "box": true,
	"path": true, "polygon": true, "circle": true, "jsonpath": true,
}

// columnType refuses the definition of a column.
func columnType(st *statement) *EngineError {
	open := st.find("(")
	if st.word(0) != "create" || st.find("table") < 0 || st.find("table") > open {
		return nil
	}
	depth := 0
	for i := open; i < len(st.tokens); i++ {
		switch st.sign(i) {
		case "(":
			depth++
		case ")":
			depth--
		}
		starts := depth == 1 && (st.sign(i) == "(" || st.sign(i) == ",")
		if starts && st.isName(i+1) && missingTypes[st.word(i+2)] {
			e := unsupported(`Column "` + st.tokens[i+1].word + `" has unsupported type "` + st.word(i+2) + `".`)
			return &e
		}
	}
	return nil
}
