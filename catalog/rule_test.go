package catalog_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/redcache/redcache/catalog"
)

// A rule is written in one way, however it was said.
func TestRule_IsWrittenAlike(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"rows > 0":             "rows > 0",
		"  fail  ROWS!=0007 ":  "rows <> 7",
		"warn rows>=10":        "warn rows >= 10",
		"rows_change<20%":      "rows_change < 20%",
		"rows_change <= 0.5 %": "rows_change <= 0.5%",
		"not_null( Region )":   "not_null(region)",
		`not_null("Region",b)`: `not_null("Region", b)`,
		`unique("a""b", "c")`:  `unique("a""b", c)`,
		"accepted(region, north, 'it''s', -5, 1.50, TRUE)": "accepted(region, 'north', 'it''s', -5, 1.50, true)",
		"freshness(at)<90m":                   "freshness(at) < 1h30m",
		"freshness ( at ) <= 2d":              "freshness(at) <= 2d",
		"references(a, bi.customers.id)":      "references(a, bi.customers.id)",
		`references(a, bi."My View"."ID")`:    `references(a, bi."My View"."ID")`,
		"sql( amount >= 0 )":                  "sql(amount >= 0)",
		"warn sql(note ~ '^[)(]$' OR (a))":    "warn sql(note ~ '^[)(]$' OR (a))",
		"sql(a /* ) */ > 0 -- nothing but a)": "sql(a /* ) */ > 0 -- nothing but a)",
	} {
		r, err := catalog.ParseRule(text)
		if err != nil || r.String() != want {
			t.Errorf("%q: got %q, %v; want %q", text, r, err, want)
		}
	}
}

// What is wrong is named with its place.
func TestRule_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                           "column 1: a check begins with rows, rows_change, not_null, unique, accepted, freshness, references, sql,",
		"nonsense":                   "column 1: a check begins with",
		"row > 0":                    "column 1: there is no check row; do you mean rows?",
		"warn notnull(a)":            "column 6: there is no check notnull; do you mean not_null?",
		"wrn rows > 0":               "column 1: there is no check wrn; do you mean warn?",
		"rows":                       "column 5: one of <, <=, >, >=, =, <> is wanted here",
		"rows > ":                    "column 7: a number of rows is wanted here",
		"rows > 1.5":                 "column 8: a whole number of at most 18 digits is wanted here",
		"rows > 1234567890123456789": "column 8: a whole number",
		"rows > 0 now":               "column 10: nothing may follow here",
		"rows_change > 5%":           "column 13: one of <, <= is wanted here",
		"rows_change < 5":            `column 16: "%" is wanted here`,
		"not_null":                   `column 9: "(" is wanted here`,
		"not_null()":                 "column 10: a name, in double quotes",
		"not_null(a":                 `column 11: ")" is wanted here`,
		`not_null("a)`:               "column 10: a quote that is never closed",
		`not_null("")`:               "column 10: a name is empty",
		"accepted(a)":                `column 11: "," is wanted here`,
		"accepted(a, ü)":             "column 13: a value: a number, or a text in single quotes is wanted here",
		"accepted(a, NULL)":          "column 13: NULL is always accepted",
		"accepted(ü, 'a)":            "column 10: a name, in double quotes",
		"accepted(a, 'ü', 'a)":       "column 18: a quote that is never closed",
		"freshness(a) > 1h":          "column 14: one of <, <= is wanted here",
		"freshness(a) < soon":        "column 16: an age, like 30m, 1h or 2d is wanted here",
		"freshness(a) < 5":           `column 16: "5" is no duration`,
		"freshness(a) < 99999d":      "column 16: duration",
		"references(a, b.c)":         "column 15: a column of another view is wanted, as SCHEMA.VIEW.COLUMN",
		"references(a, b.c.d.e)":     "column 15: a column of another view",
		"sql(a > 0":                  `column 10: ")" is wanted at the end`,
		"sql(":                       `column 5: ")" is wanted at the end`,
		"sql()":                      "column 5: an expression is wanted here",
		"sql(/* a */)":               "column 5: an expression is wanted here",
		"sql(true) OR (true)":        "column 9: a closing parenthesis that nothing opened",
		"sql((a)":                    "column 7: a parenthesis that is never closed",
		"sql(a; b)":                  "column 6: a semicolon",
		"sql('ü' = 'a)":              "column 11: a literal that is never closed",
		"sql(a /* b)":                "column 7: a comment that is never closed",
		"rows\n> 0":                  "column 1: it has a line break",
		"rows > 0\xff":               "column 1: it is no UTF-8",
	} {
		_, err := catalog.ParseRule(text)
		if wrong, is := errors.AsType[*catalog.RuleError](err); !is || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v (%v), want %q", text, err, wrong, want)
		}
	}
}

// What a text is written as reads as the same, and is written so again.
func FuzzParseRule(f *testing.F) {
	for _, text := range []string{
		"rows > 0", "warn rows_change < 20%", `not_null("A""b", c)`, "accepted(a, 'it''s', 5, x)", "freshness(at) <= 1h30m",
		`references(a, b."C".d)`, "sql(a >= 0 -- b )", "fail sql('\\'' = $$)$$)", "freshness(a) < 1.5us", "accepted(a, '-0')",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := catalog.ParseRule(text)
		if err != nil {
			wrong, is := errors.AsType[*catalog.RuleError](err)
			if !is || wrong.At < 0 || wrong.At > len(text) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		again, err := catalog.ParseRule(r.String())
		if err != nil || again.String() != r.String() {
			t.Fatalf("%q is written as %q, and that as %q, %v", text, r, again, err)
		}
	})
}
