package impact

import (
	"slices"
	"strings"
	"testing"

	"github.com/redcache/redcache/catalog"
)

func TestWords_Use(t *testing.T) {
	t.Parallel()
	sales := catalog.Name{Schema: "bi", View: "sales"}
	for _, tt := range []struct {
		text    string
		columns string // - : it does not use it
	}{
		{"select amount from bi.sales", "amount"},
		{"SELECT AMOUNT FROM BI.SALES", "amount"},
		{`select "amount" from "bi"."sales"`, "amount"},
		{"select amount from sales", "amount"},
		{"select s.amount, s.region from bi . sales s", "amount,region"},
		{"select id from bi.sales", "-"},
		{"select amount from old.sales", "-"},
		{"select amount from bi.sales_2024", "-"},
		{"select amounts from bi.sales", "-"},
		{"select amount from bi.wholesales", "-"},
		{"select amount from bi.saleś", "-"},
		{"select * from bi.sales", "*"},
		{"select s.* from bi.sales s", "*"},
		{"select id, * from bi.sales", "*"},
		{"select distinct * from bi.sales", "*"},
		{"select count(*) from bi.sales", "-"},
		{"select 2 * id from bi.sales", "-"},
		{"execute format('select amount from %I.%I', 'bi', 'sales')", "amount"},
		{`select "amount from bi.sales`, "amount"}, // a quote that is not closed
		{`sales "`, "-"},
		{`"`, "-"},
		{"\xff\xfe sales amount", "amount"},
		{"", "-"},
	} {
		columns, found := wordsOf(tt.text).use(Loss{View: sales, Columns: []string{"amount", "region"}})
		got := strings.Join(columns, ",")
		if !found {
			got = "-"
		}
		if got != tt.columns {
			t.Errorf("%q: got %s, want %s", tt.text, got, tt.columns)
		}
	}
	if _, found := wordsOf("select 1 from bi.sales").use(Loss{View: sales, Goes: true}); !found {
		t.Error("a view that goes is not found")
	}
}

// Nothing of a value is shown, however it is written, and nothing that only looks like a statement that reads.
func TestShownStatement(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ query, want string }{
		{"select a from b where c = $1", "select a from b where c = $1"},
		{"select\n  a,\tb\nfrom c", "select a, b from c"},
		{"/* user 4711 */ -- more\n (select a from b2)", "select a from b2)"},
		{"select a from b where c = 'secret'", "select a from b where c = …"},
		{"select a from b where c = E'secret'", "select a from b where c = E …"},
		{"select a from b where c = $x$secret$x$", "select a from b where c = …"},
		{"select a from b where c = $$secret$$", "select a from b where c = …"},
		{"select a from b where c = 4711", "select a from b where c = …"},
		{"select a from b where c=-4711", "select a from b where c= …"},
		{"select a from b where c = .5", "select a from b where c = …"},
		{"select a from b /* secret */", "select a from b …"},
		{"select a from b -- secret", "select a from b …"},
		{"prepare p as select a from b", "prepare p as select a from b"},
		{"insert into b select a from c", "insert into b select a from c"},
		{"create role x password 'secret'", ""},
		{"alter view b set schema c", ""},
		{"selected", ""},
		{"/* never closed", ""},
		{"", ""},
	} {
		if got, asks := shownStatement(tt.query); got != tt.want || asks != (tt.want != "") {
			t.Errorf("%q: got %q, %v", tt.query, got, asks)
		}
	}
	if got, _ := shownStatement("select " + strings.Repeat("ä, ", 1000)); len([]rune(got)) > 201 {
		t.Errorf("%d characters", len([]rune(got)))
	}
	if !slices.Equal(wordsOf(`a."b c"`).list, []string{"a", ".", "b c"}) {
		t.Error(wordsOf(`a."b c"`).list)
	}
}
