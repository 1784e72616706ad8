package templatetest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Two sets of parameters that together switch everything on.
var (
	byIdentity = given{
		"RedshiftClusterId": "dw", "RedshiftDbUser": "cache_ro", "RedshiftDatabase": "dev", "Tracing": "Active",
		"RedshiftWorkgroupArn": workgroupArn, "Endpoints": "yes", "DatabaseInstanceId": "app",
		"RefreshPolicyArn": "arn:aws:iam::123456789012:policy/second-cluster", "AlarmEmail": "ops@example.com",
	}
	bySecret = given{
		"DatabaseLogin": "secret", "DatabaseSecretArn": secretArn, "RedshiftSecretArn": redshiftSecretArn,
		"RedshiftClusterId": "dw", "RedshiftClusterLogin": "iam", "RedshiftDatabase": "dev",
		"SecretKeyArn": "arn:aws:kms:eu-central-1:123456789012:key/1",
	}
)

const (
	workgroupArn      = "arn:aws:redshift-serverless:eu-central-1:123456789012:workgroup/01234567-89ab-cdef-0123-456789abcdef"
	redshiftSecretArn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:dw-AbCdEf"
)

// statement is one permission, or one refusal, of a role.
type statement struct {
	effect    string
	actions   []string
	resources []string
}

// rights are the statements of a function's role, those of the policies that are attached to it included.
func (s *stack) rights(function string) []statement {
	s.t.Helper()
	role, ok := strings.CutSuffix(strings.TrimPrefix(fmt.Sprint(s.properties(function)["Role"]), "<"), ".Arn>")
	if !ok {
		s.t.Fatalf("function %s has no role of its own", function)
	}
	properties := s.properties(role)
	var all []statement
	for _, policy := range properties["Policies"].([]any) {
		all = append(all, statements(policy.(tree)["PolicyDocument"])...)
	}
	for _, arn := range texts(properties["ManagedPolicyArns"]) {
		if own, ok := strings.CutPrefix(arn, "<"); ok {
			all = append(all, statements(s.properties(strings.TrimSuffix(own, ">"))["PolicyDocument"])...)
		}
	}
	return all
}

func statements(document any) []statement {
	var all []statement
	for _, of := range document.(tree)["Statement"].([]any) {
		one := of.(tree)
		all = append(all, statement{one["Effect"].(string), texts(one["Action"]), texts(one["Resource"])})
	}
	return all
}

// allowed maps each action that is allowed to what it is allowed on.
func allowed(rights []statement) map[string][]string {
	all := map[string][]string{}
	for _, of := range rights {
		for _, action := range of.actions {
			if of.effect == "Allow" {
				all[action] = append(all[action], of.resources...)
			}
		}
	}
	return all
}

// withoutArn are the actions for which IAM knows no ARN, so that * is the only way to allow them
// (Service Authorization Reference), or for which AWS's documents do not agree whether it does.
var withoutArn = []string{
	"redshift:DescribeClusters",
	"ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "xray:PutTraceSegments", "xray:PutTelemetryRecords",
}

// Nothing is allowed on everything where the service knows an ARN.
func TestRights_AreOnArns(t *testing.T) {
	t.Parallel()
	template := load(t)
	for _, parameters := range []given{{}, byIdentity, bySecret} {
		report(t, checkWildcards(evaluate(t, template, parameters)))
	}
}

func checkWildcards(s *stack) (problems []string) {
	for _, function := range functions(s) {
		for action, resources := range allowed(s.rights(function)) {
			for _, resource := range resources {
				service, _, _ := strings.Cut(action, ":")
				wide := resource == "*" && !slices.Contains(withoutArn, action)
				if wide || strings.Contains(action, "*") || strings.Contains(resource, "*") && resource != "*" && service != "ec2" {
					problems = append(problems, fmt.Sprintf("%s may do %s on %s", function, action, resource))
				}
			}
		}
	}
	return problems
}

// The rights on the databases are on the one login, database, workgroup and secret that the parameters name.
func TestRights_NameTheirResources(t *testing.T) {
	t.Parallel()
	template := load(t)
	const account = "eu-central-1:123456789012:"
	for _, tt := range []struct {
		name     string
		given    given
		function string
		want     map[string][]string
	}{
		{"the least, dispatch", given{}, "DispatchFunction", map[string][]string{
			"rds-db:connect":  {"arn:aws:rds-db:" + account + "dbuser:db-ABCDEFGHIJKLMNOPQRSTUVWXYZ/redcache"},
			"sqs:SendMessage": {"<RefreshQueue.Arn>"},
		}},
		{"the least, refresh", given{}, "RefreshFunction", map[string][]string{
			"sqs:ChangeMessageVisibility": {"<RefreshQueue.Arn>"},
			"rds-db:connect":              {"arn:aws:rds-db:" + account + "dbuser:db-ABCDEFGHIJKLMNOPQRSTUVWXYZ/redcache"},
		}},
		{"by identity, dispatch", byIdentity, "DispatchFunction", map[string][]string{
			"rds-db:connect":  {"arn:aws:rds-db:" + account + "dbuser:db-ABCDEFGHIJKLMNOPQRSTUVWXYZ/redcache"},
			"sqs:SendMessage": {"<RefreshQueue.Arn>"},
		}},
		{"by identity, refresh", byIdentity, "RefreshFunction", map[string][]string{
			"sqs:ChangeMessageVisibility": {"<RefreshQueue.Arn>"},
			"rds-db:connect":              {"arn:aws:rds-db:" + account + "dbuser:db-ABCDEFGHIJKLMNOPQRSTUVWXYZ/redcache"},
			"redshift:DescribeClusters":   {"*"},
			"redshift:GetClusterCredentials": {
				"arn:aws:redshift:" + account + "dbuser:dw/cache_ro", "arn:aws:redshift:" + account + "dbname:dw/dev",
			},
			"redshift-serverless:GetCredentials": {workgroupArn},
			"redshift-serverless:GetWorkgroup":   {workgroupArn},
		}},
		{"by secret, dispatch", bySecret, "DispatchFunction", map[string][]string{
			"secretsmanager:GetSecretValue": {secretArn},
			"sqs:SendMessage":               {"<RefreshQueue.Arn>"},
		}},
		{"by secret, refresh", bySecret, "RefreshFunction", map[string][]string{
			"sqs:ChangeMessageVisibility":           {"<RefreshQueue.Arn>"},
			"secretsmanager:GetSecretValue":         {redshiftSecretArn, secretArn},
			"redshift:DescribeClusters":             {"*"},
			"redshift:GetClusterCredentialsWithIAM": {"arn:aws:redshift:" + account + "dbname:dw/dev"},
		}},
	} {
		got := allowed(evaluate(t, template, tt.given).rights(tt.function))
		for action := range got {
			if platform[action] != "" {
				delete(got, action)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
