package templatetest_test

import (
	"context"
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/cmd/lambda/setup"
	"github.com/redcache/redcache/infra"
)

// configs are what the functions read from their environment.
var configs = map[string]func() any{
	"DispatchFunction": func() any { return &setup.Dispatch{} },
	"RefreshFunction":  func() any { return &setup.Refresh{} },
}

// environment is what a function is given, by its own and by the common part of the template.
func (s *stack) environment(function string) map[string]string {
	s.t.Helper()
	all := map[string]string{}
	for _, part := range []tree{
		section(s.t, s.template, "Globals", "Function"), section(s.t, s.template, "Resources", function, "Properties"),
	} {
		for name, value := range section(s.t, part, "Environment", "Variables") {
			all[name] = fmt.Sprint(s.value(value))
		}
	}
	return all
}

// Each function is given the variables that it reads, all of them and no others.
func TestVariables_AreThoseThatTheProgramsRead(t *testing.T) {
	t.Parallel()
	report(t, checkVariables(t, load(t)))
}

func checkVariables(t *testing.T, template tree) (problems []string) {
	t.Helper()
	s := evaluate(t, template)
	for _, function := range functions(s) {
		config := configs[function]
		if config == nil {
			problems = append(problems, "nobody has said what "+function+" reads")
			continue
		}
		var reads []string
		for _, variable := range infra.Variables(setup.Prefix, config()) {
			reads = append(reads, variable.Name)
		}
		gets := s.environment(function)
		for _, name := range reads {
			if _, ok := gets[name]; !ok {
				problems = append(problems, function+" reads "+name+", and is not given it")
			}
		}
		for name := range gets {
			if !slices.Contains(reads, name) {
				problems = append(problems, function+" is given "+name+", and does not read it")
			}
		}
	}
	return problems
}

// Each program starts with what the template gives it, whatever the parameters.
func TestVariables_AreTakenByThePrograms(t *testing.T) {
	t.Parallel()
	template := load(t)
	authorities := authorities(t)
	for _, function := range functions(evaluate(t, template)) {
		for _, parameters := range []given{
			{}, {"DatabaseTls": "verify-full-system"}, {"DatabaseTls": "require"}, byIdentity, bySecret,
		} {
			// Nobody listens at the address, so the program ends as soon as it asks for its first invocation.
			env := []string{"AWS_LAMBDA_RUNTIME_API=127.0.0.1:1"}
			put := strings.NewReplacer("<", "", ">", "", "/var/task/rds-ca.pem", authorities)
			for name, value := range evaluate(t, template, parameters).environment(function) {
				env = append(env, name+"="+put.Replace(value))
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			start := exec.CommandContext(ctx, program(function))
			start.Env = env
			out, err := start.CombinedOutput()
			if ctx.Err() != nil || err == nil || !strings.Contains(string(out), `"function starts"`) {
				t.Errorf("%s with %v does not start: %v\n%s", function, parameters, err, out)
			}
			cancel()
		}
	}
}

// authorities writes a certificate in the form of RDS's bundle.
func authorities(t *testing.T) (path string) {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	path = filepath.Join(t.TempDir(), "rds-ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(path, block, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
