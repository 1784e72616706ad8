package pipeline_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/pipeline"
)

const founding = `/*
 * @datacoral O-1.0.0
 * @matview-schema billingdb
 * @matview-name lifetime_value
 * @matview-type regular
 * @interval-in-minutes 120
 */
SELECT o.user_id, sum(substring(i.amount FROM 2)::numeric(12,2)) AS lifetime_value
FROM billingdb.orders o JOIN billingdb.invoices i ON i.user_id = o.user_id
WHERE i.status <> 'Pending'
GROUP BY o.user_id;
`

// The founding header means what it meant.
func TestParse_FoundingHeader(t *testing.T) {
	t.Parallel()
	f, problems := pipeline.Parse("lifetime_value.sql", []byte(founding))
	if problems != nil {
		t.Fatal(problems)
	}
	if got := f.Name.String(); got != "billingdb.lifetime_value" {
		t.Errorf("name %s", got)
	}
	if every := f.Draft.RefreshEvery; every == nil || *every != 2*time.Hour {
		t.Errorf("every %v", every)
	}
	if q := f.Draft.Query; q == nil || (*q)[:6] != "SELECT" || (*q)[len(*q)-9:] != "o.user_id" && (*q)[len(*q)-1] == ';' {
		t.Errorf("query %v", q)
	}
}

// Each file of testdata has what is wrong with it beside it, shown as people see it.
func TestParse_SaysAllThatIsWrong(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/wrong/*.sql")
	if err != nil || len(paths) == 0 {
		t.Fatal("no files", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			_, problems := pipeline.Parse(filepath.Base(path), text)
			got := ""
			for _, p := range problems {
				got += p.Shown()
			}
			wantGolden(t, strings.TrimSuffix(path, ".sql")+".txt", got)
		})
	}
}
