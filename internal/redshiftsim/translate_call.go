package redshiftsim

import "strings"

// replaceCall puts text for a call.
func (st *statement) replaceCall(i int, text string) {
	from := i
	if st.sign(i-1) == "." {
		from = i - 2
	}
	st.replace(from, st.closing(i+1), text)
}

// translateDecode turns DECODE(value, search, result, …, default) into CASE. NULL equals NULL in it.
func translateDecode(st *statement) bool {
	i := st.lastCall("decode", func(i int) bool { return len(st.arguments(i+1)) > 2 })
	if i < 0 {
		return false
	}
	args := st.arguments(i + 1)
	var text strings.Builder
	text.WriteString("CASE")
	n := 1
	for ; n+1 < len(args); n += 2 {
		text.WriteString(" WHEN (" + args[0] + ") IS NOT DISTINCT FROM (" + args[n] + ") THEN " + args[n+1])
	}
	if n < len(args) {
		text.WriteString(" ELSE " + args[n])
	}
	st.replaceCall(i, text.String()+" END")
	return true
}

func translateNvl2(st *statement) bool {
	i := st.lastCall("nvl2", func(i int) bool { return len(st.arguments(i+1)) == 3 })
	if i < 0 {
		return false
	}
	args := st.arguments(i + 1)
	st.replaceCall(i, "CASE WHEN ("+args[0]+") IS NOT NULL THEN "+args[1]+" ELSE "+args[2]+" END")
	return true
}

// translateConvert turns CONVERT(type, value) into a cast.
func translateConvert(st *statement) bool {
	i := st.lastCall("convert", func(i int) bool { return len(st.arguments(i+1)) == 2 && st.word(i+2) != "" })
	if i < 0 {
		return false
	}
	args := st.arguments(i + 1)
	st.replaceCall(i, "CAST("+args[1]+" AS "+args[0]+")")
	return true
}

// translateTryCast lets a function of the engine try.
func translateTryCast(st *statement) bool {
	i := st.lastCall("try_cast", nil)
	if i < 0 {
		return false
	}
	closing := st.closing(i + 1)
	as := st.search(i+2, closing-1, "as")
	if as >= closing-1 {
		return false
	}
	st.replaceCall(i, "redshift.try_cast(("+st.source(i+2, as-1)+")::text, NULL::"+st.source(as+1, closing-1)+")")
	return true
}

// translateConcat lets the engine miss CONCAT of more than two, and be strict about NULL.
func translateConcat(st *statement) bool { return st.rename("concat", "redshift.concat") }

// translateJSONPath takes the flag at the end of JSON_EXTRACT_PATH_TEXT.
func translateJSONPath(st *statement) bool {
	i := st.lastCall("json_extract_path_text", func(i int) bool {
		last := st.closing(i+1) - 1
		return (st.word(last) == "true" || st.word(last) == "false") && st.sign(last-1) == ","
	})
	if i < 0 {
		return false
	}
	args := st.arguments(i + 1)
	last := len(args) - 1
	order := append([]string{args[0], args[last]}, args[1:last]...)
	st.replaceCall(i, "redshift.json_path_or_null("+strings.Join(order, ", ")+")")
	return true
}

func (st *statement) rename(name, to string) bool {
	i := st.lastCall(name, nil)
	if i < 0 {
		return false
	}
	st.replace(i, i, to)
	if st.sign(i-1) == "." {
		st.replace(i-2, i-1, "")
	}
	return true
}

// translateArray tells the constructor of a SUPER from the engine's ARRAY of a subquery.
func translateArray(st *statement) bool {
	i := st.lastCall("array", func(i int) bool { return st.word(i+2) != "select" && st.word(i+2) != "with" })
	if i < 0 {
		return false
	}
	st.replace(i, i, "redshift.array")
	return true
}

// ignoring are aggregates that do what the window functions do with IGNORE NULLS.
var ignoring = map[string]string{"first_value": "redshift.first_value_ignoring", "last_value": "redshift.last_value_ignoring"}

// ignoringAround are those that do it for the rows before or behind: the frame makes the difference.
var ignoringAround = map[string]struct{ function, frame string }{
	"lag":  {"redshift.last_value_ignoring", " ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"},
	"lead": {"redshift.first_value_ignoring", " ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING"},
}

// translateIgnoreNulls does FIRST_VALUE, LAST_VALUE, and LAG and LEAD by one row; see [lacks] for the rest.
func translateIgnoreNulls(st *statement) bool {
	for i := len(st.tokens) - 1; i > 0; i-- {
		if st.reads(i, "respect", "nulls") && (st.sign(i+2) == ")" || st.word(i+2) == "over") {
			st.replace(i, i+1, "")
			return true
		}
		if !st.reads(i, "ignore", "nulls") {
			continue
		}
		call, closing, ok := st.ignoredIn(i)
		if !ok {
			continue
		}
		function := ignoring[st.word(call)]
		if around, known := ignoringAround[st.word(call)]; known {
			function = around.function
			over := st.closing(closing)
			if over < 0 {
				return false
			}
			st.insert(over, around.frame)
			if end := i - 1; st.sign(end) == ")" && st.sign(end-2) == "," {
				st.replace(end-2, end-1, "") // by one row
			}
		}
		st.replace(call, call, function)
		st.replace(i, i+1, "")
		return true
	}
	return false
}

// ignoredIn finds the call that IGNORE NULLS at i belongs to, inside its parenthesis or behind, and the parenthesis
// behind OVER.
func (st *statement) ignoredIn(i int) (call, over int, ok bool) {
	open, closing := 0, i-1
	if st.sign(i+2) == ")" {
		first, _ := st.around(i)
		open, closing = first-1, i+2
	} else {
		for open = i - 1; open > 0 && st.closing(open) != i-1; open-- {
		}
	}
	over = closing + 2
	if st.sign(i+2) != ")" {
		over = i + 3
	}
	call = open - 1
	_, own := ignoring[st.word(call)]
	_, around := ignoringAround[st.word(call)]
	single := len(st.parts(open+1, closing-1)) == 1 || st.sign(closing-2) == "," && st.original(closing-1) == "1"
	return call, over, st.sign(open) == "(" && st.word(over-1) == "over" && (own || around && single)
}

// translatePercentile turns PERCENTILE_CONT(f) WITHIN GROUP (ORDER BY x) and MEDIAN(x) into functions of all values, which
// can have a window, and the types that Redshift gives them.
func translatePercentile(st *statement) bool {
	if i := st.lastCall("median", nil); i >= 0 {
		end := st.closing(i + 1)
		st.collect(i, end, "percentile_cont", st.source(i+2, end-1), "0.5, false")
		return true
	}
	for _, name := range []string{"percentile_cont", "percentile_disc"} {
		i := st.lastCall(name, func(i int) bool { return st.reads(st.closing(i+1)+1, "within", "group", "(", "order", "by") })
		if i < 0 {
			continue
		}
		closing := st.closing(i + 1)
		end := st.closing(closing + 3)
		if end < 0 {
			return false
		}
		last, descending := end-1, "false"
		switch st.word(last) {
		case "desc":
			last, descending = last-1, "true"
		case "asc":
			last--
		}
		st.collect(i, end, name, st.source(closing+6, last), st.source(i+2, closing-1)+", "+descending)
		return true
	}
	return false
}

// collect puts a function of all values for what stands from i to end, and the window behind it.
func (st *statement) collect(i, end int, function, value, arguments string) {
	window := ""
	if st.reads(end+1, "over", "(") && st.closing(end+2) > 0 {
		window = " " + st.source(end+1, st.closing(end+2))
		end = st.closing(end + 2)
	}
	st.replace(i, end, "redshift."+function+"(redshift.all_of("+value+") FILTER (WHERE ("+value+") IS NOT NULL)"+window+", "+arguments+")")
}

// translateRatio turns RATIO_TO_REPORT(x) OVER (w) into a division by the sum.
func translateRatio(st *statement) bool {
	i := st.lastCall("ratio_to_report", func(i int) bool { return st.reads(st.closing(i+1)+1, "over", "(") })
	if i < 0 {
		return false
	}
	closing := st.closing(i + 1)
	end := st.closing(closing + 2)
	if end < 0 {
		return false
	}
	value := st.source(i+2, closing-1)
	st.replace(i, end, "(("+value+")::double precision / nullif(sum("+value+") OVER "+st.source(closing+2, end)+", 0))")
	return true
}

// translateListagg turns LISTAGG(a, b) WITHIN GROUP (ORDER BY c) into an aggregate with an order. It takes any type.
func translateListagg(st *statement) bool {
	i := st.lastCall("listagg", nil)
	if i < 0 {
		return false
	}
	closing := st.closing(i + 1)
	from, distinct := i+2, ""
	if st.word(from) == "distinct" {
		from, distinct = from+1, "DISTINCT "
	}
	args := st.parts(from, closing-1)
	if len(args) == 0 {
		return false
	}
	value := "(" + st.source(args[0][0], args[0][1]) + ")::text"
	text := "redshift.listagg(" + distinct + value
	for _, arg := range args[1:] {
		text += ", " + st.source(arg[0], arg[1])
	}
	end := closing
	if st.reads(closing+1, "within", "group", "(") {
		if end = st.closing(closing + 3); end < 0 {
			return false
		}
		order := st.source(closing+4, end-1)
		if distinct != "" && st.source(closing+6, end-1) == st.source(args[0][0], args[0][1]) {
			order = "ORDER BY " + value // the engine asks for the same expression
		}
		text += " " + order
	}
	first := i
	if st.sign(i-1) == "." {
		first = i - 2
	}
	st.replace(first, end, text+")")
	return true
}
