package migrate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/plan"
)

// What `init --dry-run` prints is what runs, wherever the catalog is: the plan has the statements that the server then logs.
func TestPlan_IsWhatRuns(t *testing.T) {
	t.Parallel()
	for _, version := range []int64{0, 3, 4} {
		t.Run(fmt.Sprint("from version ", version), func(t *testing.T) {
			t.Parallel()
			var db *pgtest.Database
			if version == 0 {
				db = pgtest.New(t)
				do(t, db.Pool(t), `ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO redcache_reader, PUBLIC`)
			} else {
				of, pool := ofVersion(t, version)
				do(t, pool, older)
				db = of
			}
			log := pgtest.LogStatements(t, db)
			pool := pgtest.OpenPool(t, db.URL)
			comparePlan(t, log, pool)
			if again := comparePlan(t, log, pool); len(again) > 0 {
				t.Errorf("a second init would run %q", again)
			}
		})
	}
}

// comparePlan holds what a dry run says against what the server logs of the same thing, and what it logs of the dry run
// against nothing.
func comparePlan(t *testing.T, log pgtest.Statements, db DB) (planned []string) {
	t.Helper()
	before := log.Until(t)
	steps, err := Plan(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	middle := log.Until(t)
	if stayed := log.Changing(t, before, middle); stayed != nil {
		t.Errorf("the dry run left behind what was done by %q", stayed)
	}
	if _, err := Up(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	for _, step := range steps {
		planned = append(planned, pgtest.Comparable(step.SQL))
	}
	if diff := cmp.Diff(planned, log.Changing(t, middle, log.Until(t))); diff != "" {
		t.Errorf("(-planned +logged):\n%s", diff)
	}
	return planned
}

// Whoever uses the catalog waits for nothing that a dry run does, and the dry run for nobody; what it says of a catalog that
// is in use is that its readers will wait.
func TestPlan_OfACatalogInUseLocksNothing(t *testing.T) {
	t.Parallel()
	for _, version := range []int64{3, 4} {
		t.Run(fmt.Sprint("from version ", version), func(t *testing.T) {
			t.Parallel()
			db, pool := ofVersion(t, version)
			defer refreshing(t, db)()
			steps, err := Plan(t.Context(), pool)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(steps[0].SQL, "redcache.freshness") {
				t.Errorf("the first step is %s", steps[0].SQL)
			}
			for _, step := range steps {
				waits := step.Lock == plan.AccessExclusive && len(step.Hazards) == 1 && step.Hazards[0] == plan.ReadersWait
				if own := strings.HasPrefix(step.SQL, "INSERT INTO redcache.schema_version"); waits == own {
					t.Errorf("lock %q, hazards %v: %.80s", step.Lock, step.Hazards, step.SQL)
				}
			}
		})
	}
}

// Run by hand, the plan comes to what init comes to.
func TestPlan_ComesToTheSame(t *testing.T) {
	t.Parallel()
	for _, version := range []int64{0, 3, 4} {
		t.Run(fmt.Sprint("from version ", version), func(t *testing.T) {
			t.Parallel()
			db := pgtest.New(t)
			pool := db.Pool(t)
			if version > 0 {
				_, pool = ofVersion(t, version)
				do(t, pool, older)
			}
			steps, err := Plan(t.Context(), pool)
			if err != nil {
				t.Fatal(err)
			}
			tx, err := pool.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = tx.Rollback(t.Context()) }() // the pool waits for it
			for _, step := range steps {
				if _, err := tx.Exec(t.Context(), step.SQL, pgx.QueryExecModeSimpleProtocol); err != nil {
					t.Fatalf("%s: %v", step.Title, err)
				}
			}
			if err := tx.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
			if left, err := Up(t.Context(), pool); err != nil || len(left) > 0 {
				t.Errorf("init still has to apply %v, %v", left, err)
			}
		})
	}
}
