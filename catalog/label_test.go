package catalog_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
)

// Labels are counted from 1970 in UTC, whatever the zone of the session and however odd the interval: where clocks are put forward
// or back, none is missed and none comes twice.
func TestLabel_IsCountedInUTC(t *testing.T) {
	t.Parallel()
	store, pool, _ := newCatalog(t)
	v := sales()
	v.Definition = catalog.Defaults()
	v.Kind, v.Strategy, v.Query, v.RefreshEvery = catalog.LocalSource, catalog.Swap, "SELECT 1 AS id", time.Hour
	v, err := store.AddView(t.Context(), v, 0)
	if err != nil {
		t.Fatal(err)
	}
	moments := []time.Time{
		time.Date(2026, 3, 29, 0, 59, 59, 999999000, time.UTC), time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC), // summer begins in Europe
		time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC), time.Date(2026, 10, 25, 1, 30, 0, 0, time.UTC), // and ends
		time.Date(2026, 4, 4, 15, 0, 0, 0, time.UTC), // on Lord Howe Island, by half an hour
		time.Date(2028, 2, 29, 23, 59, 59, 0, time.UTC), time.Date(1969, 12, 31, 23, 0, 0, 0, time.UTC),
	}
	for _, zone := range []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"} {
		for _, every := range []time.Duration{time.Second, 7 * time.Minute, 55 * time.Minute, 90 * time.Minute, 4 * time.Hour, 24 * time.Hour, 25 * time.Hour, 7 * 24 * time.Hour} {
			for _, asOf := range append(moments, multiple(moments[0], every)) {
				err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
					if _, err := tx.Exec(t.Context(), "SET LOCAL timezone = '"+zone+"'"); err != nil {
						return err
					}
					var label time.Time
					err := tx.QueryRow(t.Context(), `UPDATE redcache.generation SET as_of = $2, definition = jsonb_set(definition, '{refresh_every}', to_jsonb($3::float8))
						WHERE view_id = $1 RETURNING label`, v.ID, asOf, every.Seconds()).Scan(&label)
					if want := multiple(asOf, every).Add(every); err == nil && !label.Equal(want) {
						t.Errorf("%s, as of %s, every %s: the label is %s, want %s", zone, asOf, every, label.UTC(), want)
					}
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// multiple is the last multiple of an interval that is not later.
func multiple(at time.Time, every time.Duration) time.Time {
	since := at.Sub(time.Unix(0, 0))
	rest := since % every
	if rest < 0 {
		rest += every
	}
	return at.Add(-rest)
}
