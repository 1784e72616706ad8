package refresh_test

import (
	"strings"
	"testing"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh"
)

// treeSQL is a table of parents and children, and treeQuery walks it. Redshift takes no WITH RECURSIVE in a subquery.
var treeSQL = []string{
	`CREATE TABLE public.node (id int, parent int, name varchar(20), at timestamp)`,
	`INSERT INTO public.node SELECT i, nullif(i / 2, 0), 'node ' || i, timestamp '2026-01-01' + i * interval '1 s' FROM generate_series(1, 63) i`,
}

const treeQuery = `WITH RECURSIVE tree (id, name, at, depth) AS (
	SELECT id, name, at, 0 FROM public.node WHERE parent IS NULL
	UNION ALL
	SELECT n.id, n.name, n.at, t.depth + 1 FROM public.node n JOIN tree t ON t.id = n.parent
), q AS (SELECT id, name, at, depth FROM tree) -- also of this name
SELECT id, name, at, depth FROM q`

func TestStrategies_TakeRecursiveQueries(t *testing.T) {
	t.Parallel()
	for _, strategy := range catalog.Of(catalog.RemoteSource) {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			b := setup(t, treeSQL...)
			for _, transport := range []catalog.Transport{catalog.DblinkTransport, catalog.AutoTransport} {
				v := b.view("tree_"+string(transport), treeQuery, strategy)
				v.Transport, v.Key = transport, []string{"id"}
				v.SkipUnchanged = catalog.SkipContent
				if strategy == catalog.Nonconcurrent {
					v.Key = nil
				}
				if strategy == catalog.Incremental {
					v.Watermark, v.Lookback = "at", "1m"
				}
				b.add(t, v)
				b.wantEqual(t, v)
				wantState(t, b.runner, refresh.Request{View: v.Name}, catalog.Unchanged)
				b.change(t, `UPDATE public.node SET name = name || '!', at = at + interval '1 day' WHERE id = 7`)
				b.refresh(t, refresh.Request{View: v.Name})
				b.wantEqual(t, v)
			}
			b.wantNothingLeft(t)
		})
	}
}

func TestSplit_TakesRecursiveQueries(t *testing.T) {
	t.Parallel()
	b := setup(t, treeSQL...)
	v := b.view("tree", treeQuery, catalog.Swap)
	v.Split, v.Sessions = "id", 3
	b.add(t, v)
	run := b.refresh(t, refresh.Request{View: v.Name})
	b.wantEqual(t, v)
	if !strings.Contains(reasonOf(run), "read through 3 sessions") {
		t.Errorf("reason is %q", reasonOf(run))
	}
}

// What must be said of a repeated key and of bad text is found behind WITH as well.
func TestRefresh_NamesRepeatedKeysOfARecursiveQuery(t *testing.T) {
	t.Parallel()
	b := setup(t, treeSQL...)
	v := b.view("tree", treeQuery, catalog.Merge)
	v.Key = []string{"id"}
	b.add(t, v)
	b.change(t, `INSERT INTO public.node VALUES (63, 31, 'again', '2026-01-01')`)
	_, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
	if err == nil || !strings.Contains(err.Error(), "id = 63 (2 rows)") {
		t.Errorf("got %v", err)
	}
}
