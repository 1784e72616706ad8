package refresh_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/refresh"
)

// Whoever changes, drops or refreshes a view that somebody else has is told whom it waits for.
func TestDefiner_TellsWhomItWaitsFor(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(b *bundle, t *testing.T, v catalog.View, told func(refresh.Phase)) error{
		"alter": func(b *bundle, t *testing.T, v catalog.View, told func(refresh.Phase)) error {
			change := func(v *catalog.View) error { v.Timeout *= 2; return nil }
			_, err := b.definer.Alter(t.Context(), v.Name, change, false, told)
			return err
		},
		"drop": func(b *bundle, t *testing.T, v catalog.View, told func(refresh.Phase)) error {
			return b.definer.Telling(told).Drop(t.Context(), v.Name)
		},
		"refresh": func(b *bundle, t *testing.T, v catalog.View, told func(refresh.Phase)) error {
			_, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name, Wait: time.Minute, Progress: told})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, salesSQL...)
			v := b.salesView(catalog.Merge)
			b.add(t, v)
			release := b.somebodyHas(t, v)
			var once sync.Once
			err := do(b, t, v, func(phase refresh.Phase) {
				if strings.HasPrefix(string(phase), "waiting for the lock, held by pid ") {
					once.Do(release)
				}
			})
			if err != nil {
				t.Errorf("%v (%s)", err, infra.Hint(err))
			}
			told := true
			once.Do(func() { told = false; release() })
			if !told {
				t.Error("it was not told who has the view")
			}
		})
	}
}

// somebodyHas takes the lock of a view, until it is released.
func (b *bundle) somebodyHas(t *testing.T, v catalog.View) (release func()) {
	t.Helper()
	tx, err := b.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	release = sync.OnceFunc(func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) })
	t.Cleanup(release)
	_, err = tx.Exec(t.Context(), `SELECT pg_advisory_xact_lock('redcache.view'::regclass::oid::bigint::bit(32)::integer, id)
		FROM redcache.view WHERE schema_name = $1 AND view_name = $2`, v.Name.Schema, v.Name.View)
	if err != nil {
		t.Fatal(err)
	}
	return release
}

// A description that Redshift refuses leaves no session on it, however long the backend lives.
func TestDefine_ARefusedDescriptionLeavesNoSession(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	v := b.salesView(catalog.Merge)
	b.add(t, v)
	change := func(v *catalog.View) error { v.Query += " WHERE id > 3"; return nil }
	b.source.FailNext("CREATE TEMPORARY TABLE", redshiftsim.EngineError{Code: "XX000", Message: "Query (150) canceled on user's request"})
	if _, err := b.definer.Alter(t.Context(), v.Name, change, false, nil); err == nil {
		t.Fatal("it was not refused")
	}
	b.wantNothingLeft(t)
	other := b.salesView(catalog.Swap)
	b.source.FailNext("CREATE TEMPORARY TABLE", redshiftsim.EngineError{Code: "42P01", Message: `relation "sales" does not exist`})
	if _, err := b.definer.Add(t.Context(), other, false, nil); err == nil {
		t.Fatal("it was not refused")
	}
	b.wantNothingLeft(t)
}
