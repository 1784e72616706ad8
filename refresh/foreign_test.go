package refresh_test

import (
	"strings"
	"testing"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/refresh"
)

// What others have put on the rows below a view, and what refuses a refresh for that, is told as the cache database's
// doing, with what to do; and it can be lived down.
func TestOthers_WhatRefusesHereIsNotToldAsRedshifts(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	v := b.salesView(catalog.Merge)
	b.add(t, v)
	for name, c := range map[string]struct{ do, undo string }{
		"foreign key": {
			"CREATE TABLE public.ref (id bigint CONSTRAINT known REFERENCES redcache_data.v1_g1 (id)); INSERT INTO public.ref SELECT max(id) FROM redcache_data.v1_g1",
			"DROP TABLE public.ref",
		},
		"check": {"ALTER TABLE redcache_data.v1_g1 ADD CONSTRAINT known CHECK (region <> 'new')", "ALTER TABLE redcache_data.v1_g1 DROP CONSTRAINT known"},
		"trigger": {
			"CREATE FUNCTION public.no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''nobody writes here''; END'; CREATE TRIGGER known BEFORE INSERT OR UPDATE OR DELETE ON redcache_data.v1_g1 EXECUTE FUNCTION public.no()",
			"DROP FUNCTION public.no() CASCADE",
		},
		"index": {"CREATE INDEX known ON redcache_data.v1_g1 ((1 / (id - 6000)))", "DROP INDEX redcache_data.known"},
	} {
		b.exec(t, c.do)
		b.change(t, `DELETE FROM public.sales WHERE id = (SELECT max(id) FROM public.sales)`)
		id := 5000
		if name == "index" { // which meets also the rows that are just gone
			id = 6000
		}
		b.change(t, `INSERT INTO public.sales VALUES ($1, 'new', 1, NULL, now())`, id)
		_, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
		if err == nil || strings.Contains(err.Error(), "Redshift") || strings.Contains(err.Error(), "through link") || infra.Hint(err) == "" {
			t.Errorf("%s: got %v, hint %q", name, err, infra.Hint(err))
		}
		b.exec(t, c.undo)
		b.refresh(t, refresh.Request{View: v.Name})
		b.wantEqual(t, v)
		b.change(t, `DELETE FROM public.sales WHERE id >= 5000`)
		b.refresh(t, refresh.Request{View: v.Name})
	}
}
