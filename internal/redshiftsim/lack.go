package redshiftsim

import (
	"slices"
	"strings"
)

// Lack is something that Redshift has and the stand-in does not. What it says of it cannot be taken for Redshift's words.
type Lack struct {
	Name    string
	Example string // a whole query text that meets it

	meets func(*statement) bool
}

// Lacks lists what the stand-in knows that it lacks, beside [LackedFunctions].
func Lacks() []Lack {
	return []Lack{
		{
			"LISTAGG with a window", `SELECT listagg(name, ',') WITHIN GROUP (ORDER BY id) OVER (PARTITION BY id) FROM tickit_example`,
			listaggWindow,
		},
		{
			"IGNORE NULLS of this call", `SELECT nth_value(id, 2) IGNORE NULLS OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) FROM tickit_example`,
			func(st *statement) bool { return st.find("ignore", "nulls") > 0 },
		},
		{"(+) in this place", `SELECT id FROM tickit_example WHERE id = 1 OR id (+) = 2`, func(st *statement) bool {
			return st.find("(", "+", ")") > 0
		}},
		{
			"PIVOT of this relation", `SELECT (SELECT max(a) FROM (SELECT t.name, t.id) q PIVOT (count(*) FOR name IN ('a', 'b'))) FROM tickit_example t`,
			relationOperator("pivot"),
		},
		{
			"UNPIVOT of this relation", `SELECT (SELECT max(v) FROM (SELECT t.id) q UNPIVOT (v FOR k IN (id))) FROM tickit_example t`,
			relationOperator("unpivot"),
		},
		{"EXCLUDE in this place", `SELECT (SELECT * EXCLUDE (id) FROM (SELECT t.id, 1 AS n) q) FROM tickit_example t`, func(st *statement) bool {
			i := st.find("*", "exclude")
			return i > 0 && (st.isName(i+2) || st.sign(i+2) == "(")
		}},
		{"SHOW of this kind", `SHOW COLUMNS FROM TABLE dev.public.tickit_example`, func(st *statement) bool {
			return st.word(0) == "show" && slices.Contains([]string{"columns", "grants", "view", "table", "schemas", "databases", "procedures", "functions"}, st.word(1)) && len(st.tokens) > 2
		}},
		{"UNLOAD", `UNLOAD ('SELECT 1') TO 's3://bucket/prefix' IAM_ROLE default`, func(st *statement) bool { return st.word(0) == "unload" }},
		{"COPY from files", `COPY tickit_example FROM 's3://bucket/prefix' IAM_ROLE default`, func(st *statement) bool { return st.word(0) == "copy" }},
		{"GROUP BY ALL", `SELECT id, count(*) FROM tickit_example GROUP BY ALL`, func(st *statement) bool { return st.find("group", "by", "all") > 0 }},
		{"CONNECT BY", `SELECT id FROM tickit_example START WITH id = 1 CONNECT BY PRIOR id = id`, func(st *statement) bool {
			return st.find("connect", "by") > 0
		}},
		{"a version of a table", `SELECT id FROM tickit_example FOR TIMESTAMP AS OF '2024-01-01'`, func(st *statement) bool {
			return st.find("for", "timestamp", "as", "of") > 0 || st.find("for", "version", "as", "of") > 0
		}},
		{"names that begin with #", `SELECT id FROM #recent`, func(st *statement) bool {
			return st.find("from", "#") > 0 || st.find("join", "#") > 0
		}},
		{"navigation in SUPER", `SELECT t.doc[0].a FROM tickit_example t`, superIndex},
		{"unnesting of SUPER", `SELECT o.a FROM tickit_example t, t.orders o`, superUnnest},
		{"unpivoting of SUPER", `SELECT k, v FROM tickit_example t, UNPIVOT t.doc AS v AT k`, func(st *statement) bool {
			i := st.find(",", "unpivot")
			return i > 0 && st.isName(i+2)
		}},
		{"QUALIFY with DISTINCT", `SELECT DISTINCT id FROM tickit_example q QUALIFY row_number() OVER (ORDER BY id) = 1`, distinctQualify},
	}
}

// lackedFunctions are functions of Redshift whose work nobody has done here.
var lackedFunctions = namesOf(`
	checksum farmfingerprint64 farmhash64 func_sha1 murmur3_32_hash sha sha1 crc32 soundex difference octetindex collate
	hll hll_cardinality hll_combine hll_combine_sketches hll_create_sketch
	from_hex bpcharcmp bttext_pattern_cmp interval_cmp timestamp_cmp timestamp_cmp_date timestamp_cmp_timestamptz
	timestamptz_cmp timestamptz_cmp_date timestamptz_cmp_timestamp date_cmp_timestamp date_cmp_timestamptz
	array_concat array_contains array_distinct array_except array_flatten array_intersection array_sort array_union
	arrays_overlap get_array_length get_number_attributes is_array is_bigint is_boolean is_char is_decimal is_float is_integer
	is_object is_scalar is_smallint is_varchar lower_attribute_names upper_attribute_names object object_transform
	split_to_array subarray json_typeof json_size json_extract_path json_serialize_to_varbyte
	st_area st_asbinary st_asewkb st_asewkt st_asgeojson st_astext st_buffer st_centroid st_contains st_covers st_distance
	st_distancesphere st_dwithin st_geogfromtext st_geomfromtext st_geomfromwkb st_intersects st_length st_makepoint st_point
	st_polygon st_setsrid st_srid st_touches st_transform st_union st_within st_x st_y h3_fromlonglat h3_polyfill
	ai_generate_text explain_model`)

// lacks returns what a statement needs that the stand-in does not have, after everything was translated.
func (st *statement) lacks() *EngineError {
	for _, lack := range Lacks() {
		if lack.meets(st) {
			return lackOf(lack.Name)
		}
	}
	for i := range st.tokens {
		if lackedFunctions[st.word(i)] && st.calls(i) {
			return lackOf(strings.ToUpper(st.word(i)))
		}
	}
	return nil
}

func lackOf(name string) *EngineError {
	return &EngineError{Code: "0A000", Message: "the stand-in for Redshift does not have " + name + "; Redshift has it"}
}

func listaggWindow(st *statement) bool {
	for i := range st.tokens {
		if st.reads(i, "redshift", ".", "listagg", "(") && st.word(st.closing(i+3)+1) == "over" {
			return true
		}
	}
	return false
}

// relationOperator finds an operator behind a relation, which takes a list in parentheses.
func relationOperator(word string) func(*statement) bool {
	return func(st *statement) bool {
		i := st.find(word)
		for st.word(i+1) == "include" || st.word(i+1) == "exclude" || st.word(i+1) == "nulls" {
			i++
		}
		return i > 0 && st.sign(i+1) == "("
	}
}

func distinctQualify(st *statement) bool {
	i := st.find("pg_catalog", ".", "generate_series", "(")
	if i < 0 {
		return false
	}
	b, ok := st.branchOf(i)
	return ok && st.word(b.from+1) == "distinct"
}

// superIndex finds an element of an array in a path.
func superIndex(st *statement) bool {
	for i := 1; i < len(st.tokens); i++ {
		kind, ok := st.kind(i + 1)
		path := st.sign(i-2) == "." || st.sign(i+3) == "." || st.sign(i+3) == "["
		if st.sign(i) == "[" && ok && kind == numberToken && st.isName(i-1) && path {
			return true
		}
	}
	return false
}

// superUnnest finds a relation that is a column of the one before it: FROM customer c, c.orders o.
func superUnnest(st *statement) bool {
	for i := 1; i < len(st.tokens); i++ {
		if st.sign(i) != "," || !st.isName(i-1) || !st.reads(i+2, ".") || !st.isName(i+1) || st.tokens[i-1].word != st.tokens[i+1].word {
			continue
		}
		first, _ := st.around(i)
		if st.search(first, i, "from") < i && st.search(first, i, "where", "group", "having", "order") > i {
			return true
		}
	}
	return false
}
