package refresh_test

import (
	"context"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh"
)

// A dry run that gives a view back to its readers keeps them waiting for no connection to Redshift.
func TestPlan_ReadersOfAMovedViewDoNotWaitForRedshift(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	v := b.salesView(catalog.Merge)
	b.add(t, v)
	b.exec(t, `CREATE SCHEMA aside`)
	b.exec(t, `GRANT USAGE ON SCHEMA aside TO PUBLIC`)
	b.exec(t, `ALTER VIEW `+v.Name.SQL()+` SET SCHEMA aside`)

	b.source.Delay(500 * time.Millisecond)
	done := make(chan error, 1)
	go func() {
		_, err := b.runner.Plan(context.WithoutCancel(t.Context()), refresh.Request{View: v.Name})
		done <- err
	}()
	var slowest time.Duration
	for {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			if slowest > 400*time.Millisecond {
				t.Errorf("a reader waited %s", slowest)
			}
			return
		default:
		}
		began := time.Now()
		if _, err := b.readers.Exec(t.Context(), "SELECT count(*) FROM aside."+v.Name.View); err != nil {
			t.Fatal(err)
		}
		slowest = max(slowest, time.Since(began))
	}
}
