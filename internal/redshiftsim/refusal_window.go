package redshiftsim

import "slices"

// windowRefusals are what Redshift does not take in a window or between queries.
var windowRefusals = []Refusal{
	{
		Name: "aggregate with an ordered window and no frame", Example: `SELECT sum(id) OVER (ORDER BY id) FROM tickit_example`, Code: "42601",
		Message: "Aggregate window functions with an ORDER BY clause require a frame clause", Source: "4", Believed: true, match: windowFrame,
	},
	{
		Name: "RANGE in a window", Example: `SELECT sum(id) OVER (ORDER BY id RANGE UNBOUNDED PRECEDING) FROM tickit_example`, Code: "42601",
		Message: `syntax error at or near "RANGE"`, Source: "4", Believed: true, match: frameUnit,
	},
	{
		Name: "named window", Example: `SELECT rank() OVER w FROM tickit_example WINDOW w AS (ORDER BY id)`, Code: "42601",
		Message: `syntax error at or near "w"`, Source: "4", Believed: true, match: namedWindow,
	},
	{
		Name: "LIMIT within a set operation", Example: `(SELECT id FROM tickit_example LIMIT 1) UNION ALL SELECT 2`, Code: "0A000",
		Message: "LIMIT may not be used within input to set operations.", Source: "4", match: limitInSet,
	},
	{
		Name: "TOP within a set operation", Example: `SELECT 1 AS id UNION ALL SELECT TOP 1 id FROM tickit_example`, Code: "0A000",
		Message: "LIMIT may not be used within input to set operations.", Source: "4", Believed: true, match: topInSet,
	},
	{
		Name: "EXCEPT ALL", Example: `SELECT id FROM tickit_example EXCEPT ALL SELECT 1`, Code: "0A000",
		Message: "EXCEPT ALL is not supported", Source: "4", Believed: true, match: setAll("except"),
	},
	{
		Name: "INTERSECT ALL", Example: `SELECT id FROM tickit_example INTERSECT ALL SELECT 1`, Code: "0A000",
		Message: "INTERSECT ALL is not supported", Source: "4", Believed: true, match: setAll("intersect"),
	},
	{
		Name: "MINUS ALL", Example: `SELECT id FROM tickit_example MINUS ALL SELECT 1`, Code: "0A000",
		Message: "MINUS ALL is not supported", Source: "4", Believed: true, match: setAll("minus"),
	},
	{
		Name: "FETCH FIRST", Example: `SELECT id FROM tickit_example ORDER BY id FETCH FIRST 1 ROWS ONLY`, Code: "42601",
		Message: `syntax error at or near "FETCH"`, Source: "4", Believed: true, match: fetchFirst,
	},
}

// ranking are the window functions that have no frame.
var ranking = namesOf(`row_number rank dense_rank ntile percent_rank cume_dist lag lead ratio_to_report listagg median
	percentile_cont percentile_disc`)

// eachWindow calls visit for each OVER ( with the function before it, and the parenthesis.
func (st *statement) eachWindow(visit func(function string, open, closing int) *EngineError) *EngineError {
	for i := range st.tokens {
		open := i + 1
		if st.word(i) != "over" || st.sign(open) != "(" || st.closing(open) < 0 {
			continue
		}
		end := i - 1
		if st.word(end) == "nulls" {
			end -= 2 // IGNORE NULLS
		}
		call := end
		for call > 0 && st.closing(call) != end {
			call--
		}
		if e := visit(st.word(call-1), open, st.closing(open)); e != nil {
			return e
		}
	}
	return nil
}

func windowFrame(st *statement) *EngineError {
	return st.eachWindow(func(function string, open, closing int) *EngineError {
		ordered := st.search(open+1, closing-1, "order") < closing
		framed := st.search(open+1, closing-1, "rows", "range", "groups") < closing
		if function == "" || ranking[function] || !ordered || framed {
			return nil
		}
		return &EngineError{Code: "42601", Message: "Aggregate window functions with an ORDER BY clause require a frame clause"}
	})
}

func frameUnit(st *statement) *EngineError {
	return st.eachWindow(func(_ string, open, closing int) *EngineError {
		i := st.search(open+1, closing-1, "range", "groups")
		if i < closing && slices.Contains([]string{"unbounded", "between", "current"}, st.word(i+1)) {
			return st.nearToken(i)
		}
		return nil
	})
}

func namedWindow(st *statement) *EngineError {
	for i := range st.tokens {
		if st.word(i) == "over" && st.sign(i-1) == ")" && st.isName(i+1) {
			return st.nearToken(i + 1)
		}
	}
	return nil
}

// limitInSet looks at queries in parentheses that a set operator stands beside.
func limitInSet(st *statement) *EngineError {
	for i := range st.tokens {
		if st.sign(i) != "(" || st.word(i+1) != "select" && st.word(i+1) != "with" {
			continue
		}
		closing := st.closing(i)
		if closing < 0 {
			continue
		}
		before := st.isSetOperator(i-1) || st.word(i-1) == "all" && st.isSetOperator(i-2)
		if (before || st.isSetOperator(closing+1)) && st.search(i+1, closing-1, "limit") < closing {
			e := unsupported("LIMIT may not be used within input to set operations.")
			return &e
		}
	}
	return nil
}

func topInSet(st *statement) *EngineError {
	for i := range st.tokens {
		kind, ok := st.kind(i + 1)
		if st.word(i) != "top" || st.word(i-1) != "select" || !ok || kind != numberToken {
			continue
		}
		if b, found := st.branchOf(i); found && b.several {
			e := unsupported("LIMIT may not be used within input to set operations.")
			return &e
		}
	}
	return nil
}

func setAll(operator string) func(*statement) *EngineError {
	return func(st *statement) *EngineError {
		if i := st.find(operator, "all"); i > 0 && st.isSetOperator(i) {
			e := unsupported(st.original(i) + " ALL is not supported")
			return &e
		}
		return nil
	}
}

func fetchFirst(st *statement) *EngineError {
	for i := 1; i < len(st.tokens); i++ {
		if st.word(i) == "fetch" && (st.word(i+1) == "first" || st.word(i+1) == "next") && st.word(0) != "fetch" {
			return st.nearToken(i)
		}
	}
	return nil
}
