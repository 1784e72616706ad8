package catalog_test

import (
	"fmt"
	"testing"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/redshift"
)

// What a column may be used for is what the table of types says of its order, and the cache database can do it.
func TestView_ValidatesEveryTypeByItsOrder(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t).Pool(t)
	ranges := map[redshift.Order]catalog.WatermarkKind{
		redshift.Numbers: catalog.NumericWatermark, redshift.Days: catalog.TimeWatermark, redshift.Moments: catalog.TimeWatermark,
	}
	for i, typ := range redshift.EveryType() {
		valid := func(use string, want bool, change func(*catalog.View)) {
			v := sales()
			v.Columns = []catalog.Column{{Name: "id", Type: "bigint"}, {Name: "v", Type: typ.Remote}}
			change(&v)
			if err := v.Validate(); (err == nil) != want {
				t.Errorf("%s as a %s: %v", typ.Remote, use, err)
			}
		}
		kind, ranged := ranges[typ.Order]
		valid("key", typ.Order != redshift.NoOrder, func(v *catalog.View) { v.Strategy, v.Key = catalog.Merge, []string{"v"} })
		valid("watermark", ranged, func(v *catalog.View) { v.Strategy, v.Watermark, v.Lookback = catalog.Incremental, "v", "0" })
		valid("split", ranged, func(v *catalog.View) {
			v.Strategy, v.Transport, v.Split, v.Sessions = catalog.Swap, catalog.StreamTransport, "v", 2
		})
		v := catalog.View{Columns: []catalog.Column{{Name: "v", Type: typ.Remote}}}
		v.Watermark, v.Split = "v", "v"
		if v.WatermarkKind() != kind || v.WatermarkType() != typ || v.SplitType() != typ {
			t.Errorf("%s: got %+v and %+v, kind %d, want %d", typ.Remote, v.WatermarkType(), v.SplitType(), v.WatermarkKind(), kind)
		}
		var category string
		if err := pool.QueryRow(t.Context(), "SELECT typcategory::text FROM pg_type WHERE oid = $1::regtype", typ.Local).Scan(&category); err != nil {
			t.Fatal(err)
		}
		if want := map[catalog.WatermarkKind]string{catalog.NumericWatermark: "N", catalog.TimeWatermark: "D"}[kind]; ranged && category != want {
			t.Errorf("%s: PostgreSQL has %s in category %s, want %s", typ.Remote, typ.Local, category, want)
		}
		table := fmt.Sprintf("t%d", i)
		statements := []string{
			fmt.Sprintf("CREATE TABLE %s (v %s)", table, typ.Local), fmt.Sprintf("CREATE UNIQUE INDEX ON %s (v)", table),
			fmt.Sprintf("SELECT FROM %[1]s a FULL JOIN %[1]s b ON a.v = b.v", table), fmt.Sprintf("SELECT max(v) FROM %s", table),
		}
		for n, statement := range statements {
			if n > 0 && typ.Order == redshift.NoOrder || n == len(statements)-1 && !ranged {
				continue
			}
			if _, err := pool.Exec(t.Context(), statement); err != nil {
				t.Errorf("%s: %s: %v", typ.Remote, statement, err)
			}
		}
	}
}
