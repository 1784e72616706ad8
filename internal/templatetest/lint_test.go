package templatetest_test

import (
	"os/exec"
	"testing"

	"github.com/redcache/redcache/internal/need"
)

// cfn-lint, with the transform of SAM, finds nothing at all in the template, not even something to mention.
func TestTemplate_PassesCfnLint(t *testing.T) {
	t.Parallel()
	path := need.Program(t, "cfn-lint", "nobody holds template.yaml against CloudFormation's schemas here")
	lint := exec.CommandContext(t.Context(), path, "--include-checks", "I", "--", "template.yaml")
	lint.Dir = root
	if out, err := lint.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("cfn-lint: %v\n%s", err, out)
	}
}
