package refresh_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/refresh"
)

// What goes wrong with a local view is told of PostgreSQL and of its inputs: there is no link, and no Redshift.
func TestLocal_FailuresSpeakOfPostgres(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	sales := b.salesView(catalog.Swap)
	b.add(t, sales)
	from := " FROM " + sales.Name.SQL()
	for name, tt := range map[string]struct{ query, key, says, hint string }{
		"its time is up": {
			"SELECT count(*) AS n" + from + " a," + from[6:] + " b," + from[6:] + " c", "",
			"compute the query: the cache database ended the statement", "The view's timeout is 1s",
		},
		"a division":         {"SELECT 1 / (id - 5) AS n" + from, "", "PostgreSQL cannot compute what the query asks for: read rows: ERROR: division by zero", "as NULLIF(x, 0) does a divisor"},
		"a cast":             {"SELECT ('x' || id)::integer AS n" + from, "", "PostgreSQL cannot compute what the query asks for", "leave the row out"},
		"a subquery":         {"SELECT (SELECT id" + from + ") AS n" + from, "", "PostgreSQL cannot compute what the query asks for", "LIMIT 1 a subquery"},
		"a key that repeats": {"SELECT region" + from, "region", "its key region repeats", "with ROW_NUMBER(), or choose another key."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := b.localView(strings.ReplaceAll(name, " ", "_"), tt.query, catalog.Swap)
			if tt.key != "" {
				v.Strategy, v.Key = catalog.Merge, []string{tt.key}
			}
			v.Timeout = time.Second
			_, err := b.definer.Add(t.Context(), v, false, nil)
			if err == nil || !strings.Contains(err.Error(), tt.says) || !strings.Contains(infra.Hint(err), tt.hint) {
				t.Errorf("got %v: %s", err, infra.Hint(err))
			}
			if said := err.Error() + infra.Hint(err); strings.Contains(said, "link") || strings.Contains(said, "Redshift") {
				t.Errorf("it speaks of Redshift: %s", said)
			}
		})
	}
}

// Who only looks does not hear that something was changed, or added.
func TestDescribe_SaysThatItLooks(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	sales := b.salesView(catalog.Swap)
	add := func(v catalog.View) refresh.Change {
		return refresh.Change{Name: v.Name, Add: true, Define: func(to *catalog.View) error { *to = v; return nil }}
	}
	ill := errors.New("ill defined")
	_, err := b.definer.Describe(t.Context(), []refresh.Change{add(sales), {Name: catalog.Name{Schema: "bi", View: "b"}, Add: true, Define: func(*catalog.View) error { return ill }}})
	if !errors.Is(err, ill) || err.Error() != "describe view bi.b: ill defined" {
		t.Errorf("got %v", err)
	}
}
