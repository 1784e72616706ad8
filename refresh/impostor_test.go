package refresh_test

import (
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/health"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/refresh"
)

// impostors is a cache of which one view, ev.src, is in a schema of somebody else's, who may drop it and put his own there. bi.over is
// live over it, and bi.above over that one.
type impostors struct {
	*bundle
	evil             *pgxpool.Pool
	src, over, above catalog.View
}

func setupImpostors(t *testing.T) *impostors {
	t.Helper()
	b := setup(t, salesSQL...)
	role := b.stranger(t, "Evil")
	b.sudo(t, `CREATE SCHEMA ev AUTHORIZATION "`+role+`"`)
	t.Cleanup(func() { b.sudo(t, `DROP SCHEMA ev CASCADE`) })
	i := &impostors{bundle: b, evil: pgtest.OpenPool(t, b.cache.Cluster.URL(b.cache.Name, role, "app"))}
	i.asEvil(t, `GRANT CREATE, USAGE ON SCHEMA ev TO redcache_owner; GRANT USAGE ON SCHEMA ev TO PUBLIC;
		CREATE FUNCTION ev.f(bigint) RETURNS bigint LANGUAGE sql AS 'SELECT $1'`)
	i.src = b.view("src", "SELECT id, region FROM public.sales", catalog.Swap)
	i.src.Name.Schema, i.src.Grantees = "ev", nil
	b.add(t, i.src)
	i.over = b.localView("over", "SELECT s.id, s.region FROM ev.src s", catalog.Live)
	i.above = b.localView("above", "SELECT o.id, o.region FROM bi.over o", catalog.Live)
	for _, v := range []catalog.View{i.over, i.above} {
		if _, err := b.definer.Add(t.Context(), v, false, nil); err != nil {
			t.Fatal(err)
		}
	}
	i.wantRight(t)
	return i
}

func (i *impostors) asEvil(t *testing.T, sql string) {
	t.Helper()
	if _, err := tryRows(t.Context(), i.evil, sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

const impostor = `CREATE VIEW ev.src AS SELECT ev.f(666) AS id, 'forged'::text AS region; GRANT SELECT ON ev.src TO PUBLIC`

func (i *impostors) wantRight(t *testing.T) {
	t.Helper()
	for _, v := range []catalog.View{i.over, i.above} {
		i.wantRows(t, v, rows(t, i.source.Engine, i.src.Query))
	}
	all, err := i.store.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if s.Problem != "" {
			t.Errorf("%s: %s", s.View.Name, s.Problem)
		}
	}
}

// wantBroken wants both live views to be told as what they are.
func (i *impostors) wantBroken(t *testing.T, says string) {
	t.Helper()
	all, err := i.store.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		v := health.Of(health.Facts{Status: s, Now: time.Now()})
		if s.View.Rowless() && (v.Health != health.Failed || v.Cause != health.Broken || !strings.Contains(v.Sentence, says)) {
			t.Errorf("%s is %s, %s: %s; want what says %q", s.View.Name, v.Health, v.Cause, v.Sentence, says)
		}
	}
}

func (i *impostors) wantNoneForged(t *testing.T) {
	t.Helper()
	for _, view := range []string{"bi.over", "bi.above", "bi.late"} {
		if got, err := tryRows(t.Context(), i.readers, "SELECT * FROM "+view); err == nil {
			t.Errorf("readers of %s see %v", view, got)
		}
	}
}

func wantRefused(t *testing.T, what string, err error, says string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(infra.Hint(err), "Refresh the input first") {
		t.Errorf("%s: %v, want what says %q; hint: %s", what, err, says, infra.Hint(err))
	}
}

// A live view is neither made again nor added over what stands under the name of its input, and is somebody else's.
func TestLive_IsNotMadeOverAnImpostor(t *testing.T) {
	t.Parallel()
	i := setupImpostors(t)
	kept := i.localView("kept", "SELECT id, region FROM ev.src", catalog.Swap)
	i.add(t, kept)
	i.asEvil(t, `DROP VIEW ev.src CASCADE; `+impostor)
	const says = "its input ev.src: another relation has its name, which belongs to Evil "
	_, err := i.runner.Refresh(t.Context(), refresh.Request{View: i.over.Name})
	wantRefused(t, "refresh", err, says)
	_, err = i.runner.Refresh(t.Context(), refresh.Request{View: i.above.Name})
	wantRefused(t, "refresh of what is above", err, "its input bi.over: somebody has dropped it")
	late := i.localView("late", "SELECT id, region FROM ev.src", catalog.Live)
	_, err = i.definer.Add(t.Context(), late, false, nil)
	wantRefused(t, "add", err, says)
	sales := i.salesView(catalog.Swap)
	var adding []refresh.Change
	for _, v := range []catalog.View{sales, late} {
		adding = append(adding, refresh.Change{Name: v.Name, Add: true, Define: func(to *catalog.View) error { *to = v; return nil }})
	}
	_, err = i.definer.Apply(t.Context(), adding)
	wantRefused(t, "apply", err, says)
	wantRefused(t, "a view with rows becomes live", <-i.alter(t.Context(), kept.Name, func(v *catalog.View) { v.Strategy = catalog.Live }), says)
	i.wantRows(t, kept, rows(t, i.source.Engine, i.src.Query))
	i.wantNoneForged(t)
	i.wantBroken(t, "somebody has dropped it")
	i.wantNoSets(t)

	i.asEvil(t, `DROP VIEW ev.src`)
	for _, v := range []catalog.View{i.src, i.over, i.above} {
		i.refresh(t, refresh.Request{View: v.Name})
	}
	i.wantRight(t)
	i.wantNothingLeft(t)
}

// Readers do not go back to a live view that would be made over an impostor. Nothing looks at its inputs but what looks once it is made.
func TestLive_DoesNotComeBackOverAnImpostor(t *testing.T) {
	t.Parallel()
	i := setupImpostors(t)
	_, err := i.definer.Keeping(time.Hour).Apply(t.Context(), []refresh.Change{{Name: i.above.Name, Define: func(v *catalog.View) error {
		v.Query = "SELECT 1 AS one FROM bi.over"
		return nil
	}}, {Name: i.over.Name, Define: func(v *catalog.View) error {
		v.Query = "SELECT s.region, s.id FROM ev.src s"
		return nil
	}}})
	if err != nil {
		t.Fatal(err)
	}
	i.asEvil(t, `DROP VIEW ev.src CASCADE; `+impostor)
	_, _, err = i.definer.Rollback(t.Context(), 0)
	wantRefused(t, "rollback", err, "it is made over ev.src, which belongs to ")
	i.wantNoneForged(t)
}

// What a live view stands over is known by what stands there, not by its name: an older version may have made it over an impostor
// that has another name since, and an input may be given away. It is told, and made anew over what is right.
func TestLive_StandsOverAnImpostor(t *testing.T) {
	t.Parallel()
	i := setupImpostors(t)
	generation := func(v catalog.View) string {
		stored, _ := i.stateOf(t, v)
		return stored.RelationSQL(stored.Generation)
	}
	i.asEvil(t, `DROP VIEW ev.src CASCADE; `+impostor)
	for _, made := range []struct{ v, over string }{{"over", "ev.src"}, {"above", "bi.over"}} { // as it was done before anybody looked
		relation := generation(map[string]catalog.View{"over": i.over, "above": i.above}[made.v])
		i.exec(t, `CREATE VIEW `+relation+` (id, region) AS SELECT id, region FROM `+made.over+`; CREATE VIEW bi.`+made.v+` AS SELECT id, region FROM `+relation+`;
			GRANT SELECT ON bi.`+made.v+` TO `+pgtest.Reader)
	}
	i.wantBroken(t, "it is made over ev.src, which belongs to ")
	i.asEvil(t, `ALTER VIEW ev.src RENAME TO hidden`)
	i.refresh(t, refresh.Request{View: i.src.Name})
	i.wantBroken(t, "it is made over ev.hidden, which belongs to ")
	_, err := i.runner.Refresh(t.Context(), refresh.Request{View: i.above.Name})
	wantRefused(t, "refresh of what is above", err, "its input bi.over: it is made over ev.hidden")
	if run := i.refresh(t, refresh.Request{View: i.over.Name}); !strings.Contains(reasonOf(run), "it is made over ev.hidden") {
		t.Errorf("the run says %q", reasonOf(run))
	}
	i.wantRight(t) // what is above reads the same view, which shows something else now

	for _, sql := range []string{`DROP VIEW ev.src`, `CREATE OR REPLACE VIEW ev.src AS SELECT ev.f(666) AS id, 'forged'::text AS region`} {
		if _, err := tryRows(t.Context(), i.evil, sql); err == nil {
			t.Errorf("the owner of a schema may %s", sql)
		}
	}

	i.sudo(t, `ALTER VIEW ev.src OWNER TO "`+i.evil.Config().ConnConfig.User+`"`)
	i.asEvil(t, `CREATE OR REPLACE VIEW ev.src AS SELECT ev.f(666) AS id, 'forged'::text AS region`)
	i.wantBroken(t, "it is made over ev.src, which belongs to ")
	_, err = i.runner.Refresh(t.Context(), refresh.Request{View: i.over.Name})
	wantRefused(t, "refresh", err, "its input ev.src: it belongs to Evil ")
	i.sudo(t, `DROP VIEW ev.src CASCADE`)
	for _, v := range []catalog.View{i.src, i.over, i.above} {
		i.refresh(t, refresh.Request{View: v.Name})
	}
	i.wantRight(t)
	i.wantNothingLeft(t)
}
