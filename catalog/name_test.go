package catalog_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/redcache/redcache/catalog"
)

func TestParseName(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want catalog.Name
	}{
		{"bi.sales", catalog.Name{Schema: "bi", View: "sales"}},
		{"BI.Sales", catalog.Name{Schema: "bi", View: "sales"}},
		{`bi."Net Sales"`, catalog.Name{Schema: "bi", View: "Net Sales"}},
		{`"a.b"."c""d"`, catalog.Name{Schema: "a.b", View: `c"d`}},
		{`bi."Weird Name; drop table x"`, catalog.Name{Schema: "bi", View: "Weird Name; drop table x"}},
		{`bi.umsätze`, catalog.Name{Schema: "bi", View: "umsätze"}},
		{"BI.ÖSTK", catalog.Name{Schema: "bi", View: "Östk"}}, // PostgreSQL folds ASCII only
		{"bi.212aİ", catalog.Name{Schema: "bi", View: "212aİ"}},
		{`bi."back\slash"`, catalog.Name{Schema: "bi", View: `back\slash`}},
		{"bi.order", catalog.Name{Schema: "bi", View: "order"}},
	} {
		got, err := catalog.ParseName(tt.text)
		if err != nil || got != tt.want {
			t.Errorf("ParseName(%s) = %#v, %v; want %#v", tt.text, got, err, tt.want)
			continue
		}
		if again, err := catalog.ParseName(got.String()); err != nil || again != got {
			t.Errorf("ParseName does not read back %s: %#v, %v", got, again, err)
		}
	}
}

func TestParseName_RefusesWithAdvice(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "sales", "a.b.c", ".sales", "bi.", `bi."open`, `bi."a"b`, "bi.net sales", "bi.a;b", `bi.""`,
		"bi." + strings.Repeat("x", 64), "redcache.sales", "redcache_data.sales", "pg_catalog.sales", "bi.\"a\x00b\"",
	} {
		_, err := catalog.ParseName(text)
		var invalid *catalog.InvalidError
		if !errors.As(err, &invalid) || invalid.Hint() == "" {
			t.Errorf("ParseName(%q) = %v, want an InvalidError with a hint", text, err)
		}
	}
}

func FuzzParseName(f *testing.F) {
	f.Add("bi.sales")
	f.Add(`"a""b"."c.d"`)
	f.Fuzz(func(t *testing.T, text string) {
		name, err := catalog.ParseName(text)
		if err != nil {
			return
		}
		if again, err := catalog.ParseName(name.String()); err != nil || again != name {
			t.Errorf("%q is read as %#v, and that back as %#v, %v", text, name, again, err)
		}
	})
}
