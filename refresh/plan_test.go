package refresh_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/internal/cachetest"
	"github.com/redcache/redcache/refresh"
	"github.com/redcache/redcache/sql"
)

// What a dry run prints is what runs: of every strategy, through every transport, over a whole life, the plan has the
// statements that the server then logs, in their order.
func TestPlan_IsWhatRuns(t *testing.T) {
	t.Parallel()
	for _, strategy := range catalog.Strategies {
		its, _ := strategy.Traits()
		for _, transport := range []catalog.Transport{catalog.DblinkTransport, catalog.StreamTransport} {
			if !its.Takes(transport) {
				continue
			}
			t.Run(string(strategy)+" "+string(transport), func(t *testing.T) {
				t.Parallel()
				p := setupLogged(t)
				v := p.salesView(strategy)
				v.Transport = transport
				p.wholeLife(t, v)
				p.wantNothingLeft(t)
			})
		}
	}
}

func (p *logged) wholeLife(t *testing.T, v catalog.View) {
	p.add(t, v, false)
	p.change(t, `UPDATE public.sales SET amount = amount + 1, updated_at = '2026-02-01' WHERE id <= 10`)
	p.refresh(t, refresh.Request{View: v.Name})
	p.change(t, `DELETE FROM public.sales WHERE id BETWEEN 5 AND 8`)
	p.refresh(t, refresh.Request{View: v.Name, Whole: true})
	for _, c := range []struct {
		what   string
		change func(v *catalog.View)
	}{
		{"when it is refreshed", func(v *catalog.View) { v.RefreshEvery = time.Hour }},
		{"an index", func(v *catalog.View) { v.Indexes = []string{"region"} }},
		{"a key", func(v *catalog.View) { v.Key = []string{"id", "region"} }},
		{"a column comes", func(v *catalog.View) {
			v.Query = "SELECT id, region, amount, note, updated_at, 1 AS one FROM public.sales"
		}},
		{"a column changes", retype},
		{"a column goes", func(v *catalog.View) { v.Query = "SELECT id, region, note, updated_at FROM public.sales" }},
		{"nobody may read it", func(v *catalog.View) { v.Grantees = nil }},
		{"a group", func(v *catalog.View) { v.Group = "alone" }},
		{"no group", func(v *catalog.View) { v.Group = "" }},
	} {
		p.alter(t, v.Name, "alter: "+c.what, false, c.change)
	}
	p.alter(t, v.Name, "alter: another index, without data", true, func(v *catalog.View) { v.Indexes = []string{"note"} })
	p.refresh(t, refresh.Request{View: v.Name})
	for _, to := range catalog.Strategies {
		its, _ := to.Traits()
		p.alter(t, v.Name, "alter: strategy "+string(to), false, func(v *catalog.View) {
			v.Strategy, v.Watermark, v.Lookback = to, "", ""
			if !its.Takes(v.Transport) {
				v.Transport = catalog.AutoTransport
			}
			if its.Watermark {
				v.Watermark, v.Lookback = "updated_at", "1m"
			}
		})
		p.refresh(t, refresh.Request{View: v.Name})
	}
	p.drop(t, v.Name)
}

// A group changes and is refreshed as one.
func TestPlan_OfAGroupIsWhatRuns(t *testing.T) {
	t.Parallel()
	for name, strategies := range map[string][]catalog.Strategy{
		"in place": {catalog.Merge, catalog.Incremental}, "by switches": {catalog.Swap, catalog.Nonconcurrent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := setupLogged(t)
			views := p.group(t, catalog.AutoTransport, strategies...)
			if err := p.grow(t.Context(), views); err != nil {
				t.Fatal(err)
			}
			p.refresh(t, refresh.Request{View: views[1].Name})
			p.alter(t, views[0].Name, "alter: an index", false, func(v *catalog.View) { v.Indexes = []string{"age"} })
			p.drop(t, views[1].Name)
		})
	}
}

// logged is a bundle whose server logs all statements of the cache database.
type logged struct{ *bundle }

func setupLogged(t *testing.T) *logged {
	t.Helper()
	cache := cachetest.New(t)
	if err := cache.Admin(t.Context(), "postgres", "ALTER DATABASE "+sql.Ident(cache.Name)+" SET log_statement = 'all'"); err != nil {
		t.Fatal(err)
	}
	return &logged{setupIn(t, cache, salesSQL...)}
}

func (p *logged) add(t *testing.T, v catalog.View, noData bool) {
	t.Helper()
	p.compare(t, "add", func() ([]refresh.Step, error) { return p.definer.PlanAdd(t.Context(), v, noData) },
		func() error { _, err := p.definer.Add(t.Context(), v, noData, nil); return err })
}

func (p *logged) refresh(t *testing.T, req refresh.Request) {
	t.Helper()
	p.compare(t, "refresh", func() ([]refresh.Step, error) { return p.runner.Plan(t.Context(), req) },
		func() error { _, err := p.runner.Refresh(t.Context(), req); return err })
}

func (p *logged) alter(t *testing.T, name catalog.Name, what string, noData bool, change func(v *catalog.View)) {
	t.Helper()
	to := func(v *catalog.View) error { change(v); return nil }
	p.compare(t, what, func() ([]refresh.Step, error) { return p.definer.PlanAlter(t.Context(), name, to, noData) },
		func() error { _, err := p.definer.Alter(t.Context(), name, to, noData, nil); return err })
}

func (p *logged) drop(t *testing.T, name catalog.Name) {
	t.Helper()
	p.compare(t, "drop", func() ([]refresh.Step, error) { return p.definer.PlanDrop(t.Context(), name) },
		func() error { return p.definer.Drop(t.Context(), name) })
}

// compare holds what a dry run says against what the server logs of the same thing, and what it logs of the dry run against
// nothing.
func (p *logged) compare(t *testing.T, what string, plan func() ([]refresh.Step, error), do func() error) {
	t.Helper()
	before := p.logLength(t)
	steps, err := plan()
	if err != nil {
		t.Fatalf("%s: the dry run: %v", what, err)
	}
	middle := p.logLength(t)
	if stayed := p.changes(t, before, middle); stayed != nil {
		t.Errorf("%s: the dry run left behind what was done by %q", what, stayed)
	}
	if err := do(); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	var planned []string
	for _, step := range steps {
		if step.Title != "store the definition" { // which the catalog does in its own words
			planned = append(planned, comparable(step.SQL))
		}
	}
	if diff := cmp.Diff(planned, p.changes(t, middle, p.logLength(t))); diff != "" {
		t.Errorf("%s (-planned +logged):\n%s", what, diff)
	}
}

// logLength is how long the log is once it has all that has been done so far.
func (p *logged) logLength(t *testing.T) int {
	t.Helper()
	mark := fmt.Sprintf("SELECT 'mark %d of %s'", time.Now().UnixNano(), p.cache.Name)
	p.exec(t, mark)
	var log string
	eventually(t, func() (err error) {
		if log, err = p.cache.Log(); err == nil && !strings.Contains(log, mark) {
			err = fmt.Errorf("%s is not in the log", mark)
		}
		return err
	})
	return strings.Index(log, mark)
}

var (
	// entry is the head of a statement in the log: the backend, the database, and the text's first line. It may stand in the
	// midst of a line: what is longer than a pipe takes at once, others write into.
	entry = regexp.MustCompile(`\d{4}-\d\d-\d\d [:.0-9]+ UTC \[(\d+)\] [^@]*@(\S+) LOG:  (?:statement|execute [^:]*): (.*)`)

	changing = regexp.MustCompile(`(?i)^(CREATE|DROP|ALTER|COMMENT|GRANT|REVOKE|LOCK|REFRESH|ANALYZE|COPY|INSERT|UPDATE|DELETE|TRUNCATE)\b|` +
		`^WITH .*\b(INSERT INTO|UPDATE|DELETE FROM) `)
	inCatalog = regexp.MustCompile(`(?i)\b(INSERT INTO|UPDATE|DELETE FROM) redcache\.`)
	unlike    = regexp.MustCompile(`\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?|\bv\d+_g|--[^\n]*|\s+`)
)

// comparable is a statement without what differs from one time to the next: the moment, the view's number. What a plan says
// in comments is not sent.
func comparable(statement string) string {
	return strings.TrimSpace(unlike.ReplaceAllStringFunc(statement, func(part string) string {
		switch {
		case strings.HasPrefix(part, "v"):
			return "v_g"
		case part[0] >= '0' && part[0] <= '9':
			return "MOMENT"
		}
		return " "
	}))
}

// changes are the statements between two places of the log that have changed something outside of the catalog, and were not
// taken back.
func (p *logged) changes(t *testing.T, from, to int) []string {
	t.Helper()
	log, err := p.cache.Log()
	if err != nil {
		t.Fatal(err)
	}
	type savepoint struct {
		name string
		at   int // how many statements there were
	}
	type done struct{ backend, text string }
	var all []done
	open := map[string][]savepoint{} // by backend
	takeBack := func(backend string, at int) {
		for i := at; i < len(all); i++ {
			if all[i].backend == backend {
				all[i].text = ""
			}
		}
	}
	for _, s := range statements(log[from:to], p.cache.Name) {
		text, lower := comparable(s.text), strings.ToLower(s.text)
		words := strings.Fields(strings.ReplaceAll(lower, ";", " "))
		if len(words) == 0 {
			continue
		}
		points := open[s.backend]
		name := words[len(words)-1]
		known := slices.IndexFunc(points, func(s savepoint) bool { return s.name == name })
		switch {
		case words[0] == "begin":
			open[s.backend] = []savepoint{{"", len(all)}}
		case words[0] == "savepoint":
			open[s.backend] = append(points, savepoint{name, len(all)})
		case words[0] == "release" && known >= 0:
			open[s.backend] = points[:known]
		case words[0] == "rollback" && len(words) > 1 && known >= 0:
			takeBack(s.backend, points[known].at)
			open[s.backend] = points[:known]
		case words[0] == "rollback" && len(words) == 1 && len(points) > 0:
			takeBack(s.backend, points[0].at)
		case changing.MatchString(text) && !inCatalog.MatchString(text):
			all = append(all, done{s.backend, text})
		}
	}
	var texts []string
	for _, s := range all {
		if s.text != "" {
			texts = append(texts, s.text)
		}
	}
	return texts
}

type statement struct{ backend, text string }

// statements are those of one database in a part of the log.
func statements(log, database string) (all []statement) {
	ours := false
	for line := range strings.Lines(log) {
		if m := entry.FindStringSubmatch(line); m != nil {
			if ours = m[2] == database; ours {
				all = append(all, statement{m[1], m[3] + "\n"})
			}
			continue
		}
		if ours = ours && strings.HasPrefix(line, "\t"); ours { // else the rest of what was written into
			all[len(all)-1].text += line
		}
	}
	return all
}
