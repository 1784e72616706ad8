package pipeline_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/pipeline"
	"github.com/redcache/redcache/refresh"
)

// Texts as people have them in names, and as nobody should.
var hostile = []string{
	"id", "Net Sales", "a,b", `a "quoted" one`, `"`, "a*/b", "*/", "/*", "--", "@key", "@", "größe", "金額", "x;y", "''", `\`, "é<&>\u2028", "a\r", " a", "a\nb", "a ", "*",
}

// Queries, in which what looks like a header is none.
var queries = []string{
	"SELECT 1 AS id", "\n\tSELECT 1 AS id\n", "/* of ours */ SELECT 1 AS id", "/* @key id */\nSELECT 1 AS id", "-- @matview-name other\nSELECT 1 AS id",
	"SELECT 1 AS id\n-- @strategy swap\n", "SELECT 1 AS id /* a */ -- b", "SELECT '*/' AS id -- */", "SELECT id FROM public.sales", "SELECT id FROM bi.v0",
	"SELECT id FROM bi.v0 JOIN public.sales USING (id)", "SELECT id FROM sales", "SELECT id FROM dev.public.sales", "SELECT id FROM f(1)", "SELECT 1 AS id -- \u00a0\n",
	"-- @query verbatim\nSELECT 1 AS id", "SELECT 1 AS id\r\n", "WITH v0 AS (SELECT 1 AS id) SELECT * FROM v0", "\f SELECT 1 AS id\n\n",
}

// drawLive draws views as a catalog can have them: bi.v0 is remote, and what is local reads it.
func drawLive(t *rapid.T) (live []catalog.View) {
	n := rapid.IntRange(1, 4).Draw(t, "views")
	for i := range n {
		v := drawView(t, i > 0 && rapid.Bool().Draw(t, "local"))
		v.Name = catalog.Name{Schema: "bi", View: fmt.Sprintf("v%d", i)}
		if i > 0 {
			v.Name.View += rapid.SampledFrom(hostile).Draw(t, "name")
			v.Name.Schema = rapid.SampledFrom(append(hostile, "bi")).Draw(t, "schema")
		}
		live = append(live, v)
	}
	return live
}

func drawView(t *rapid.T, local bool) catalog.View {
	text := rapid.SampledFrom(hostile)
	list := rapid.SliceOfNDistinct(text, 0, 3, rapid.ID[string])
	span := rapid.Map(rapid.Int64Range(0, 20*24*3600*1e6), func(micros int64) time.Duration { return time.Duration(micros) * time.Microsecond })
	d := catalog.Defaults()
	d.Strategy = rapid.SampledFrom(catalog.Of(catalog.RemoteSource)).Draw(t, "strategy")
	traits, _ := d.Strategy.Traits()
	d.Query, d.LinkName, d.Group = rapid.SampledFrom(queries).Draw(t, "query"), text.Draw(t, "link"), rapid.SampledFrom(append(hostile, "")).Draw(t, "group")
	d.Indexes, d.Grantees, d.Key = list.Draw(t, "indexes"), list.Draw(t, "grantees"), list.Draw(t, "key")
	if traits.Key != "" && len(d.Key) == 0 {
		d.Key = []string{"id"}
	}
	d.NulBytes = rapid.SampledFrom([]catalog.NulBytes{catalog.StripNul, catalog.TrustNul}).Draw(t, "nul bytes")
	d.SkipUnchanged = rapid.SampledFrom(catalog.SkipModes).Draw(t, "skip")
	d.ReadyWhen = rapid.SampledFrom([]string{"", "SELECT true", "SELECT count(*) > 0 FROM a.b WHERE c = 'ü */ @key x' -- *", "(SELECT d /* @key x */ FROM a.b)"}).Draw(t, "ready when")
	d.Checks = rapid.SliceOfN(rapid.SampledFrom([]string{"rows > 0", "warn unique(other)", "accepted(other, 'ü */ @key x', 5)", "sql(a /* @key x */ > 0 -- *)", "references(other, b.\"C \"\"d\".e)"}), 0, 3).Draw(t, "checks")
	d.Transport = rapid.SampledFrom(slices.DeleteFunc(slices.Clone(catalog.Transports), func(tr catalog.Transport) bool { return !traits.Takes(tr) })).Draw(t, "transport")
	d.RefreshEvery, d.Timeout = span.Draw(t, "every"), time.Second+span.Draw(t, "timeout")/2
	d.MaxAge = d.RefreshEvery + span.Draw(t, "max age")
	d.AllowShrink = rapid.IntRange(0, 100).Draw(t, "shrink") // which stays where it has no meaning
	if traits.Watermark {
		d.Watermark, d.ReconcileEvery, d.Lookback = text.Draw(t, "watermark"), span.Draw(t, "reconcile"), rapid.SampledFrom([]string{"0", "1000"}).Draw(t, "lookback")
	}
	if traits.Splits && d.Transport != catalog.DblinkTransport && rapid.Bool().Draw(t, "split") {
		d.Split, d.Sessions = text.Draw(t, "split by"), rapid.IntRange(2, 64).Draw(t, "sessions")
	}
	told := text.Filter(func(text string) bool { return !strings.ContainsFunc(text, unicode.IsControl) })
	d.Owner, d.Description = told.Draw(t, "owner"), rapid.OneOf(told, rapid.Just("")).Draw(t, "description")
	if local {
		kept := catalog.Defaults()
		kept.Owner, kept.Description, kept.Checks = d.Owner, d.Description, d.Checks
		kept.Strategy = rapid.SampledFrom(catalog.Of(catalog.LocalSource)).Draw(t, "local strategy")
		kept.Key, kept.Indexes, kept.Grantees, kept.RefreshEvery, kept.MaxAge, kept.Timeout, kept.AllowShrink = append(d.Key, "z"), d.Indexes, d.Grantees, d.RefreshEvery, d.MaxAge, d.Timeout, d.AllowShrink
		if kept.Rowless() {
			kept.Key, kept.Indexes, kept.RefreshEvery, kept.Checks = []string{}, []string{}, 0, nil
		}
		d = kept
		d.Kind = catalog.LocalSource
		d.Query = rapid.SampledFrom([]string{"SELECT id FROM bi.v0", "-- of ours\nSELECT id FROM bi.v0", "SELECT a.id FROM bi.v0 a JOIN \"bi\".v0 b USING (id)\n"}).Draw(t, "local query")
		d = described(t, d)
	}
	v := catalog.View{Definition: d}
	for _, name := range append(slices.Clone(d.Key), d.Watermark, d.Split) {
		if name != "" {
			v.Columns = append(v.Columns, catalog.Column{Name: name, Type: "bigint"})
		}
	}
	v.Columns = append(v.Columns, catalog.Column{Name: "other", Type: "bigint"})
	return v
}

// described is a local definition with the places of its query that name views.
func described(t *rapid.T, d catalog.Definition) catalog.Definition {
	for at := 0; ; {
		i := strings.Index(d.Query[at:], "v0")
		if i < 0 {
			break
		}
		from := at + i - len("bi.")
		if strings.HasPrefix(d.Query[at+i-len(`"bi".`):], `"`) {
			from = at + i - len(`"bi".`)
		}
		at += i + len("v0")
		d.References = append(d.References, catalog.Reference{Name: catalog.Name{Schema: "bi", View: "v0"}, From: from, To: at})
	}
	if !refresh.SameDefinition(d, d) {
		t.Fatalf("%q has other places than %v", d.Query, d.References)
	}
	return d
}

// sayable says whether a header can have what a view says.
func sayable(v catalog.View) bool {
	said := slices.Concat([]string{v.Name.Schema, v.Name.View, v.LinkName, v.Group, v.Watermark, v.Split, v.Owner, v.Description}, v.Indexes, v.Grantees, v.Key)
	return !slices.ContainsFunc(said, func(text string) bool { return strings.Contains(text, "\n") || strings.TrimSpace(text) != text })
}

// What is there comes to files that change nothing; and what cannot is named.
func TestExport_ComesBackAsItIs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		live := drawLive(t)
		files, problems := pipeline.Export(live)
		if problems != nil {
			wantNamed(t, live, problems)
			return
		}
		dir := fstest.MapFS{}
		for i, e := range files {
			if e.Name != live[i].Name {
				t.Errorf("file %d is of %s", i, e.Name)
			}
			dir[e.Path] = &fstest.MapFile{Data: []byte(e.Text)}
		}
		if len(dir) != len(live) {
			t.Fatalf("%d files of %d views", len(dir), len(live))
		}
		p, problems := pipeline.Load(dir)
		if problems != nil {
			t.Fatalf("%v\n%s", problems, files)
		}
		changes, problems := p.Compare(live, true)
		if problems != nil || len(changes) != len(live) {
			t.Fatalf("%v, %d changes", problems, len(changes))
		}
		for _, c := range changes {
			if c.Kind != pipeline.Unchanged {
				t.Errorf("%s is %s: %+v, not %+v", c.Name, c.Kind, c.After, c.Before)
			}
		}
	})
}

func wantNamed(t *rapid.T, live []catalog.View, problems pipeline.Problems) {
	for _, wrong := range problems {
		i := slices.IndexFunc(live, func(v catalog.View) bool {
			return strings.HasPrefix(wrong.What, "view "+infra.Printable(v.Name.String())+" cannot be written as a file: ")
		})
		if i < 0 || sayable(live[i]) {
			t.Errorf("%v: that should go", wrong)
		}
	}
}

// Whatever a query begins, ends or is littered with, it stays.
func TestExport_KeepsEachQuery(t *testing.T) {
	t.Parallel()
	for _, query := range queries {
		v := catalog.View{Name: catalog.Name{Schema: "bi", View: "v0"}, Definition: catalog.Defaults(), Columns: []catalog.Column{{Name: "id", Type: "bigint"}}}
		v.Strategy, v.LinkName, v.Query = catalog.Nonconcurrent, "dw", query
		if files, problems := pipeline.Export([]catalog.View{v}); problems != nil {
			t.Errorf("%q: %v\n%s", query, problems, files[0].Text)
		}
	}
}

// A file says no more than it has to.
func TestExport_SaysWhatDiffers(t *testing.T) {
	t.Parallel()
	view := func(name string, draft catalog.Draft) catalog.View {
		d, err := draft.Define()
		if err != nil {
			t.Fatal(err)
		}
		return catalog.View{
			Name: catalog.Name{Schema: "bi", View: name}, Definition: d,
			Columns: []catalog.Column{{Name: "id", Type: "bigint"}, {Name: "at", Type: "timestamp without time zone"}},
		}
	}
	link, query, local := "dw", "SELECT id, at FROM raw.sales", "SELECT id FROM bi.sales"
	at, lookback, key, every := "at", "10m", []string{"id"}, 90*time.Minute
	plain := view("sales", catalog.Draft{Link: &link, Query: &query, Key: &key})
	tail := view("tail/../x", catalog.Draft{Link: &link, Query: &query, Watermark: &at, Lookback: &lookback, RefreshEvery: &every})
	kind := catalog.LocalSource
	sum := view("Sum", catalog.Draft{Kind: &kind, Query: &local})
	sum.References = []catalog.Reference{{Name: plain.Name, From: 15, To: 23}}
	files, problems := pipeline.Export([]catalog.View{sum, plain, tail})
	if problems != nil {
		t.Fatal(problems)
	}
	got := ""
	for _, e := range files {
		got += "== " + e.Path + "\n" + e.Text
	}
	const want = `== bi/Sum.sql
-- @matview-schema bi
-- @matview-name Sum
SELECT id FROM bi.sales
== bi/sales.sql
-- @matview-schema bi
-- @matview-name sales
-- @link dw
-- @key id
SELECT id, at FROM raw.sales
== bi/tail%2F%2E%2E%2Fx.sql
-- @matview-schema bi
-- @matview-name tail/../x
-- @link dw
-- @watermark at
-- @lookback 10m
-- @every 1h30m
SELECT id, at FROM raw.sales
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// A definition that another version has stored is no file.
func TestExport_NamesWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	v := catalog.View{Name: catalog.Name{Schema: "bi", View: "sales"}, Definition: catalog.Defaults()}
	v.Strategy = "window"
	_, problems := pipeline.Export([]catalog.View{v})
	const want = `bi/sales.sql: view bi.sales cannot be written as a file: strategy "window" does not exist`
	if len(problems) != 1 || problems[0].Error() != want {
		t.Errorf("got %v", problems)
	}
}
