package parse_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/redcache/redcache/internal/corpus"
	"github.com/redcache/redcache/pipeline/lineage"
	"github.com/redcache/redcache/pipeline/lineage/parse"
)

// Of queries of every form nothing is said to come from a relation that they do not read.
func TestOfRemote_NamesOnlyWhatIsRead(t *testing.T) {
	t.Parallel()
	said, of := 0, 0
	for _, query := range corpus.All() {
		if query.Refused != "" || strings.HasPrefix(query.Reads, "?") {
			continue
		}
		of++
		l := parse.OfRemote(query.SQL, nil, func(lineage.Relation) ([]string, bool) { return nil, false })
		if l.Unknown == "" {
			said++
		}
		from := slices.Clone(l.Filters)
		for _, o := range l.Outputs {
			for _, e := range o.From {
				from = append(from, e.From)
			}
		}
		for _, c := range from {
			if !named(query.Reads, c.Relation) {
				t.Errorf("%s\nreads %s, and is said to come from %s", query.SQL, query.Reads, c)
			}
		}
	}
	t.Logf("of %d queries, something is said of %d", of, said)
	if of < 100 || said < of/2 {
		t.Errorf("of %d queries, something is said of %d only", of, said)
	}
}

// named says whether a relation is among those that are read, which may have more of their names.
func named(reads string, r lineage.Relation) bool {
	reads = " " + strings.ToLower(reads) + " "
	for _, before := range []string{" ", "."} {
		for _, behind := range []string{" ", ","} {
			if strings.Contains(reads, before+r.String()+behind) {
				return true
			}
		}
	}
	return false
}
