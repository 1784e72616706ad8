package pipeline_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/redcache/redcache/pipeline"
)

// The founding example is a graph of three views of Redshift, and one of them.
func TestLoad_FoundingExample(t *testing.T) {
	t.Parallel()
	p, problems := pipeline.Load(os.DirFS("../examples/customer-health"))
	if problems != nil {
		t.Fatal(problems)
	}
	var got []string
	for _, v := range p.Sorted() {
		line := fmt.Sprintf("%s in %s", v.Name, v.Runs)
		for _, input := range v.Inputs {
			line += " < " + input.Name.String()
		}
		got = append(got, line)
	}
	want := []string{
		"billingdb.mv_lifetime_value in redshift",
		"zendesk.mv_satisfaction in redshift",
		"events.mv_engagement in redshift",
		"public.mv_customer_health in cache < billingdb.mv_lifetime_value < zendesk.mv_satisfaction < events.mv_engagement",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Each directory of testdata/projects has what is wrong with it in problems.txt.
func TestLoad_SaysAllThatIsWrong(t *testing.T) {
	t.Parallel()
	dirs, err := filepath.Glob("testdata/projects/*")
	if err != nil || len(dirs) == 0 {
		t.Fatal("no projects", err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			_, problems := pipeline.Load(os.DirFS(dir))
			var got strings.Builder
			for _, p := range problems {
				got.WriteString(p.Shown())
			}
			wantGolden(t, filepath.Join(dir, "problems.txt"), got.String())
		})
	}
}
