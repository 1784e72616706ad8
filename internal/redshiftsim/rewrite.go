package redshiftsim

import "strings"

// ownFunctions replace functions of the engine that answer differently on Redshift.
var ownFunctions = map[string]bool{
	"version": true, "chr": true, "format_type": true, "json_serialize": true,
	"has_table_privilege": true, "has_schema_privilege": true, "regexp_replace": true, "json_array_length": true,
}

// ownRelations replace catalogs of the engine that answer differently on Redshift.
var ownRelations = map[string]bool{"pg_group": true, "pg_views": true}

// renamedTypes are spellings of types that the engine does not know; longer ones come first.
var renamedTypes = []struct {
	words []string
	text  string
}{
	{[]string{"interval", "year", "to", "month"}, "intervaly2m"},
	{[]string{"interval", "day", "to", "second"}, "intervald2s"},
	{[]string{"binary", "varying"}, "varbyte"},
	{[]string{"varbinary"}, "varbyte"},
	{[]string{"nvarchar"}, "varchar"},
	{[]string{"varchar", "(", "max", ")"}, "varchar(65535)"},
	{[]string{"varbyte", "(", "max", ")"}, "varbyte(1024000)"},
}

// dateParts are functions whose first argument is a part of a date, in some of them a bare word.
var dateParts = map[string]bool{
	"dateadd": true, "datediff": true, "date_part": true, "date_diff": true, "date_add": true, "date_trunc": true, "extract": true,
}

// rewrite turns Redshift's SQL into the engine's.
func (st *statement) rewrite() string {
	if call, _ := st.showTables(); call != "" {
		return call
	}
	st.rewriteSetting()
	for i := range st.tokens {
		switch st.tokens[i].kind {
		case quotedToken:
			st.rewriteName(i)
		case numberToken:
			if exponent := strings.HasPrefix(st.word(i+1), "e"); st.word(i+1) != "" && !exponent && st.tokens[i].end == st.tokens[i+1].start {
				st.insert(i+1, " ") // the engine wants a blank between a number and a word
			}
		case wordToken:
			if len(st.tokens[i].word) > engineNameLength {
				st.rewriteName(i)
			}
			st.rewriteCall(i)
			st.rewriteMissing(i)
			st.rewriteType(i)
		}
	}
	st.rewriteCasts()
	st.rewriteBare()
	return st.rewriteExplain()
}

// rewriteName folds quoted names too, and shortens those that only Redshift can keep.
func (st *statement) rewriteName(i int) {
	st.replace(i, i, `"`+strings.ReplaceAll(st.engineName(i), `"`, `""`)+`"`)
}

// engineName is what the engine calls the name at i.
func (st *statement) engineName(i int) string {
	name := st.tokens[i].word
	if !st.caseSensitive {
		name = fold(name)
	}
	if len(name) > engineNameLength {
		name = st.shorten(name)
	}
	return name
}

// rewriteExplain lets a function of the engine make the plan, which has the nodes of Redshift. A statement that is
// explained cannot have parameters.
func (st *statement) rewriteExplain() string {
	first := 1
	if st.word(1) == "verbose" {
		first = 2
	}
	if st.word(0) != "explain" || len(st.tokens) == first {
		return st.rewritten()
	}
	st.replace(0, first-1, "")
	return `SELECT * FROM redshift.explain(` + engineLiteral(st.rewritten()) + `)`
}

// engineLiteral quotes a text for the engine, in whose sessions a backslash escapes.
func engineLiteral(text string) string {
	return "'" + strings.NewReplacer(`'`, `''`, `\`, `\\`).Replace(text) + "'"
}

// rewriteCall sends a call to where the engine has the function, or to where it has not.
func (st *statement) rewriteCall(i int) {
	word := st.word(i)
	if word == "sysdate" && st.sign(i-1) != "." && st.sign(i+1) != "." && st.sign(i+1) != "(" && st.word(i-1) != "as" {
		st.replace(i, i, "redshift.sysdate()")
		return
	}
	if !st.calls(i) {
		return
	}
	switch {
	case ownFunctions[word] || missingFunctions[word]:
		st.qualify(i)
	case word == "nvl":
		st.replace(i, i, "coalesce")
	case dateParts[word] && (st.sign(i+3) == "," || word == "extract" && st.word(i+3) == "from"):
		st.rewritePart(i + 2)
	}
}

// rewritePart gives a part of a date, a bare word or a literal, the engine's name as a literal.
func (st *statement) rewritePart(i int) {
	kind, _ := st.kind(i)
	if kind != wordToken && kind != stringToken {
		return
	}
	name := fold(st.tokens[i].word)
	if known := partNames[name]; known != "" {
		name = known
	}
	st.replace(i, i, engineLiteral(name))
}

// partNames are Redshift's further names of the parts of a date.
var partNames = func() map[string]string {
	names := map[string]string{}
	for name, others := range map[string]string{
		"millennium": "millennia mil mils", "century": "c cent cents centuries", "decade": "decs dec decades",
		"year": "y yr yrs years", "quarter": "qtr qtrs quarters", "month": "mon mons months", "week": "w weeks",
		"dow": "dayofweek dw weekday", "doy": "dayofyear dy yearday", "day": "d days", "hour": "h hr hrs hours",
		"minute": "m min mins minutes", "second": "s sec secs seconds",
		"milliseconds": "millisecond ms msec msecs msecond mseconds millisec millisecs millisecon",
		"microseconds": "microsecond microsec microsecs usecond useconds us usec usecs",
	} {
		for _, other := range strings.Fields(others) {
			names[other] = name
		}
	}
	return names
}()

// qualify puts the schema redshift before the name at i, or in the place of pg_catalog.
func (st *statement) qualify(i int) {
	if st.sign(i-1) == "." && st.word(i-2) == "pg_catalog" {
		st.replace(i-2, i-2, "redshift")
		return
	}
	st.replace(i, i, "redshift."+st.word(i))
}

// rewriteMissing lets the engine miss the catalogs that Redshift does not have, and find those that differ there.
func (st *statement) rewriteMissing(i int) {
	if !missingRelations[st.word(i)] && !ownRelations[st.word(i)] || st.sign(i+1) == "(" || st.sign(i+1) == "." || st.word(i-1) == "as" {
		return
	}
	if st.sign(i-1) != "." || st.word(i-2) == "pg_catalog" {
		st.qualify(i)
	}
}

func (st *statement) rewriteType(i int) {
	for _, renamed := range renamedTypes {
		if st.reads(i, renamed.words...) && st.sign(i-1) != "." {
			st.replace(i, i+len(renamed.words)-1, renamed.text)
			return
		}
	}
	if st.sign(i-1) == "::" {
		st.missType(i)
	}
}

// rewriteCasts does for CAST(x AS type) what rewriteType does for x::type.
func (st *statement) rewriteCasts() {
	for i := range st.tokens {
		if !st.reads(i, "cast", "(") {
			continue
		}
		for n := st.closing(i+1) - 1; n > i; n-- {
			if st.word(n) == "as" {
				st.missType(n + 1)
				break
			}
		}
	}
}

func (st *statement) missType(i int) {
	if st.word(i) == "pg_catalog" && st.sign(i+1) == "." {
		i += 2
	}
	if missingTypes[st.word(i)] {
		st.qualify(i)
	}
}

// rewriteSetting moves Redshift's own settings to where the engine keeps them.
func (st *statement) rewriteSetting() {
	name, _, ok := st.assignment()
	if !ok && (st.word(0) == "show" || st.word(0) == "reset") {
		name, ok = 1, len(st.tokens) == 2
	}
	if ok && isOwnSetting(st.word(name)) {
		st.replace(name, name, ownPrefix+st.word(name))
	}
	for i := range st.tokens {
		reading := st.word(i) == "current_setting" || st.word(i) == "set_config"
		if kind, ok := st.kind(i + 2); reading && ok && kind == stringToken && isOwnSetting(st.tokens[i+2].word) {
			st.replace(i+2, i+2, "'"+ownPrefix+fold(st.tokens[i+2].word)+"'")
		}
	}
}

func isOwnSetting(name string) bool {
	_, own := ownSettings[fold(name)]
	return own
}
