package refresh_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/refresh"
)

// lockModes are PostgreSQL's, the weakest first, as a plan calls them.
var lockModes = []string{
	"", "ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE",
}

// What a plan says of its locks is what the server says of them: each statement of it takes the lock of its step, and none that is
// stronger, on what others use.
func TestPlan_TakesTheLocksThatItSays(t *testing.T) {
	t.Parallel()
	for _, strategy := range catalog.Of(catalog.RemoteSource) {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			b := setup(t, salesSQL...)
			v := b.salesView(strategy)
			v.Transport = catalog.DblinkTransport // whose loads are statements that can be run by hand
			p := planned{b, v}
			p.locks(t, "add", func() ([]plan.Step, error) { return b.definer.PlanAdd(t.Context(), v, false) })
			b.add(t, v)
			b.change(t, `UPDATE public.sales SET amount = amount + 1, updated_at = '2026-02-01' WHERE id <= 10`)
			for what, req := range map[string]refresh.Request{"refresh": {View: v.Name}, "whole refresh": {View: v.Name, Whole: true}} {
				p.locks(t, what, func() ([]plan.Step, error) { return b.runner.Plan(t.Context(), req) })
			}
			p.alter(t, "an index", func(v *catalog.View) { v.Indexes = []string{"region"} })
			p.alter(t, "a key", func(v *catalog.View) { v.Key = []string{"id", "region"} })
			p.alter(t, "a column comes", func(v *catalog.View) {
				v.Query = "SELECT id, region, amount, note, updated_at, 1 AS one FROM public.sales"
			})
			p.alter(t, "a column changes", retype)
			p.alter(t, "a column goes", func(v *catalog.View) { v.Query = "SELECT id, region, note, updated_at FROM public.sales" })
			p.alter(t, "nobody may read it", func(v *catalog.View) { v.Grantees = nil })
			p.alter(t, "a group", func(v *catalog.View) { v.Group = "alone" })
			for _, to := range catalog.Of(catalog.RemoteSource) {
				p.alter(t, "strategy "+string(to), func(v *catalog.View) { become(v, to) })
			}
			p.locks(t, "drop", func() ([]plan.Step, error) { return b.definer.PlanDrop(t.Context(), v.Name) })

			b.exec(t, `CREATE SCHEMA aside`)
			b.exec(t, `ALTER VIEW `+v.Name.SQL()+` SET SCHEMA aside`)
			b.exec(t, `ALTER VIEW aside.`+v.Name.View+` RENAME TO another`)
			p.locks(t, "refresh of a moved view", func() ([]plan.Step, error) {
				return b.runner.Plan(t.Context(), refresh.Request{View: v.Name})
			})
		})
	}
}

// So does what gives the rows of a table an identity, which others publish.
func TestPlan_TakesTheLockThatAnIdentityNeeds(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	v := b.salesView(catalog.Merge)
	v.Transport = catalog.DblinkTransport
	b.add(t, v)
	b.exec(t, `DO $$ BEGIN EXECUTE (SELECT format('ALTER TABLE redcache_data.v%s_g%s REPLICA IDENTITY DEFAULT', view_id, generation)
		FROM redcache.copy); END $$`)
	b.sudo(t, `CREATE PUBLICATION everything FOR ALL TABLES`)
	planned{b, v}.locks(t, "refresh", func() ([]plan.Step, error) {
		return b.runner.Plan(t.Context(), refresh.Request{View: v.Name, Whole: true})
	})
}

// become gives a view another strategy, and what that needs.
func become(v *catalog.View, to catalog.Strategy) {
	its, _ := to.Traits()
	v.Strategy, v.Watermark, v.Lookback, v.Key = to, "", "", []string{"id"}
	if its.Watermark {
		v.Watermark, v.Lookback = "updated_at", "1m"
	}
}

// planned is a view whose plans are run by hand, and taken back.
type planned struct {
	*bundle
	v catalog.View
}

func (p planned) alter(t *testing.T, what string, change func(v *catalog.View)) {
	t.Helper()
	p.locks(t, "alter: "+what, func() ([]plan.Step, error) {
		return p.definer.PlanAlter(t.Context(), p.v.Name, func(v *catalog.View) error { change(v); return nil }, false)
	})
}

func (p planned) locks(t *testing.T, what string, plan func() ([]plan.Step, error)) {
	t.Helper()
	steps, err := plan()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	taken := errors.New("taken back")
	err = infra.InTx(t.Context(), p.pool, infra.Limits{}, func(tx pgx.Tx) error {
		others := p.others(t, tx)
		held := p.heldOn(t, tx, others)
		for _, step := range steps {
			if step.Title == "store the definition" { // in the catalog
				continue
			}
			if _, err := tx.Exec(t.Context(), step.SQL, pgx.QueryExecModeExec); err != nil {
				t.Fatalf("%s: %s: %v", what, step.SQL, err)
			}
			now := p.heldOn(t, tx, others)
			said, took := slices.Index(lockModes, string(step.Lock)), strongest(t, now, held)
			again := slices.ContainsFunc(held, func(lock string) bool { return rank(t, lock) == said }) // it is not seen to be taken
			if took != said && (took > said || !again) {
				t.Errorf("%s: %q takes %q, and says %q: %.300s", what, step.Title, lockModes[took], step.Lock, step.SQL)
			}
			held = now
		}
		return taken
	})
	if !errors.Is(err, taken) {
		t.Fatalf("%s: %v", what, err)
	}
}

// others are the relations that others may be using: all that are not PostgreSQL's own or the catalog's.
func (p planned) others(t *testing.T, tx pgx.Tx) (oids []uint32) {
	t.Helper()
	err := tx.QueryRow(t.Context(), `SELECT coalesce(array_agg(oid), '{}') FROM pg_class WHERE relnamespace NOT IN (
		'pg_catalog'::regnamespace, 'pg_toast'::regnamespace, 'information_schema'::regnamespace, 'redcache'::regnamespace)`).Scan(&oids)
	if err != nil {
		t.Fatal(err)
	}
	return oids
}

// heldOn are the locks that a transaction has on relations: of each, and its mode.
func (p planned) heldOn(t *testing.T, tx pgx.Tx, relations []uint32) (held []string) {
	t.Helper()
	rows, err := tx.Query(t.Context(), `SELECT relation || ' ' || mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation'
		AND granted AND relation = ANY ($1)`, relations)
	if err == nil {
		held, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	if err != nil {
		t.Fatal(err)
	}
	return held
}

// strongest is the rank of the strongest of locks that were not held before.
func strongest(t *testing.T, locks, before []string) (strongest int) {
	t.Helper()
	for _, lock := range locks {
		if !slices.Contains(before, lock) {
			strongest = max(strongest, rank(t, lock))
		}
	}
	return strongest
}

// rank is how strong a lock is that the server tells of.
func rank(t *testing.T, lock string) int {
	t.Helper()
	_, mode, _ := strings.Cut(lock, " ")
	at := slices.IndexFunc(lockModes, func(m string) bool { return strings.EqualFold(strings.ReplaceAll(m, " ", "")+"lock", mode) })
	if at < 0 {
		t.Fatalf("%s is no lock", mode)
	}
	return at
}
