package refresh_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/refresh"
)

// filled wants a transaction to find the view with rows, or not at all.
func filled(t *testing.T, tx pgx.Tx, v catalog.View) {
	t.Helper()
	var missing bool
	if err := tx.QueryRow(t.Context(), "SELECT to_regclass($1) IS NULL", v.Name.SQL()).Scan(&missing); err != nil {
		t.Fatal(err)
	}
	if missing {
		return
	}
	var n int
	if err := tx.QueryRow(t.Context(), "SELECT count(*) FROM "+v.Name.SQL()).Scan(&n); err != nil || n != 200 {
		t.Errorf("an old transaction finds %d rows, %v", n, err)
	}
}

// The ways by which a table comes before readers whose rows are not visible to every snapshot.
var publications = map[string]struct {
	strategy catalog.Strategy // of the view that is there before; empty: none is
	how      func(*catalog.View)
	alter    func(*catalog.View) // instead of a refresh
}{
	"a swap":                 {strategy: catalog.Swap},
	"a swap without a key":   {strategy: catalog.Swap, how: func(v *catalog.View) { v.Key = nil }},
	"a group of swaps":       {strategy: catalog.Swap, how: func(v *catalog.View) { v.Group = "both" }},
	"a first swap":           {how: func(v *catalog.View) { v.Strategy = catalog.Swap }},
	"a first merge":          {how: func(v *catalog.View) { v.Strategy = catalog.Merge }},
	"a first load past rows": {how: func(v *catalog.View) { v.Strategy, v.Watermark = catalog.Incremental, "batch" }},
	"a new index":            {strategy: catalog.Merge, alter: func(v *catalog.View) { v.Indexes = []string{"batch"} }},
	"a new key":              {strategy: catalog.Merge, alter: func(v *catalog.View) { v.Key = []string{"id", "batch"} }},
	"a table instead":        {strategy: catalog.Concurrent, alter: func(v *catalog.View) { v.Strategy = catalog.Merge }},
	"a new watermark": {strategy: catalog.Merge, alter: func(v *catalog.View) {
		v.Strategy, v.Watermark, v.Lookback = catalog.Incremental, "batch", "0"
	}},
}

func TestPublish_NobodyFindsATableEmpty(t *testing.T) {
	t.Parallel()
	for name, tt := range publications {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, batchSQL...)
			v := b.batchView("item", tt.strategy, catalog.DblinkTransport)
			if tt.how != nil {
				tt.how(&v)
			}
			other := v
			other.Name.View = "other"
			if v.Group != "" {
				b.add(t, other)
			}
			if tt.strategy != "" {
				b.add(t, v)
			}
			b.nextBatch(t, 1)
			reader := b.oldReader(t)
			ctx, cancel := bounded(t.Context())
			defer cancel()
			done := make(chan error, 1)
			go func() {
				var err error
				switch {
				case tt.strategy == "":
					_, err = b.definer.Add(ctx, v, false, nil)
				case tt.alter != nil:
					_, err = b.definer.Alter(ctx, v.Name, func(v *catalog.View) error { tt.alter(v); return nil }, false, nil)
				default:
					_, err = b.runner.Refresh(ctx, refresh.Request{View: v.Name})
				}
				done <- err
			}()
			b.untilSome(t, `SELECT FROM redcache.generation g JOIN redcache.view v ON v.id = g.view_id
				WHERE v.view_name = 'item' AND g.state = 'filled'`)
			filled(t, reader, v)
			select {
			case err := <-done:
				t.Errorf("it was published under an old transaction: %v", err)
			default:
			}
			leave(t, reader)
			if err := await(t, done); err != nil {
				t.Fatal(err)
			}
			b.wantBatch(t, v, 1)
			if v.Group != "" {
				b.wantBatch(t, other, 1)
			}
			b.wantNothingLeft(t)
		})
	}
}

// Transactions whose snapshot is older, of every kind.
func TestPublish_WaitsForEveryKindOfOldTransaction(t *testing.T) {
	t.Parallel()
	for name, statements := range map[string][]string{
		"serializable": {"BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY", "SELECT FROM pg_class"},
		"cursor":       {"BEGIN", "DECLARE c CURSOR FOR SELECT pg_temp.items() FROM generate_series(1, 2)", "FETCH c"},
		"imported":     {"BEGIN ISOLATION LEVEL REPEATABLE READ", "SET TRANSACTION SNAPSHOT '$snapshot'"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, v := batches(t, catalog.Swap, catalog.DblinkTransport)
			exporter := b.oldReader(t)
			var snapshot string
			if err := exporter.QueryRow(t.Context(), "SELECT pg_export_snapshot()").Scan(&snapshot); err != nil {
				t.Fatal(err)
			}
			conn := pgtest.Connect(t, b.cache.ReaderURL(b.cache.Name))
			run := func(sql string) int {
				t.Helper()
				results, err := conn.PgConn().Exec(t.Context(), strings.ReplaceAll(sql, "$snapshot", snapshot)).ReadAll()
				if err != nil {
					t.Fatalf("%s: %v", sql, err)
				}
				n := 0
				if last := results[len(results)-1]; len(last.Rows) == 1 && len(last.Rows[0]) == 1 {
					_, _ = fmt.Sscan(string(last.Rows[0][0]), &n)
				}
				return n
			}
			// It is planned when it is called, and sees what the statement that calls it sees.
			run(`CREATE FUNCTION pg_temp.items() RETURNS bigint LANGUAGE plpgsql STABLE AS $$
				DECLARE n bigint; BEGIN EXECUTE 'SELECT count(*) FROM bi.item WHERE pg_catalog.pg_backend_pid() > 0' INTO n; RETURN n; END $$`)
			for _, sql := range statements {
				run(sql)
			}
			leave(t, exporter)
			b.nextBatch(t, 1)
			refreshing := b.refreshing(t.Context(), refresh.Request{View: v.Name})
			b.untilSome(t, `SELECT FROM redcache.copy WHERE loaded = 2`)
			read := "SELECT pg_temp.items()"
			if name == "cursor" {
				read = "FETCH c"
			}
			if n := run(read); n != 200 {
				t.Errorf("it finds %d rows", n)
			}
			run("ROLLBACK")
			wantSucceeded(t, refreshing)
			b.wantBatch(t, v, 1)
			b.wantNothingLeft(t)
		})
	}
}

// Who reads no views is in nobody's way.
func TestPublish_DoesNotWaitForOtherRefreshes(t *testing.T) {
	t.Parallel()
	b, v := batches(t, catalog.Swap, catalog.DblinkTransport)
	other := v
	other.Name.View = "other"
	b.add(t, other)
	holder := b.holder(t, other)
	begin(t, pgtest.OpenPool(t, b.cache.ReaderURL("postgres")), pgx.RepeatableRead, "SELECT FROM pg_class") // of another database
	b.nextBatch(t, 1)
	runner := refresh.NewRunner(b.pool, refresh.Config{Patience: 10 * time.Second, SwitchPatience: 10 * time.Second})
	if run, err := runner.Refresh(t.Context(), refresh.Request{View: v.Name}); err != nil || run.Strategy != catalog.Swap || run.Note != "" {
		t.Errorf("a %s, note %q, %v", run.Strategy, run.Note, err)
	}
	b.wantBatch(t, v, 1)
	leave(t, holder)
}

// Whoever has a lock of another kind, or one like a refresh's without being the owner, may read views.
func TestPublish_WaitsForWhoeverHasALockOfAnotherKind(t *testing.T) {
	t.Parallel()
	b, v := batches(t, catalog.Swap, catalog.DblinkTransport)
	class := strings.Trim(rows(t, b.pool, `SELECT 'redcache.view'::regclass::oid::bigint`)[0], `" `)
	impatient := refresh.NewRunner(b.pool, refresh.Config{Patience: 300 * time.Millisecond, SwitchPatience: 300 * time.Millisecond})
	v.Key = nil
	v.Name.View = "keyless"
	b.add(t, v)
	for what, reader := range map[string]pgx.Tx{
		"the owner's":  begin(t, b.pool, pgx.RepeatableRead, "SELECT pg_advisory_xact_lock(1, 999)"),
		"a stranger's": begin(t, b.readers, pgx.RepeatableRead, "SELECT pg_advisory_xact_lock("+class+", 999)"),
	} {
		b.nextBatch(t, 1)
		run, err := impatient.Refresh(t.Context(), refresh.Request{View: v.Name})
		if err != nil {
			t.Fatal(err)
		}
		if pid := fmt.Sprint(reader.Conn().PgConn().PID()); !strings.Contains(run.Note, pid) {
			t.Errorf("%s: the note does not name backend %s: %q", what, pid, run.Note)
		}
	}
}

// A transaction that never ends keeps the old rows in place, not the refresh.
func TestPublish_WaitsNoLongerThanItsPatience(t *testing.T) {
	t.Parallel()
	b := setup(t, batchSQL...)
	v := b.batchView("item", catalog.Swap, catalog.DblinkTransport)
	v.Key = nil
	b.add(t, v)
	reader := b.oldReader(t)
	impatient := refresh.NewRunner(b.pool, refresh.Config{Patience: 300 * time.Millisecond})
	for batch := 1; batch <= 2; batch++ {
		b.nextBatch(t, batch)
		run, err := impatient.Refresh(t.Context(), refresh.Request{View: v.Name})
		if err != nil || run.State != catalog.Succeeded {
			t.Fatalf("%s, %v", run.State, err)
		}
		pid := fmt.Sprint(reader.Conn().PgConn().PID())
		if !strings.Contains(run.Note, "readers keep the old generation") || !strings.Contains(run.Note, pid) {
			t.Errorf("the note does not name backend %s: %q", pid, run.Note)
		}
		filled(t, reader, v)
		b.wantBatch(t, v, 0)
	}
	first := b.batchView("first", catalog.Swap, catalog.DblinkTransport)
	run, err := refresh.NewDefiner(b.pool, impatient).Add(t.Context(), first, false, nil)
	if err != nil || !strings.Contains(run.Note, "not there for readers") {
		t.Errorf("note %q, %v", run.Note, err)
	}
	filled(t, reader, first)
	leave(t, reader)
	for _, v := range []catalog.View{v, first} {
		if run := b.refresh(t, refresh.Request{View: v.Name}); run.Note != "" {
			t.Errorf("note %q", run.Note)
		}
		b.wantBatch(t, v, 2)
	}
	b.wantNothingLeft(t)
}

// A member that was changed meanwhile keeps the others of its group waiting.
func TestGroup_IsNotPublishedByHalves(t *testing.T) {
	t.Parallel()
	b := setup(t)
	views := b.group(t, catalog.DblinkTransport, catalog.Swap, catalog.Swap)
	if err := b.grow(t.Context(), views); err != nil {
		t.Fatal(err)
	}
	old := b.oldReader(t)
	refreshing := b.refreshing(t.Context(), refresh.Request{View: views[0].Name})
	b.untilSome(t, `SELECT FROM redcache.copy WHERE loaded > generation HAVING count(*) = 2`)
	_, err := b.definer.Alter(t.Context(), views[1].Name, func(v *catalog.View) error { v.Indexes = []string{"age"}; return nil }, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	leave(t, old)
	wantSucceeded(t, refreshing)
	b.wantAge(t, views, 0)
	b.refresh(t, refresh.Request{View: views[0].Name})
	b.wantAge(t, views, 1)
	b.wantNothingLeft(t)
}

// Two that grant rights on one schema get in each other's way.
func TestPublish_ManyFirstLoadsAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, batchSQL...)
	var added []<-chan error
	for n := range 8 {
		v := b.batchView(fmt.Sprint("item", n), catalog.Merge, catalog.DblinkTransport)
		done := make(chan error, 1)
		go func() {
			run, err := b.definer.Add(t.Context(), v, false, nil)
			if err == nil && run.Note != "" {
				err = fmt.Errorf("%s: %s", v.Name, run.Note)
			}
			done <- err
		}()
		added = append(added, done)
	}
	for _, done := range added {
		if err := await(t, done); err != nil {
			t.Error(err)
		}
	}
	b.wantNothingLeft(t)
}
