package templatetest_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// functions are the names of the functions in the template.
func functions(s *stack) []string {
	var all []string
	resources := s.resources()
	for _, name := range names(resources) {
		if resources[name].(tree)["Type"] == "AWS::Serverless::Function" {
			all = append(all, name)
		}
	}
	return all
}

// source is where a function's program is: DispatchFunction is cmd/lambda/dispatch.
func source(function string) string {
	return "cmd/lambda/" + strings.ToLower(strings.TrimSuffix(function, "Function"))
}

// Each program is a function, each function is built by the Makefile from its program, for the machine it runs on.
func TestFunctions_AreBuiltFromTheirPrograms(t *testing.T) {
	t.Parallel()
	template := load(t)
	s := evaluate(t, template)
	globals := section(t, template, "Globals", "Function")
	got := fmt.Sprint(globals["Runtime"], globals["Handler"])
	if got != "provided.al2023bootstrap" {
		t.Errorf("the functions run as %s", got)
	}
	machines := section(t, template, "Parameters", "Architecture")["AllowedValues"].([]any)
	if fmt.Sprint(globals["Architectures"], machines) != "[map[Ref:Architecture]] [arm64 x86_64]" {
		t.Errorf("the functions run on %v of %v", globals["Architectures"], machines)
	}
	var sources []string
	for _, name := range functions(s) {
		sources = append(sources, source(name))
		if method := section(t, template, "Resources", name, "Metadata")["BuildMethod"]; method != "makefile" {
			t.Errorf("%s is built by %v", name, method)
		}
		build := exec.CommandContext(t.Context(), "make", "--dry-run", "build-"+name, "ARTIFACTS_DIR=/package")
		build.Dir = root
		out, err := build.CombinedOutput()
		if err != nil {
			t.Errorf("make build-%s: %v\n%s", name, err, out)
		}
		for _, part := range []string{
			"CGO_ENABLED=0", "GOOS=linux", "GOARCH=arm64", "-tags lambda.norpc,nethttpomithttp2", "-trimpath", "-s -w",
			`-o "/package/bootstrap" ./` + source(name) + "\n",
		} {
			if !strings.Contains(string(out), part) {
				t.Errorf("make build-%s does not say %s:\n%s", name, part, out)
			}
		}
	}
	if programs := programs(t); !slices.Equal(programs, sources) {
		t.Errorf("programs %v, functions %v", programs, sources)
	}
}

// programs are the folders of cmd/lambda that hold a program.
func programs(t *testing.T) []string {
	t.Helper()
	mains, err := filepath.Glob(filepath.Join(root, "cmd/lambda/*/main.go"))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, path := range mains {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if folder, err := filepath.Rel(root, filepath.Dir(path)); err == nil && strings.Contains(string(text), "package main\n") {
			all = append(all, filepath.ToSlash(folder))
		}
	}
	return all
}

// The URL of the database names everything but a password, whatever the parameters.
func TestDatabaseURL_HasNoPassword(t *testing.T) {
	t.Parallel()
	template := load(t)
	for _, tt := range []struct {
		given given
		query string
	}{
		{given{}, "?sslmode=verify-full&sslrootcert=/var/task/rds-ca.pem"},
		{given{"DatabaseTls": "verify-full-system"}, "?sslmode=verify-full"},
		{given{"DatabaseTls": "require", "DatabasePort": "6432"}, "?sslmode=require"},
	} {
		s := evaluate(t, template, tt.given)
		url := s.environment("RefreshFunction")["DATABASE_URL"]
		before, _, found := strings.Cut(url, tt.query)
		if !found || !strings.HasSuffix(url, tt.query) {
			t.Errorf("%s does not end in %s", url, tt.query)
		}
		config, err := pgconn.ParseConfig(before + "?sslmode=require")
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		got := fmt.Sprint(config.User, config.Password, "@", config.Host, ":", config.Port, "/", config.Database)
		want := "redcache@" + needed["DatabaseHost"] + ":" + fmt.Sprint(s.values["DatabasePort"]) + "/app"
		if got != want {
			t.Errorf("%s: got %s, want %s", url, got, want)
		}
	}
}

// A message is given to one function at a time, for longer than that may work, one message a call; what cannot be
// handled ends with the dead letters.
func TestQueue_HandsOutOneAtATime(t *testing.T) {
	t.Parallel()
	template := load(t)
	s := evaluate(t, template)
	queue := s.properties("RefreshQueue")
	for _, timeout := range section(t, template, "Parameters", "RefreshTimeout")["AllowedValues"].([]any) {
		of := evaluate(t, template, given{"RefreshTimeout": fmt.Sprint(timeout)})
		hidden := of.properties("RefreshQueue")["VisibilityTimeout"].(int)
		if spare := hidden - timeout.(int); spare < 30 || spare > 60 {
			t.Errorf("a refresh may take %v s, and its message is hidden for %d s", timeout, hidden)
		}
	}
	redrive := queue["RedrivePolicy"].(tree)
	if redrive["deadLetterTargetArn"] != "<DeadLetterQueue.Arn>" || redrive["maxReceiveCount"] != "20" {
		t.Errorf("dead letters: %v", redrive)
	}
	if dead := s.properties("DeadLetterQueue"); dead["MessageRetentionPeriod"] != 1209600 {
		t.Errorf("dead letters are kept for %v s, not for the 14 days that SQS can", dead["MessageRetentionPeriod"])
	}
	for _, name := range []string{"RefreshQueue", "DeadLetterQueue"} {
		if s.properties(name)["SqsManagedSseEnabled"] != true {
			t.Errorf("%s is not encrypted", name)
		}
	}
	message := section(t, s.properties("RefreshFunction"), "Events", "Message", "Properties")
	if message["BatchSize"] != 1 || fmt.Sprint(message["FunctionResponseTypes"]) != "[ReportBatchItemFailures]" ||
		message["ScalingConfig"].(tree)["MaximumConcurrency"] != "4" {
		t.Errorf("messages: %v", message)
	}
}

// The functions reach the databases and AWS, and nothing else; the groups that somebody else owns are left alone where
// that is asked for.
func TestNetwork_IsWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	template := load(t)
	rules := []string{"DatabaseEgressToRedshift", "DatabaseIngress", "RedshiftIngress", "RedshiftIngressFromDatabase"}
	endpoints := []string{"ClusterEndpoint", "QueueEndpoint", "SecretEndpoint", "WorkgroupEndpoint"}
	for _, tt := range []struct {
		given given
		rules []string
		paths []string
	}{
		{given{}, rules, nil},
		{given{"SecurityGroupRules": "functions"}, []string{"DatabaseIngress", "RedshiftIngress"}, nil},
		{given{"SecurityGroupRules": "none"}, nil, nil},
		{given{"Endpoints": "yes"}, rules, []string{"QueueEndpoint"}},
		{byIdentity, rules, []string{"ClusterEndpoint", "QueueEndpoint", "WorkgroupEndpoint"}},
		{given{"Endpoints": "yes", "RedshiftSecretArn": redshiftSecretArn}, rules, []string{"QueueEndpoint", "SecretEndpoint"}},
	} {
		made := evaluate(t, template, tt.given).resources()
		got := func(of []string) []string {
			return slices.DeleteFunc(slices.Clone(of), func(name string) bool { return made[name] == nil })
		}
		if found := got(rules); !slices.Equal(found, tt.rules) {
			t.Errorf("%v: rules: got %v, want %v", tt.given, found, tt.rules)
		}
		if found := got(endpoints); !slices.Equal(found, tt.paths) {
			t.Errorf("%v: endpoints: got %v, want %v", tt.given, found, tt.paths)
		}
		outward := made["FunctionSecurityGroup"].(tree)["Properties"].(tree)["SecurityGroupEgress"].([]any)
		if want := map[bool]int{false: 3, true: 2}[tt.given["Endpoints"] == "yes"]; len(outward) != want {
			t.Errorf("%v: rules outward: got %d, want %d", tt.given, len(outward), want)
		}
	}
}
