package templatetest_test

import (
	"slices"
	"strings"
	"testing"
)

// Each check notices when the template, or what it is held against, is wrong.
func TestChecks_CanFail(t *testing.T) {
	t.Parallel()
	whole := read(t, "template.yaml")
	calls := map[string][]string{}
	for function := range configs {
		calls[function] = called(t, function)
	}
	written := literals(t, "infra/emf", "schedule", "cmd/lambda")
	all := func(template tree) []string {
		problems := slices.Concat(checkParameters(t, template), checkMetrics(t, template, written),
			checkWildcards(evaluate(t, template, byIdentity)), checkVariables(t, template))
		for function, actions := range calls {
			problems = append(problems, checkActions(t, template, function, actions)...)
		}
		_, ofAlarms := checkAlarms(t, template)
		return append(problems, ofAlarms...)
	}
	for _, tt := range []struct{ name, old, new, want string }{
		{
			"an action is missing", "Action: redshift:GetClusterCredentials\n", "Action: redshift:JoinGroup\n",
			"RefreshFunction calls redshift:GetClusterCredentials, and the template does not allow it",
		},
		{
			"an action is too many", "[redshift-serverless:GetCredentials, ",
			"[redshift-serverless:DeleteWorkgroup, redshift-serverless:GetCredentials, ",
			"RefreshFunction may do redshift-serverless:DeleteWorkgroup, and does not call it",
		},
		{
			"an action of the other function", "Action: sqs:SendMessage\n", "Action: [sqs:SendMessage, secretsmanager:PutSecretValue]\n",
			"DispatchFunction may do secretsmanager:PutSecretValue, and does not call it",
		},
		{
			"a wildcard", "Resource: !Ref RedshiftWorkgroupArn", `Resource: "*"`,
			"RefreshFunction may do redshift-serverless:GetWorkgroup on *",
		},
		{
			"half a wildcard", "dbuser:${RedshiftClusterId}/${RedshiftDbUser}", "dbuser:${RedshiftClusterId}/*",
			"RefreshFunction may do redshift:GetClusterCredentials on arn:aws:redshift:eu-central-1:123456789012:dbuser:dw/*",
		},
		{
			"a variable that nothing reads", "REDCACHE_KEEP_RUNS:", "REDCACHE_KEEP_RUN:",
			"RefreshFunction is given REDCACHE_KEEP_RUN, and does not read it",
		},
		{
			"a variable that is missing", "REDCACHE_KEEP_RUNS:", "REDCACHE_KEEP_RUN:",
			"RefreshFunction reads REDCACHE_KEEP_RUNS, and is not given it",
		},
		{
			"a metric that nobody writes", "MetricName: StaleViews", "MetricName: StaleView",
			"no program writes the metric StaleView",
		},
		{
			"an alarm without its page", "See docs/operations/throttles.md.", "",
			"alarm throttles: its description does not name its page",
		},
		{
			"a parameter that nothing uses", "MemorySize: !Ref RefreshMemory", "MemorySize: 1024",
			"parameter RefreshMemory: nothing uses it",
		},
		{
			"a default that is refused", "    Default: redcache\n    AllowedPattern: ^[A-Za-z0-9]",
			"    Default: red cache\n    AllowedPattern: ^[A-Za-z0-9]",
			"parameter CacheName: it refuses its own default red cache",
		},
	} {
		if strings.Count(whole, tt.old) == 0 {
			t.Errorf("%s: the template has no %q to break", tt.name, tt.old)
			continue
		}
		if problems := all(parse(t, strings.ReplaceAll(whole, tt.old, tt.new))); !slices.Contains(problems, tt.want) {
			t.Errorf("%s: got %q, want %q among them", tt.name, problems, tt.want)
		}
	}
	if problems := checkPage("x", "# X\n## What it means\n## First query\n"); len(problems) < 3 {
		t.Errorf("an incomplete page: got %q", problems)
	}
}
