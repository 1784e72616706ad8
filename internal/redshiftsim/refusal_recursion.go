package redshiftsim

// nestedRecursion refuses WITH RECURSIVE in any parenthesis but the one that CREATE TABLE AS may put around its query,
// which clusters are seen to take.
func nestedRecursion(st *statement) *EngineError {
	for i := range st.tokens {
		if !st.reads(i, "with", "recursive") {
			continue
		}
		first, _ := st.around(i)
		if first > 0 && !(st.word(0) == "create" && first == i && st.word(i-2) == "as") {
			e := unsupported("Recursive CTE in subquery are not supported.")
			return &e
		}
	}
	return nil
}

// recursionColumns looks at each query of WITH RECURSIVE that reads itself: it needs a list of columns, and UNION ALL.
func recursionColumns(st *statement) *EngineError {
	at := st.find("with", "recursive")
	for i := at + 2; at >= 0 && st.isName(i); {
		name, columns := st.tokens[i].word, false
		if i++; st.sign(i) == "(" {
			columns, i = true, st.closing(i)+1
		}
		closing := st.closing(i + 1)
		if st.word(i) != "as" || closing < 0 {
			return nil
		}
		if recursive, all := st.recurs(name, i+2, closing-1); recursive && !columns {
			return &EngineError{Code: "42601", Message: `Recursive CTE "` + name + `" must have a column list`}
		} else if recursive && !all {
			e := unsupported(`Recursive CTE "` + name + `" must be a UNION ALL of two queries`)
			return &e
		}
		if i = closing + 1; st.sign(i) != "," {
			return nil
		}
		i++
	}
	return nil
}

// recurs tells whether a query reads the name that it has, and whether it is a UNION ALL.
func (st *statement) recurs(name string, from, to int) (recursive, all bool) {
	for i := from; i <= to; i++ {
		before := st.word(i-1) == "from" || st.word(i-1) == "join" || st.sign(i-1) == ","
		recursive = recursive || before && st.isName(i) && st.tokens[i].word == name && st.sign(i+1) != "."
		all = all || st.reads(i, "union", "all")
	}
	return recursive, all
}
