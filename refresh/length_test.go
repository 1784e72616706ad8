package refresh_test

import (
	"strings"
	"testing"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/refresh"
)

// The lengths that Redshift tells of texts are hints: a copy has none, and takes whatever comes.
func TestStrategies_TakeTextsLongerThanTold(t *testing.T) {
	t.Parallel()
	for _, strategy := range catalog.Of(catalog.RemoteSource) {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			b := setup(t, salesSQL...)
			b.source.Mistype(t, "region", "varchar(1)")
			b.source.Mistype(t, "note", "char(2)")
			for _, transport := range []catalog.Transport{catalog.DblinkTransport, catalog.AutoTransport} {
				v := b.salesView(strategy)
				v.Name.View, v.Transport = v.Name.View+string(transport), transport
				b.add(t, v)
				b.wantEqual(t, v)
				b.change(t, `UPDATE public.sales SET region = repeat('x', 20), updated_at = updated_at + interval '1 day' WHERE id = 1`)
				b.refresh(t, refresh.Request{View: v.Name})
				b.wantEqual(t, v)
			}
		})
	}
}

// A view from before keeps the lengths of its columns, and what depends on it, as long as Redshift tells the same.
func TestAlter_KeepsTheLengthsThatAViewHas(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	v := b.salesView(catalog.Swap)
	b.add(t, v)
	older := func() {
		b.inCache(t, `
			WITH older AS (
			    INSERT INTO redcache.generation (view_id, number, link_id, state, definition, columns)
			    SELECT view_id, number + 1, link_id, 'building', definition,
			        replace(columns::text, '"character varying"', '"character varying(20)"')::jsonb
			    FROM redcache.generation WHERE state = 'published'
			)
			UPDATE redcache.view SET generation = generation + 1`)
	}
	older()
	b.refresh(t, refresh.Request{View: v.Name})
	b.inCache(t, `CREATE VIEW bi.above AS SELECT region FROM `+v.Name.SQL())
	typeOf := func() string {
		return rows(t, b.pool, `SELECT format_type(atttypid, atttypmod) FROM pg_attribute
			WHERE attrelid = '`+v.Name.SQL()+`'::regclass AND attname = 'region'`)[0]
	}
	if got := typeOf(); !strings.Contains(got, "character varying(20)") {
		t.Fatalf("the older view has %s", got)
	}
	alter := func(change func(*catalog.View) error) error {
		_, err := b.definer.Alter(t.Context(), v.Name, change, false, nil)
		return err
	}
	err := alter(func(v *catalog.View) error { v.Query, v.Indexes = v.Query+" -- again", []string{"amount"}; return nil })
	if got := typeOf(); err != nil || !strings.Contains(got, "character varying(20)") {
		t.Errorf("after a change: %s, %v\nhint: %s", got, err, infra.Hint(err))
	}
	b.inCache(t, `DROP VIEW bi.above`)
	b.change(t, `ALTER TABLE public.sales ALTER region TYPE varchar(50)`)
	b.change(t, `UPDATE public.sales SET region = repeat('y', 40) WHERE id = 1`)
	_, err = b.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
	if err == nil || !strings.Contains(infra.Hint(err), "--describe") || !strings.Contains(infra.Hint(err), "cast it in the query") {
		t.Errorf("a text that is too long: %v, hint %q", err, infra.Hint(err))
	}
	err = alter(func(*catalog.View) error { return nil })
	if got := typeOf(); err != nil || !strings.Contains(got, `"text"`) {
		t.Errorf("described again: %s, %v", got, err)
	}
	v.Query += " -- again"
	b.wantEqual(t, v)
}

// inCache runs a statement in the cache database, as the owner.
func (b *bundle) inCache(t *testing.T, sql string) {
	t.Helper()
	if _, err := b.pool.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}
