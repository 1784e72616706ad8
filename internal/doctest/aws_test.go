package doctest_test

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Whoever was woken up by an alarm gets an answer to the first query of its page, and to all others.
func TestAlarmPages_AnswerAsWritten(t *testing.T) {
	t.Parallel()
	w := begin(t)
	for _, b := range marked(t, "README.md", 5) {
		w.run(t, b)
	}
	pages, err := filepath.Glob(filepath.Join(root, "docs/operations/*.md"))
	if err != nil || len(pages) < 12 {
		t.Fatalf("found the pages %v: %v", pages, err)
	}
	for _, page := range pages {
		path, err := filepath.Rel(root, page)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range marked(t, path, 1) {
			t.Logf("%s:%d", path, b.line)
			w.run(t, b)
		}
	}
}

// Whoever follows the page about AWS has a fresh view in the end. What needs AWS is left out: the link has a password.
func TestDeployment_WorksAsWritten(t *testing.T) {
	t.Parallel()
	w := begin(t)
	if err := w.cluster.Admin(t.Context(), "postgres", "CREATE ROLE rds_iam"); err != nil { // as RDS has it
		t.Fatal(err)
	}
	for _, b := range marked(t, "docs/deploy-aws.md", 4) {
		if strings.Contains(b.text, "cachectl link test dw") {
			w.command(t, "", filepath.Join(bin, "cachectl"), "link", "add", "dw", "--host", w.warehouse.Host(),
				"--port", strconv.Itoa(w.warehouse.Port()), "--database", "dev", "--user", remoteRole, "--password-env", "DW_PASSWORD")
		}
		t.Logf("docs/deploy-aws.md:%d, %s\n%s", b.line, b.run, w.run(t, b))
	}
	w.wantCopies(t, "bi.sales")
}
