package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
)

// rowOf makes a row of a key, a watermark in seconds and a value; a negative watermark is NULL.
func rowOf(id, value string, second int64) row {
	r := row{text: id + value, id: &id, code: &id}
	if second >= 0 {
		micros := second * 1_000_000
		r.at = &micros
	}
	return r
}

func TestModel_SaysWhatTheReadmeSays(t *testing.T) {
	t.Parallel()
	keyed := catalog.View{Definition: catalog.Definition{Strategy: catalog.Incremental, Key: []string{"id"}, Watermark: "at", Lookback: "5s"}}
	keyless := catalog.View{Definition: catalog.Definition{Strategy: catalog.Incremental, Watermark: "at", Lookback: "5s"}}
	merge := catalog.View{Definition: catalog.Definition{Strategy: catalog.Merge, Key: []string{"id"}}}
	lagging := keyed
	lagging.SafetyLag = time.Hour
	future := time.Now().Add(time.Hour).Unix()
	copied := []row{rowOf("a", "1", 10), rowOf("b", "1", 20)}
	for name, tt := range map[string]struct {
		def    catalog.View
		source []row
		whole  bool
		want   string
		fails  bool
	}{
		"all of it":                            {merge, []row{rowOf("c", "1", 1)}, true, "c1", false},
		"a key that repeats":                   {merge, []row{rowOf("c", "1", 1), rowOf("c", "1", 1)}, true, "", true},
		"deletes are not seen":                 {keyed, nil, false, "a1 b1", false},
		"deletes are seen in full":             {keyed, nil, true, "", false},
		"a row within the lookback":            {keyed, []row{rowOf("c", "1", 15)}, false, "a1 b1 c1", false},
		"a row below the lookback":             {keyed, []row{rowOf("c", "1", 14)}, false, "a1 b1", false},
		"a row without a watermark":            {keyed, []row{rowOf("c", "1", -1)}, false, "a1 b1 c1", false},
		"a watermark that becomes NULL":        {keyed, []row{rowOf("a", "2", -1)}, false, "a2 b1", false},
		"an update that moves it":              {keyed, []row{rowOf("a", "2", 21)}, false, "a2 b1", false},
		"an update that does not":              {keyed, []row{rowOf("a", "2", 10)}, false, "a1 b1", false},
		"a watermark that goes back":           {keyed, []row{rowOf("b", "2", 19)}, false, "a1 b2", false},
		"a dated one before an undated":        {keyed, []row{rowOf("a", "2", -1), rowOf("a", "1", 10)}, false, "a1 b1", false},
		"the latest of two":                    {keyed, []row{rowOf("c", "1", 21), rowOf("c", "2", 22)}, false, "a1 b1 c2", false},
		"the range is replaced as one":         {keyless, []row{rowOf("c", "1", 16)}, false, "a1 c1", false},
		"a row that is too young":              {lagging, []row{rowOf("c", "1", future)}, false, "a1 b1", false},
		"a key that was changed too lately":    {lagging, []row{rowOf("a", "2", future)}, false, "a1 b1", false},
		"and is read in full":                  {lagging, []row{rowOf("a", "2", future), rowOf("c", "1", future)}, true, "a1", false},
		"a key of which one row is old enough": {lagging, []row{rowOf("a", "2", future), rowOf("a", "3", 21)}, true, "a3", false},
		"a row that moves into it, and is two": {keyless, []row{rowOf("a", "2", 21)}, false, "a1 a2", false},
	} {
		mark := int64(20_000_000)
		after, refused := apply(tt.def, content{rows: copied, mark: &mark}, tt.source, way{whole: tt.whole})
		if (refused != "") != tt.fails {
			t.Errorf("%s: refused for %q", name, refused)
			continue
		}
		got := texts(after.rows)
		slices.Sort(got)
		if !tt.fails && strings.Join(got, " ") != tt.want {
			t.Errorf("%s: got %v, want %s", name, got, tt.want)
		}
	}
}

// A copy may hold a row that is too young by now, from before its definition had a safety lag. What is older does not
// replace it before it comes of age.
func TestModel_KeepsWhatIsTooYoungByNow(t *testing.T) {
	t.Parallel()
	def := catalog.View{Definition: catalog.Definition{Strategy: catalog.Incremental, Key: []string{"id"}, Watermark: "at", Lookback: "5s", SafetyLag: time.Hour}}
	mark := int64(20_000_000)
	copied := []row{rowOf("a", "1", time.Now().Add(time.Hour).Unix())}
	for second, want := range map[int64]string{21: "a1", 14: "a1"} {
		after, _ := apply(def, content{rows: copied, mark: &mark}, []row{rowOf("a", "2", second)}, way{})
		if got := texts(after.rows); len(got) != 1 || got[0] != want {
			t.Errorf("at %d: got %v, want %s", second, got, want)
		}
	}
}

func TestDifferences_AreSeenInADigest(t *testing.T) {
	t.Parallel()
	one := []row{rowOf("a", "1", 1), rowOf("b", "1", 1)}
	if digest(one) != digest([]row{one[1], one[0]}) {
		t.Error("the order of rows changes a digest")
	}
	for _, other := range [][]row{nil, one[:1], {one[0], one[0]}, {one[0], rowOf("b", "2", 1)}} {
		if digest(one) == digest(other) {
			t.Errorf("%v looks like %v", texts(other), texts(one))
		}
	}
}
