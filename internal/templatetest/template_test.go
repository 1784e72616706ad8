// Package templatetest_test holds template.yaml against the programs that it deploys: the variables that it sets are
// those that they read, the rights that it gives are for the calls that they make, its alarms watch metrics that they
// write, and each alarm has its page in docs/operations.
//
// The hard idea is to read the template as CloudFormation does. It is evaluated with parameters, so that a test sees
// the one ARN that comes out of conditions and substitutions, and not the text that they are written in. A check
// returns what is wrong as a list, so that another test can break the template and see that the check notices.
package templatetest_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const root = "../.."

// tree is a mapping of the template, with short forms such as !Ref written out as {"Ref": …}.
type tree = map[string]any

// load reads the template.
func load(t *testing.T) tree {
	t.Helper()
	return parse(t, read(t, "template.yaml"))
}

func parse(t *testing.T, text string) tree {
	t.Helper()
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		t.Fatal(err)
	}
	whole, ok := plain(t, document.Content[0]).(tree)
	if !ok {
		t.Fatal("the template is no mapping")
	}
	return whole
}

// plain turns a node into maps, lists and scalars. Anchors and merges are refused, as CloudFormation does.
func plain(t *testing.T, node *yaml.Node) any {
	t.Helper()
	var value any
	switch node.Kind {
	case yaml.MappingNode:
		m := tree{}
		for i := 0; i < len(node.Content); i += 2 {
			name := node.Content[i].Value
			if _, twice := m[name]; twice || name == "<<" {
				t.Fatalf("line %d: %s stands twice, or is a merge", node.Content[i].Line, name)
			}
			m[name] = plain(t, node.Content[i+1])
		}
		value = m
	case yaml.SequenceNode:
		list := []any{}
		for _, item := range node.Content {
			list = append(list, plain(t, item))
		}
		value = list
	case yaml.ScalarNode:
		value = node.Value
		if strings.HasPrefix(node.Tag, "!!") {
			if err := node.Decode(&value); err != nil {
				t.Fatalf("line %d: %v", node.Line, err)
			}
		}
	default:
		t.Fatalf("line %d: CloudFormation knows no aliases", node.Line)
	}
	return longForm(node.Tag, value)
}

// longForm writes a short form out.
func longForm(tag string, value any) any {
	name, short := strings.CutPrefix(tag, "!")
	switch {
	case !short || strings.HasPrefix(name, "!"):
		return value
	case name == "Ref" || name == "Condition":
		return tree{name: value}
	case name == "GetAtt":
		if path, ok := value.(string); ok {
			resource, attribute, _ := strings.Cut(path, ".")
			value = []any{resource, attribute}
		}
	}
	return tree{"Fn::" + name: value}
}

// section is one of the template's parts; a template without it fails the test.
func section(t *testing.T, template tree, path ...string) tree {
	t.Helper()
	at := template
	for _, name := range path {
		next, ok := at[name].(tree)
		if !ok {
			t.Fatalf("the template has no %s", strings.Join(path, "/"))
		}
		at = next
	}
	return at
}

// names returns a mapping's keys in order.
func names(m tree) []string {
	var all []string
	for name := range m {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// texts returns one text or a list of texts as a list.
func texts(value any) []string {
	switch v := value.(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, item := range v {
			all = append(all, texts(item)...)
		}
		return all
	default:
		return nil
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// report fails the test with each of these.
func report(t *testing.T, problems []string) {
	t.Helper()
	for _, problem := range problems {
		t.Error(problem)
	}
}
