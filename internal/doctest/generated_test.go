package doctest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/redcache/redcache/cmd/lambda/setup"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
)

func TestGenerated_IsUpToDate(t *testing.T) {
	t.Parallel()
	commands := tree(t)
	for _, tt := range []struct {
		path, name, want string
	}{
		{"README.md", "commands", overview(commands)},
		{"README.md", "environment", environment(t)},
		{"README.md", "functions", functions()},
		{"docs/commands.md", "commands", reference(commands)},
		{"docs/types.md", "types", types(t)},
	} {
		page := read(t, tt.path).text
		begin := "<!-- generated: " + tt.name + " -->\n"
		before, rest, begins := strings.Cut(page, begin)
		got, after, ends := strings.Cut(rest, "<!-- end -->")
		if !begins || !ends {
			t.Errorf("%s: no place for %s", tt.path, tt.name)
			continue
		}
		want := "\n" + strings.TrimSpace(tt.want) + "\n\n"
		if got == want {
			continue
		}
		if !*update {
			t.Errorf("%s: %s is out of date; -update rewrites it (-document +program):\n%s", tt.path, tt.name, cmp.Diff(got, want))
			continue
		}
		page = before + begin + want + "<!-- end -->" + after
		if err := os.WriteFile(filepath.Join(root, tt.path), []byte(page), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// overview is one line of usage for each command, and what it is for.
func overview(commands []command) string {
	var b strings.Builder
	b.WriteString("```text\n")
	for _, c := range commands {
		if len(c.children) == 0 {
			fmt.Fprintf(&b, "%s\n    %s\n", c.usage, c.short)
		}
	}
	return b.String() + "```\n"
}

// reference is the help of each command.
func reference(commands []command) string {
	var b strings.Builder
	for _, c := range commands {
		fmt.Fprintf(&b, "## %s\n\n```text\n%s\n```\n\n", c.path, c.help)
	}
	return b.String()
}

// environment is the worker's own table of variables.
func environment(t *testing.T) string {
	t.Helper()
	usage := output(t, "worker", "--help")
	all := variable.FindAllStringSubmatch(usage, -1)
	if len(all) < 10 {
		t.Fatalf("the worker's help tells of %d variables only:\n%s", len(all), usage)
	}
	var b strings.Builder
	b.WriteString("| variable | type | default | meaning |\n|---|---|---|---|\n")
	for _, v := range all {
		byDefault := v[3]
		if value, given := strings.CutPrefix(byDefault, "default "); given {
			byDefault = "`" + value + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", v[1], kind(v[2]), byDefault, strings.Join(strings.Fields(v[4]), " "))
	}
	return b.String()
}

// variable is one variable in the worker's help: its name, type, default, and what it means.
var variable = regexp.MustCompile(`(?m)^  ([A-Z_]+) \(([^,)]*)(?:, (required|default [^)]*))?\)\n((?:      .*\n)+)`)

// functions is the table of the variables of both Lambda functions.
func functions() string {
	var b strings.Builder
	b.WriteString("| variable | read by | type | default | meaning |\n|---|---|---|---|---|\n")
	dispatch, refresh := infra.Variables(setup.Prefix, &setup.Dispatch{}), infra.Variables(setup.Prefix, &setup.Refresh{})
	for _, v := range append(dispatch, refresh...) {
		by, byDefault := "both", v.Default
		switch { // the same name may mean something else to the other
		case !slices.Contains(refresh, v):
			by = "dispatch"
		case !slices.Contains(dispatch, v):
			by = "refresh"
		}
		if v.Required {
			byDefault = "required"
		} else if byDefault != "" {
			byDefault = "`" + byDefault + "`"
		}
		line := fmt.Sprintf("| `%s` | %s | %s | %s | %s |\n", v.Name, by, kind(v.Type), byDefault, v.Description)
		if !strings.Contains(b.String(), line) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// kind is a Go type in a reader's words.
func kind(typ string) string {
	return strings.NewReplacer("time.Duration", "duration", "int32", "number", "int", "number", "string", "text").Replace(typ)
}

// types is the table of types as it is for a view that is added now. Types that travel alike share a line.
func types(t *testing.T) string {
	t.Helper()
	var ways []string
	names := map[string][]string{}
	for _, typ := range redshift.EveryType() {
		mapped, err := redshift.Map(redshift.Unsized(typ.Remote))
		if err != nil {
			t.Fatal(err)
		}
		way := fmt.Sprintf("`%s` | `%s`", mapped.Remotely("c"), mapped.Local)
		if names[way] == nil {
			ways = append(ways, way)
		}
		names[way] = append(names[way], "`"+typ.Remote+"`")
	}
	var b strings.Builder
	b.WriteString("| on Redshift | sent as | cached as |\n|---|---|---|\n")
	for _, way := range ways {
		fmt.Fprintf(&b, "| %s | %s |\n", strings.Join(names[way], ", "), way)
	}
	return b.String()
}
