package pipeline_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/redcache/redcache/pipeline"
)

func TestDiff(t *testing.T) {
	t.Parallel()
	many := "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12"
	for _, tt := range []struct{ name, before, after, want string }{
		{"nothing", many, many, ""},
		{"one line", "a", "b", "@@ -1,1 +1,1 @@\n-a\n+b\n"},
		{"a line comes", "a\nc", "a\nb\nc", "@@ -1,2 +1,3 @@\n a\n+b\n c\n"},
		{"a line goes", "a\nb\nc", "a\nc", "@@ -1,3 +1,2 @@\n a\n-b\n c\n"},
		{"what stays far off is left out", many, strings.Replace(many, "6", "six", 1), "@@ -3,7 +3,7 @@\n 3\n 4\n 5\n-6\n+six\n 7\n 8\n 9\n"},
		{
			"two places", many, strings.NewReplacer("12", "twelve", "1\n2\n", "2\n").Replace(many),
			"@@ -1,4 +1,3 @@\n-1\n 2\n 3\n 4\n@@ -9,4 +8,4 @@\n 9\n 10\n 11\n-12\n+twelve\n",
		},
		{"lines that repeat", "a\nb\na\nb", "b\na\nb\na", "@@ -1,4 +1,4 @@\n-a\n b\n a\n b\n+a\n"},
		{"only the end", "a", "a\n", "@@ -1,1 +1,2 @@\n a\n+\n"},
	} {
		if diff := cmp.Diff(tt.want, pipeline.Diff(tt.before, tt.after)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	long := pipeline.Diff(strings.Repeat("a\n", 3000), strings.Repeat("b\n", 3000))
	if lines := strings.Count(long, "\n"); lines != 1+6000+1 {
		t.Errorf("long texts: %d lines", lines)
	}
}
