package templatetest_test

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the table of parameters in docs/deploy-aws.md")

// Every parameter is described, stands in one group, is used, and accepts its own default.
func TestParameters_AreComplete(t *testing.T) {
	t.Parallel()
	report(t, checkParameters(t, load(t)))
}

func checkParameters(t *testing.T, template tree) (problems []string) {
	t.Helper()
	grouped := map[string]int{}
	metadata := section(t, template, "Metadata", "AWS::CloudFormation::Interface")
	for _, group := range metadata["ParameterGroups"].([]any) {
		for _, name := range texts(group.(tree)["Parameters"]) {
			grouped[name]++
		}
	}
	used := usedNames(template)
	declared := section(t, template, "Parameters")
	for _, name := range names(declared) {
		p := declared[name].(tree)
		wrong := func(format string, args ...any) {
			problems = append(problems, "parameter "+name+": "+fmt.Sprintf(format, args...))
		}
		if text, _ := p["Description"].(string); !strings.HasSuffix(text, ".") {
			wrong("its description is no sentence: %q", text)
		}
		if grouped[name] != 1 {
			wrong("it stands in %d groups", grouped[name])
		}
		delete(grouped, name)
		if !used[name] {
			wrong("nothing uses it")
		}
		if p["AllowedPattern"] != nil && p["ConstraintDescription"] == nil {
			wrong("a value that does not fit gets no explanation")
		}
		if value, ok := p["Default"]; ok && refuses(p, fmt.Sprint(value)) {
			wrong("it refuses its own default %v", value)
		}
	}
	for name := range maps.Keys(grouped) {
		problems = append(problems, "the groups name "+name+", which is no parameter")
	}
	return problems
}

// usedNames are all names that are referred to.
func usedNames(v any) map[string]bool {
	found := map[string]bool{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				walk(item)
			}
		case string:
			for _, match := range placeholder.FindAllStringSubmatch(v, -1) {
				found[match[1]] = true
			}
		case tree:
			if name, ok := v["Ref"].(string); ok {
				found[name] = true
			}
			for _, item := range v {
				walk(item)
			}
		}
	}
	walk(v)
	return found
}

// refuses says whether CloudFormation would not take the value.
func refuses(parameter tree, value string) bool {
	if pattern, ok := parameter["AllowedPattern"].(string); ok && !regexp.MustCompile(pattern).MatchString(value) {
		return true
	}
	if allowed := parameter["AllowedValues"]; allowed != nil {
		return !slices.ContainsFunc(allowed.([]any), func(a any) bool { return fmt.Sprint(a) == value })
	}
	if parameter["Type"] != "Number" {
		return false
	}
	var number int
	if _, err := fmt.Sscan(value, &number); err != nil {
		return true
	}
	least, bounded := parameter["MinValue"].(int)
	most, capped := parameter["MaxValue"].(int)
	return bounded && number < least || capped && number > most
}

// The page about the deployment has a table of all parameters.
func TestParameters_AreDocumented(t *testing.T) {
	t.Parallel()
	const path, begin, end = "docs/deploy-aws.md", "<!-- generated: parameters -->\n", "<!-- end -->"
	page := read(t, path)
	before, rest, begins := strings.Cut(page, begin)
	got, after, ends := strings.Cut(rest, end)
	if !begins || !ends {
		t.Fatalf("%s has no place for the parameters", path)
	}
	want := "\n" + table(t, load(t)) + "\n"
	if got == want {
		return
	}
	if !*update {
		t.Fatalf("%s is out of date; -update rewrites it (-page +template):\n%s", path, gocmp.Diff(got, want))
	}
	if err := os.WriteFile(filepath.Join(root, path), []byte(before+begin+want+end+after), 0o600); err != nil {
		t.Fatal(err)
	}
}

// table lists the parameters by their groups.
func table(t *testing.T, template tree) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("| parameter | default | meaning |\n|---|---|---|\n")
	declared := section(t, template, "Parameters")
	metadata := section(t, template, "Metadata", "AWS::CloudFormation::Interface")
	for _, group := range metadata["ParameterGroups"].([]any) {
		fmt.Fprintf(&b, "| **%s** | | |\n", section(t, group.(tree), "Label")["default"])
		for _, name := range texts(group.(tree)["Parameters"]) {
			p := section(t, declared, name)
			byDefault := ""
			if value, ok := p["Default"]; ok {
				byDefault = "`" + cmp.Or(fmt.Sprint(value), `""`) + "`"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, byDefault, p["Description"])
		}
	}
	return b.String()
}

// The example is a stack that can be made, but for the names of what it is made from.
func TestExample_IsAccepted(t *testing.T) {
	t.Parallel()
	template := load(t)
	declared := section(t, template, "Parameters")
	example := given{}
	for _, match := range override.FindAllStringSubmatch(read(t, "samconfig.example.toml"), -1) {
		name, value := match[1], match[2]
		example[name] = value
		if declared[name] == nil || refuses(declared[name].(tree), value) {
			t.Errorf("the template does not take %s=%s", name, value)
		}
	}
	for name, of := range declared {
		if _, ok := of.(tree)["Default"]; !ok && example[name] == "" {
			t.Errorf("the example has no %s", name)
		}
	}
	if broken := evaluate(t, template, example).broken(); len(broken) > 0 {
		t.Errorf("the example breaks %v", broken)
	}
}

var override = regexp.MustCompile(`(?m)^ +"([A-Za-z]+)=([^"]*)",$`)

// What makes no sense is refused before anything is made.
func TestParameters_RefuseNonsense(t *testing.T) {
	t.Parallel()
	declared := section(t, load(t), "Parameters")
	for name, values := range map[string]struct{ good, bad []string }{
		"DatabaseHost": {
			[]string{"app.abc.eu-central-1.rds.amazonaws.com", "10.0.0.7"},
			[]string{"", "postgres://app", "app:5432", "app/db"},
		},
		"DatabaseName": {[]string{"app", "my_app"}, []string{"", "app?sslmode=disable", "a b"}},
		"DatabaseUser": {[]string{"redcache"}, []string{"", "redcache:secret", "a@b"}},
		"DatabaseTls":  {[]string{"verify-full", "require"}, []string{"", "disable", "prefer"}},
		"DatabaseResourceId": {
			[]string{"", "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ", "cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ", "prx-0123456789abcdef0"},
			[]string{"app", "db-abc", "*", "arn:aws:rds:eu-central-1:123456789012:db:app"},
		},
		"DatabaseSecretArn": {
			[]string{"", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:app-AbCdEf"},
			[]string{"app", "*", "arn:aws:s3:::bucket"},
		},
		"RedshiftClusterId": {[]string{"", "dw"}, []string{"DW", "dw*", "*", "dw/cache_ro"}},
		"RedshiftDbUser":    {[]string{"", "cache_ro"}, []string{"*", "IAM:cache_ro", "a*"}},
		"RedshiftDatabase":  {[]string{"", "dev"}, []string{"*", "dev*"}},
		"RedshiftWorkgroupArn": {
			[]string{"", "arn:aws:redshift-serverless:eu-central-1:123456789012:workgroup/01234567-89ab-cdef-0123-456789abcdef"},
			[]string{"dw", "*", "arn:aws:redshift-serverless:eu-central-1:123456789012:workgroup/*"},
		},
		"SecretKeyArn": {
			[]string{"", "arn:aws:kms:eu-central-1:123456789012:key/1"},
			[]string{"*", "arn:aws:kms:eu-central-1:123456789012:alias/a"},
		},
		"RefreshPolicyArn":       {[]string{"", "arn:aws:iam::123456789012:policy/second-cluster"}, []string{"second-cluster", "*"}},
		"ApiCidr":                {[]string{"0.0.0.0/0", "10.0.0.0/16"}, []string{"", "10.0.0.0", "all"}},
		"RolePath":               {[]string{"/", "/team/redcache/"}, []string{"", "team", "/team", "/*/"}},
		"StackKeyArn":            {[]string{"", keyArn}, []string{"*", "arn:aws:kms:eu-central-1:123456789012:alias/a"}},
		"PermissionsBoundaryArn": {[]string{"", boundaryArn}, []string{"bound", "*"}},
		"Architecture":           {[]string{"arm64", "x86_64"}, []string{"", "amd64"}},
		"QueueAgeThreshold":      {[]string{"60", "900"}, []string{"59", "long"}},
		"CacheName":              {[]string{"redcache"}, []string{"", "a b", `a"b`}},
		"ScheduleRate":           {[]string{"rate(1 minute)", "rate(5 minutes)"}, []string{"rate(5 minute)", "rate(1 hour)", "1m"}},
		"RefreshConcurrency":     {[]string{"2", "1000"}, []string{"1", "1001", "four"}},
		"RefreshTimeout":         {[]string{"60", "900"}, []string{"59", "901"}},
		"RefreshMemory":          {[]string{"128", "10240"}, []string{"64", "10241"}},
		"Claim":                  {[]string{"15m", "900s"}, []string{"", "15", "0m", "15 m"}},
		"SwitchPatience":         {[]string{"15s", "500ms"}, []string{"", "15"}},
		"AlarmEmail":             {[]string{"", "ops@example.com"}, []string{"ops", "a@b", "a b@example.com"}},
		"RdsCpuThreshold":        {[]string{"80"}, []string{"0", "101"}},
	} {
		parameter, ok := declared[name].(tree)
		if !ok {
			t.Errorf("the template has no parameter %s", name)
			continue
		}
		for _, value := range values.good {
			if refuses(parameter, value) {
				t.Errorf("%s refuses %q", name, value)
			}
		}
		for _, value := range values.bad {
			if !refuses(parameter, value) {
				t.Errorf("%s takes %q", name, value)
			}
		}
	}
}

const secretArn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:app-AbCdEf"

// Parameters that make no sense together are refused, and the rule says why.
func TestRules_RefuseContradictions(t *testing.T) {
	t.Parallel()
	template := load(t)
	for _, tt := range []struct {
		name   string
		given  given
		broken []string
	}{
		{"the least", given{}, nil},
		{"token without a database", given{"DatabaseResourceId": ""}, []string{"IamLoginNamesTheDatabase"}},
		{"secret without an ARN", given{"DatabaseLogin": "secret"}, []string{"SecretLoginNamesTheSecret"}},
		{"secret", given{"DatabaseLogin": "secret", "DatabaseSecretArn": secretArn, "DatabaseResourceId": ""}, nil},
		{
			"cluster without login and database",
			given{"RedshiftClusterId": "dw"},
			[]string{"ClusterLoginNamesTheDatabase", "DbUserLoginNamesTheUser"},
		},
		{"cluster for its address only", given{"RedshiftClusterId": "dw", "RedshiftClusterLogin": "none"}, nil},
		{"cluster by role", given{"RedshiftClusterId": "dw", "RedshiftClusterLogin": "iam", "RedshiftDatabase": "dev"}, nil},
		{"cluster by login", given{"RedshiftClusterId": "dw", "RedshiftDbUser": "cache_ro", "RedshiftDatabase": "dev"}, nil},
		{"key without a secret", given{"SecretKeyArn": "arn:aws:kms:eu-central-1:123456789012:key/1"}, []string{"KeyHasASecret"}},
		{
			"key of Redshift's secret",
			given{"SecretKeyArn": "arn:aws:kms:eu-central-1:123456789012:key/1", "RedshiftSecretArn": secretArn},
			nil,
		},
	} {
		if broken := evaluate(t, template, tt.given).broken(); !slices.Equal(broken, tt.broken) {
			t.Errorf("%s: broken rules: got %v, want %v", tt.name, broken, tt.broken)
		}
	}
	for name, rule := range section(t, template, "Rules") {
		for _, assertion := range rule.(tree)["Assertions"].([]any) {
			if text, _ := assertion.(tree)["AssertDescription"].(string); !strings.HasSuffix(text, ".") {
				t.Errorf("rule %s does not say what is wrong", name)
			}
		}
	}
}
