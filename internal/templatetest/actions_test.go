package templatetest_test

import (
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// platform are the rights that Lambda and other services use in the name of a function. No code of ours calls them.
var platform = map[string]string{
	"logs:CreateLogStream": "Lambda", "logs:PutLogEvents": "Lambda",
	"ec2:CreateNetworkInterface": "Lambda", "ec2:DeleteNetworkInterface": "Lambda",
	"ec2:AssignPrivateIpAddresses": "Lambda", "ec2:UnassignPrivateIpAddresses": "Lambda",
	"ec2:DescribeNetworkInterfaces": "Lambda", "ec2:DescribeSubnets": "Lambda",
	"sqs:ReceiveMessage": "Lambda", "sqs:DeleteMessage": "Lambda", "sqs:GetQueueAttributes": "Lambda",
	"xray:PutTraceSegments": "Lambda", "xray:PutTelemetryRecords": "Lambda",
	"kms:Decrypt": "Secrets Manager",
}

// services are the SDK's clients, by what IAM calls them. The SDK's own search for credentials links those without a
// name; what it calls needs no right of the role that it finds.
var services = map[string]string{
	"redshift": "redshift", "redshiftserverless": "redshift-serverless", "secretsmanager": "secretsmanager",
	"sqs": "sqs", "rds": "rds",
	"sso": "", "ssooidc": "", "sts": "", "signin": "",
}

// otherwise are the calls that need a right of another name.
var otherwise = map[string]string{
	"sqs:SendMessageBatch": "sqs:SendMessage",
	"rds:BuildAuthToken":   "rds-db:connect", // it calls nobody; the database looks at the right
}

var (
	operation = regexp.MustCompile(`aws-sdk-go-v2/service/([a-z0-9]+)\.\(\*Client\)\.([A-Z][A-Za-z]+)$`)
	authToken = regexp.MustCompile(`aws-sdk-go-v2/feature/(rds)/auth\.(BuildAuthToken)$`)
)

// Each function may do what its program can call, and nothing else.
func TestActions_AreThoseThatTheProgramsCall(t *testing.T) {
	t.Parallel()
	template := load(t)
	for _, function := range functions(evaluate(t, template)) {
		report(t, checkActions(t, template, function, called(t, function)))
	}
}

// called are the actions behind the operations that the linker kept in a program: those that some path of the code
// reaches. It leaves out what only other programs reach through the same packages.
func called(t *testing.T, function string) []string {
	t.Helper()
	symbols, err := exec.CommandContext(t.Context(), "go", "tool", "nm", program(function)).Output()
	if err != nil {
		t.Fatalf("list the symbols of %s: %v", function, err)
	}
	var actions []string
	for symbol := range strings.Lines(string(symbols)) {
		symbol = strings.TrimSpace(symbol)
		match := operation.FindStringSubmatch(symbol)
		if match == nil {
			match = authToken.FindStringSubmatch(symbol)
		}
		if match == nil || match[2] == "Options" { // which no service is asked for
			continue
		}
		action, err := actionOf(match[1], match[2])
		if err != nil {
			t.Errorf("%s: %v", function, err)
		} else if action != "" {
			actions = append(actions, action)
		}
	}
	slices.Sort(actions)
	return slices.Compact(actions)
}

// actionOf names the right that a call needs; none for calls that look for credentials.
func actionOf(service, operation string) (string, error) {
	prefix, known := services[service]
	switch {
	case !known:
		return "", fmt.Errorf("it calls %s of %s, and nobody has said how IAM calls that", operation, service)
	case prefix == "":
		return "", nil
	}
	action := prefix + ":" + operation
	if other := otherwise[action]; other != "" {
		return other, nil
	}
	return action, nil
}

// checkActions compares what a function may do, with all parts of the template switched on, with what it calls.
func checkActions(t *testing.T, template tree, function string, calls []string) (problems []string) {
	t.Helper()
	var may []string
	for _, parameters := range []given{byIdentity, bySecret} {
		for action := range allowed(evaluate(t, template, parameters).rights(function)) {
			if platform[action] == "" && !slices.Contains(may, action) {
				may = append(may, action)
			}
		}
	}
	for _, action := range calls {
		if !slices.Contains(may, action) {
			problems = append(problems, function+" calls "+action+", and the template does not allow it")
		}
	}
	for _, action := range may {
		if !slices.Contains(calls, action) {
			problems = append(problems, function+" may do "+action+", and does not call it")
		}
	}
	return problems
}
