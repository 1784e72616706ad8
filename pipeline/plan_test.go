package pipeline_test

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/pipeline"
	"github.com/redcache/redcache/pipeline/impact"
	"github.com/redcache/redcache/refresh"
)

var salesTables = []string{
	`CREATE SCHEMA shop`,
	`CREATE TABLE shop.sales AS SELECT i AS id, i % 3 AS region, i * 10 AS amount FROM generate_series(1, 9) i`,
	`GRANT USAGE ON SCHEMA shop TO PUBLIC`, `GRANT SELECT ON shop.sales TO PUBLIC`,
}

const (
	salesFile = "-- @matview-schema bi\n-- @matview-name sales\n-- @link dw\n-- @key id\n"
	sales     = salesFile + "SELECT id, region, amount FROM shop.sales"
	topFile   = "-- @matview-schema bi\n-- @matview-name top\n"
	top       = topFile + "SELECT id FROM bi.sales WHERE region = 1"
)

// planned is what a plan says of a view.
type planned struct {
	Kind         pipeline.Kind
	Way          pipeline.Way
	Breaks, Adds []string
}

var asItWas = planned{pipeline.Unchanged, pipeline.ByNothing, nil, nil}

// What a plan says of each class of change is what apply does.
func TestPlan_SaysWhatApplyDoes(t *testing.T) {
	t.Parallel()
	again := planned{pipeline.Recomputed, pipeline.ByRebuild, nil, nil}
	pool := linked(t, salesTables...)
	for _, tt := range []struct {
		name       string
		sales, top string
		prune      bool
		want       map[string]planned
	}{
		{"nothing", sales, top, false, map[string]planned{"sales": asItWas, "top": asItWas}},
		{"adds a column", strings.Replace(sales, "amount F", "amount, 2 * amount AS twice F", 1), top, false, map[string]planned{
			"sales": {pipeline.Changed, pipeline.ByRebuild, nil, []string{`column "twice" comes, integer`}}, "top": again,
		}},
		{"adds a column in between", strings.Replace(sales, "amount F", "2 * amount AS twice, amount F", 1), top, false, map[string]planned{
			"sales": {pipeline.Changed, pipeline.ByRebuild, nil, []string{`column "twice" comes, integer`}}, "top": again,
		}},
		{"drops a column", strings.Replace(sales, ", amount", "", 1), top, false, map[string]planned{
			"sales": {pipeline.Changed, pipeline.ByRebuild, []string{`column "amount" goes`}, nil}, "top": again,
		}},
		{"renames a column", strings.Replace(sales, "amount F", "amount AS total F", 1), top, false, map[string]planned{
			"sales": {pipeline.Changed, pipeline.ByRebuild, []string{`column "amount" goes`}, []string{`column "total" comes, integer`}}, "top": again,
		}},
		{"retypes a column", strings.Replace(sales, "amount F", "CAST(amount AS bigint) AS amount F", 1), top, false, map[string]planned{
			"sales": {pipeline.Changed, pipeline.ByRebuild, []string{`column "amount" changes from integer to bigint`}, nil}, "top": again,
		}},
		{"changes the key", strings.Replace(sales, "@key id", "@key id, region", 1), top, false, map[string]planned{
			"sales": {pipeline.Changed, pipeline.ByRebuild, []string{"rows are not identified by id any more"}, nil}, "top": asItWas,
		}},
		{"changes the schedule", strings.Replace(sales, "-- @key", "-- @every 5m\n-- @key", 1), top, false, map[string]planned{
			"sales": {pipeline.Changed, pipeline.ByCatalog, nil, nil}, "top": asItWas,
		}},
		{"returns other rows", sales + " WHERE id > 3", top, false, map[string]planned{
			"sales": {pipeline.Changed, pipeline.ByRebuild, nil, nil}, "top": again,
		}},
		{"goes", sales, "", true, map[string]planned{
			"sales": asItWas, "top": {pipeline.Removed, pipeline.ByDrop, []string{"the view goes"}, nil},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := apply(t, pool, compare(t, pool, project(t, sales, top), false), true); err != nil {
				t.Fatal(err)
			}
			before := published(t, pool)
			changes := compare(t, pool, project(t, tt.sales, tt.top), tt.prune)
			described, err := definer(pool).Describe(t.Context(), pipeline.Apply(changes))
			if err != nil {
				t.Fatal(err)
			}
			plan := pipeline.Plan(changes, described)
			got := map[string]planned{}
			for _, p := range plan {
				got[p.Name.View] = planned{p.Kind, p.Way, p.Breaks, p.Adds}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Fatalf("the plan (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, published(t, pool)); diff != "" {
				t.Fatalf("to plan changes something:\n%s", diff)
			}
			breaks := pipeline.Breaking(plan)
			err = apply(t, pool, changes, false)
			if (err != nil) != (breaks != nil) || err != nil && !strings.Contains(err.Error(), breaks[0]) {
				t.Fatalf("%q is planned to break, and apply says: %v", breaks, err)
			}
			if breaks != nil {
				if diff := cmp.Diff(before, published(t, pool)); diff != "" {
					t.Fatalf("what was refused changes something:\n%s", diff)
				}
				if err := apply(t, pool, changes, true); err != nil {
					t.Fatal(err)
				}
			}
			after := published(t, pool)
			for _, p := range plan {
				agree(t, p, before[p.Name.View], after[p.Name.View])
			}
		})
	}
}

// seen is what readers have of a view, and what the catalog says of it.
type seen struct {
	Columns    string
	Generation int32
	ChangedAt  string
}

// agree holds what a plan says of a view against what has become of it.
func agree(t *testing.T, p pipeline.Planned, before, after seen) {
	t.Helper()
	var columns []string
	for _, c := range p.Columns {
		columns = append(columns, c.Name+" "+c.Local)
	}
	switch p.Way {
	case pipeline.ByDrop:
		if after != (seen{}) {
			t.Errorf("%s is there: %v", p.Name, after)
		}
		return
	case pipeline.ByNothing:
		if after != before {
			t.Errorf("%s changes from %v to %v", p.Name, before, after)
		}
		return
	case pipeline.ByCatalog:
		if after.Generation != before.Generation || after.ChangedAt == before.ChangedAt {
			t.Errorf("%s changes from %v to %v", p.Name, before, after)
		}
	case pipeline.ByRebuild:
		if after.Generation <= before.Generation {
			t.Errorf("%s is not rebuilt: from %v to %v", p.Name, before, after)
		}
	}
	if got := strings.Join(columns, ", "); got != after.Columns {
		t.Errorf("%s was to have columns %s, and has %s", p.Name, got, after.Columns)
	}
}

func published(t *testing.T, pool *pgxpool.Pool) map[string]seen {
	t.Helper()
	rows, err := pool.Query(t.Context(), `
		SELECT c.relname::text, (
		    SELECT string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum)
		    FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0), s.generation, v.changed_at::text
		FROM pg_class c
		JOIN redcache.view v ON v.view_name = c.relname
		JOIN redcache.copy s ON s.view_id = v.id
		WHERE c.relnamespace = 'bi'::regnamespace`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	all := map[string]seen{}
	for rows.Next() {
		var name string
		var s seen
		if err := rows.Scan(&name, &s.Columns, &s.Generation, &s.ChangedAt); err != nil {
			t.Fatal(err)
		}
		all[name] = s
	}
	return all
}

// project is the two views, the second of which may be left out.
func project(t *testing.T, sales, top string) *pipeline.Project {
	t.Helper()
	files := fstest.MapFS{"sales.sql": {Data: []byte(sales)}}
	if top != "" {
		files["top.sql"] = &fstest.MapFile{Data: []byte(top)}
	}
	p, problems := pipeline.Load(files)
	if problems != nil {
		t.Fatal(problems)
	}
	return p
}

func definer(pool *pgxpool.Pool) *refresh.Definer {
	return refresh.NewDefiner(pool, refresh.NewRunner(pool, refresh.Config{}))
}

func compare(t *testing.T, pool *pgxpool.Pool, p *pipeline.Project, prune bool) []pipeline.Change {
	t.Helper()
	live, err := catalog.In(pool).Views(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	changes, problems := p.Compare(live, prune)
	if problems != nil {
		t.Fatal(problems)
	}
	return changes
}

// apply makes changes, and refuses what breaks something unless that is allowed.
func apply(t *testing.T, pool *pgxpool.Pool, changes []pipeline.Change, allow bool) error {
	t.Helper()
	_, err := definer(pool).Judging(func(described []refresh.Described) error {
		if told := pipeline.Breaking(pipeline.Plan(changes, described)); told != nil && !allow {
			return errors.New(strings.Join(told, "; "))
		}
		return nil
	}).Apply(t.Context(), pipeline.Apply(changes))
	return err
}

// Where PostgreSQL lets no view go that others depend on, the plan names them, and apply fails; and only there.
func TestPlan_NamesWhoIsInTheWay(t *testing.T) {
	t.Parallel()
	pool := linked(t, salesTables...)
	if err := apply(t, pool, compare(t, pool, project(t, sales, ""), false), false); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), `CREATE VIEW public.ids AS SELECT id FROM bi.sales`); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, query string
		inTheWay    bool
	}{
		{"other rows", sales + " WHERE id > 3", false},
		{"a column at the end", strings.Replace(sales, "amount F", "amount, 2 * amount AS twice F", 1), false},
		{"a column in between", strings.Replace(sales, "amount F", "2 AS two, amount F", 1), true},
		{"a column that it does not use goes", strings.Replace(sales, ", amount", "", 1), true},
	} {
		changes := compare(t, pool, project(t, tt.query, ""), false)
		described, err := definer(pool).Describe(t.Context(), pipeline.Apply(changes))
		if err != nil {
			t.Fatal(err)
		}
		p := pipeline.Plan(changes, described)[0]
		uses, _, err := impact.Find(t.Context(), pool, []impact.Loss{p.Loss()})
		if err != nil {
			t.Fatal(err)
		}
		if got := len(uses) == 1 && uses[0].InTheWay() && uses[0].Name == "public.ids"; got != tt.inTheWay {
			t.Errorf("%s: got %v", tt.name, uses)
		}
		err = apply(t, pool, changes, true)
		if got := err != nil && strings.Contains(infra.Hint(err), "ids depends on view bi.sales"); got != tt.inTheWay || !got && err != nil {
			t.Errorf("%s: apply says %v", tt.name, err)
		}
	}
}
