package templatetest_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const pages = "docs/operations"

// headings are the parts that each page has, in this order.
var headings = []string{"## What it means", "## First query", "## What to do", "## How to know that it is over"}

// Each alarm has a page, each page an alarm, and each page what somebody needs who was woken up by it.
func TestAlarms_HaveTheirPages(t *testing.T) {
	t.Parallel()
	alarms, problems := checkAlarms(t, load(t))
	report(t, problems)
	paths, err := filepath.Glob(filepath.Join(root, pages, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	var written []string
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".md")
		written = append(written, name)
		report(t, checkPage(name, read(t, filepath.Join(pages, name+".md"))))
	}
	if !slices.Equal(alarms, written) {
		t.Errorf("alarms %v\npages  %v", alarms, written)
	}
	general := read(t, "docs/operations.md")
	for _, name := range written {
		if !strings.Contains(general, "(operations/"+name+".md)") {
			t.Errorf("docs/operations.md does not lead to %s", name)
		}
	}
}

// checkAlarms returns the names of all alarms.
func checkAlarms(t *testing.T, template tree) (alarms, problems []string) {
	t.Helper()
	resources := evaluate(t, template, byIdentity).resources()
	for _, name := range names(resources) {
		of := resources[name].(tree)
		if of["Type"] != "AWS::CloudWatch::Alarm" {
			continue
		}
		p := of["Properties"].(tree)
		alarm := strings.TrimPrefix(fmt.Sprint(p["AlarmName"]), "redcache-")
		alarms = append(alarms, alarm)
		wrong := func(what string) { problems = append(problems, "alarm "+alarm+": "+what) }
		if !strings.HasSuffix(fmt.Sprint(p["AlarmDescription"]), " See "+pages+"/"+alarm+".md.") {
			wrong("its description does not name its page")
		}
		declared := section(t, template, "Resources", name, "Properties", "Threshold")
		if threshold, ok := declared["Ref"].(string); !ok || !strings.HasSuffix(threshold, "Threshold") {
			wrong("its threshold is no parameter")
		}
		if fmt.Sprint(p["AlarmActions"], p["OKActions"]) != "[<AlarmTopic>] [<AlarmTopic>]" {
			wrong("it does not tell the topic of its begin and its end")
		}
		if p["TreatMissingData"] == nil {
			wrong("it does not say what silence means")
		}
	}
	slices.Sort(alarms)
	return alarms, problems
}

func checkPage(name, text string) (problems []string) {
	wrong := func(what string) { problems = append(problems, pages+"/"+name+".md: "+what) }
	at := -1
	for _, heading := range headings {
		next := strings.Index(text, "\n"+heading+"\n")
		if next <= at {
			wrong("there is no " + heading + " in its place")
		}
		at = next
	}
	_, first, _ := strings.Cut(text, headings[1])
	first, _, _ = strings.Cut(first, "\n## ")
	if !strings.Contains(first, "<!-- run: cache -->\n```sql\n") {
		wrong("its first query is not one that the tests run")
	}
	return problems
}

// metricOfOurs finds metrics of ours in the text of the dashboard.
var metricOfOurs = regexp.MustCompile(`"Redcache", "([A-Za-z]+)"|MetricName=\\"([A-Za-z]+)\\"`)

// Whatever is watched or drawn of ours is a metric that a program writes.
func TestMetrics_AreThoseThatTheProgramsWrite(t *testing.T) {
	t.Parallel()
	report(t, checkMetrics(t, load(t), literals(t, "infra/emf", "schedule", "cmd/lambda")))
}

func checkMetrics(t *testing.T, template tree, written map[string]bool) (problems []string) {
	t.Helper()
	s := evaluate(t, template, byIdentity)
	found := map[string]bool{}
	for _, of := range s.resources() {
		if p := of.(tree)["Properties"].(tree); p["Namespace"] == "Redcache" {
			found[p["MetricName"].(string)] = true
			if name := fmt.Sprint(p["Dimensions"]); name != "[map[Name:Cache Value:redcache]]" {
				problems = append(problems, fmt.Sprintf("alarm on %v: its dimensions are %s", p["MetricName"], name))
			}
		}
	}
	for _, match := range metricOfOurs.FindAllStringSubmatch(s.properties("Dashboard")["DashboardBody"].(string), -1) {
		found[match[1]+match[2]] = true
	}
	if len(found) < 10 {
		problems = append(problems, fmt.Sprintf("found %d metrics of ours only", len(found)))
	}
	for name := range found {
		if !written[name] {
			problems = append(problems, "no program writes the metric "+name)
		}
	}
	if !written["Redcache"] || !written["Cache"] {
		problems = append(problems, "no program writes the namespace Redcache, or the dimension Cache")
	}
	return problems
}

// literals are all texts that stand in the Go code of these folders, tests left out.
func literals(t *testing.T, folders ...string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
					found[strings.Trim(literal.Value, "\"`")] = true
				}
				return true
			})
			return nil
		})
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	return found
}
