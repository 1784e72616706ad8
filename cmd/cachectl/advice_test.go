package main

import (
	"strings"
	"testing"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
)

// Who adds a view is not told to alter it: it is not there.
func TestAddView_AdvisesOnAViewThatIsNotThere(t *testing.T) {
	t.Parallel()
	o := newOperator(t, pgtest.New(t).URL)
	if _, err := o.source.Engine.Exec(t.Context(), `CREATE TABLE public.odd AS SELECT 1 AS id, 2 AS "Weird Name";
		GRANT SELECT ON public.odd TO PUBLIC`); err != nil {
		t.Fatal(err)
	}
	o.must(t, "init")
	o.must(t, o.link(redshiftsim.User)...)
	add := []string{"add-view", `q."o k"`, "--link", "dw", "--strategy", "swap"}
	for _, tt := range []struct {
		name, code string // of the failure of the load
		args       []string
		want       []string
	}{
		{"a column that cannot be asked for", "", []string{"--table", "public.odd"}, []string{
			`column "Weird Name" has capitals`, "enable_case_sensitive_identifier",
		}},
		{"a column that is gone", "42703", nil, []string{`cachectl add-view 'q."o k"' --query`, "adding the view again takes"}},
		{"a timeout", "57014", nil, []string{`cachectl add-view 'q."o k"' --timeout`}},
		{"anything", "XX000", []string{"--transport", "stream"}, []string{"Redshift failed by itself", "SYS_QUERY_HISTORY"}},
		{"a parameter", "", []string{"--query", "select id from public.odd where id = $1"}, []string{"Redshift refuses", "write them into the query"}},
		{"a template", "", []string{"--query", "select 1 as a where '{{ ds }}' < '2024-01-01'::date"}, []string{"cannot compute", "A literal of the query"}},
	} {
		args := append(add[:len(add):len(add)], tt.args...)
		if tt.code != "" {
			args = append(args, "--query", "select id from public.odd")
			o.source.FailNext(`AS "id"`, redshiftsim.EngineError{Code: tt.code, Message: "no", Hint: "run cachectl alter-view"})
		}
		status, _, stderr := o.run(t.Context(), args...)
		for _, want := range tt.want {
			if status != exitFailed || !strings.Contains(stderr, want) {
				t.Errorf("%s: exit status %d, %q is missing:\n%s", tt.name, status, want, stderr)
			}
		}
		advice := stderr[max(0, strings.Index(stderr, "\nhint: ")):]
		if strings.Contains(advice, "alter-view") || strings.Contains(advice, "PostgreSQL says") || strings.Contains(stderr, "redcache_dw") {
			t.Errorf("%s: misleading:\n%s", tt.name, stderr)
		}
	}
}
