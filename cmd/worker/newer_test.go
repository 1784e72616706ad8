package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/redshift"
)

// newerInit is what `cachectl init` of a later version does: it waits until nobody uses the catalog, changes it, and says so.
const newerInit = `
	BEGIN;
	SET LOCAL lock_timeout = '300ms';
	LOCK TABLE redcache.view, redcache.state, redcache.generation IN ACCESS EXCLUSIVE MODE;
	%s;
	INSERT INTO redcache.schema_version (version_id, is_applied) VALUES (%d, true);
	COMMIT`

// newerInit changes the catalog. As the real one does, it gives its locks up when it does not get them all, and begins anew: the
// worker may be waiting for those.
func (b *bundle) newerInit(t *testing.T, change string) {
	t.Helper()
	for {
		_, err := b.pool.Exec(t.Context(), fmt.Sprintf(newerInit, change, catalog.Newest+1))
		if err == nil {
			return
		}
		if redshift.Classify(err) != redshift.Backoff { // lock_not_available
			t.Fatal(err)
		}
	}
}

// A catalog that a newer program changes under a worker ends it: what it had begun has committed, and it begins nothing
// more, whether its statements would still do or not.
func TestWorker_EndsWhenANewerProgramHasChangedTheCatalog(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]string{
		"columns are gone": `ALTER TABLE redcache.state RENAME COLUMN next_due TO due; ALTER TABLE redcache.generation RENAME COLUMN columns TO shape`,
		"all is there":     `SELECT 1`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.source.Throttle(200_000) // a read takes a moment
			for _, strategy := range catalog.Of(catalog.RemoteSource) {
				b.addView(t, string(strategy), strategy, 100*time.Millisecond)
			}
			w := b.start(t)
			b.awaitRuns(t, catalog.Succeeded, len(catalog.Of(catalog.RemoteSource)))
			b.awaitRuns(t, catalog.Running, 1)
			b.newerInit(t, change)
			if code := w.wait(t); code != exitFailed {
				t.Errorf("exit code %d, want %d", code, exitFailed)
			}
			for _, part := range []string{
				"the catalog is of a newer version: schema redcache has version", "Replace this program by a newer one",
			} {
				if !strings.Contains(w.log.String(), part) {
					t.Errorf("the worker does not say %q", part)
				}
			}
			if times := strings.Count(w.log.String(), "newer version"); times > 10 {
				t.Errorf("it says so %d times", times)
			}
			b.wantNothingLeft(t)
			b.wantNone(t, "runs that did harm", `SELECT state || ': ' || coalesce(error, '') FROM redcache.run
				WHERE state NOT IN ('succeeded', 'unchanged', 'skipped') AND error NOT LIKE '%newer version%'`)
			b.wantNone(t, "views without their rows", wrongRows())

			next := b.start(t)
			if code := next.wait(t); code != exitFailed || !strings.Contains(next.log.String(), "newer version") {
				t.Errorf("one that starts: exit code %d", code)
			}
		})
	}
}

// wrongRows names the views that have not the rows of the source.
func wrongRows() string {
	var each []string
	for _, strategy := range catalog.Of(catalog.RemoteSource) {
		each = append(each, fmt.Sprintf(`SELECT '%s has ' || count(*) FROM bi.%[1]s HAVING count(*) <> %d OR count(DISTINCT id) <> %[2]d`,
			strategy, sourceRows))
	}
	return strings.Join(each, " UNION ALL ")
}
