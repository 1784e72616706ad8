package templatetest_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// stack is the template as it comes out with some parameters.
type stack struct {
	t        *testing.T
	template tree
	values   map[string]any
}

// given are parameters.
type given = map[string]string

// needed are the parameters without a default, and those that the rules ask for besides.
var needed = given{
	"DatabaseHost": "app.abc123.eu-central-1.rds.amazonaws.com", "DatabaseName": "app",
	"DatabaseResourceId": "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
	"VpcId":              "vpc-1", "SubnetIds": "subnet-1", "DatabaseSecurityGroupId": "sg-db",
	"RedshiftSecurityGroupId": "sg-dw", "ApiCidr": "10.0.0.0/16",
}

// evaluate binds parameters on top of the needed ones and the defaults.
func evaluate(t *testing.T, template tree, parameters ...given) *stack {
	t.Helper()
	s := &stack{t: t, template: template, values: map[string]any{
		"AWS::Partition": "aws", "AWS::Region": "eu-central-1", "AWS::AccountId": "123456789012",
		"AWS::URLSuffix": "amazonaws.com",
		"AWS::StackName": "redcache", "AWS::NoValue": nothing{},
	}}
	declared := section(t, template, "Parameters")
	for name, of := range declared {
		if value, ok := of.(tree)["Default"]; ok {
			s.values[name] = fmt.Sprint(value)
		}
	}
	for _, some := range append([]given{needed}, parameters...) {
		for name, value := range some {
			if declared[name] == nil {
				t.Fatalf("the template has no parameter %s", name)
			}
			s.values[name] = value
		}
	}
	return s
}

// nothing is what AWS::NoValue leaves: its place in a mapping or list is gone.
type nothing struct{}

// resources are those whose conditions hold, without what is left out.
func (s *stack) resources() tree {
	made := tree{}
	for name, of := range section(s.t, s.template, "Resources") {
		resource := of.(tree)
		if condition, ok := resource["Condition"].(string); ok && !s.condition(condition) {
			continue
		}
		made[name] = s.value(tree{"Type": resource["Type"], "Properties": resource["Properties"]})
	}
	return made
}

// properties are those of one resource, which must exist.
func (s *stack) properties(resource string) tree {
	s.t.Helper()
	return section(s.t, s.resources(), resource, "Properties")
}

func (s *stack) condition(name string) bool {
	condition, ok := section(s.t, s.template, "Conditions")[name]
	if !ok {
		s.t.Fatalf("the template has no condition %s", name)
	}
	return s.holds(condition)
}

// broken names the rules that these parameters break.
func (s *stack) broken() []string {
	var all []string
	rules := section(s.t, s.template, "Rules")
	for _, name := range names(rules) {
		rule := rules[name].(tree)
		if condition, ok := rule["RuleCondition"]; ok && !s.holds(condition) {
			continue
		}
		for _, assertion := range rule["Assertions"].([]any) {
			if !s.holds(assertion.(tree)["Assert"]) {
				all = append(all, name)
			}
		}
	}
	return all
}

func (s *stack) holds(condition any) bool {
	yes, ok := s.value(condition).(bool)
	if !ok {
		s.t.Fatalf("%v is no condition", condition)
	}
	return yes
}

// value evaluates whatever stands in the template.
func (s *stack) value(v any) any {
	switch v := v.(type) {
	case []any:
		list := []any{}
		for _, item := range v {
			if item = s.value(item); item != any(nothing{}) {
				list = append(list, item)
			}
		}
		return list
	case tree:
		if len(v) == 1 {
			for name, of := range v {
				if name == "Ref" || name == "Condition" || strings.HasPrefix(name, "Fn::") {
					return s.call(name, of)
				}
			}
		}
		m := tree{}
		for name, item := range v {
			if item = s.value(item); item != any(nothing{}) {
				m[name] = item
			}
		}
		return m
	default:
		return v
	}
}

// call evaluates an intrinsic function.
func (s *stack) call(name string, of any) any {
	list, _ := of.([]any)
	switch name {
	case "Ref":
		return s.ref(of.(string))
	case "Condition":
		return s.condition(of.(string))
	case "Fn::GetAtt":
		return fmt.Sprintf("<%s.%s>", list[0], list[1])
	case "Fn::Sub":
		return s.substitute(of)
	case "Fn::FindInMap":
		return section(s.t, s.template, "Mappings", list[0].(string), s.value(list[1]).(string))[list[2].(string)]
	case "Fn::If":
		if s.condition(list[0].(string)) {
			return s.value(list[1])
		}
		return s.value(list[2])
	case "Fn::Equals":
		return fmt.Sprint(s.value(list[0])) == fmt.Sprint(s.value(list[1]))
	case "Fn::Not":
		return !s.holds(list[0])
	case "Fn::And":
		return !slices.ContainsFunc(list, func(c any) bool { return !s.holds(c) })
	case "Fn::Or":
		return slices.ContainsFunc(list, s.holds)
	default:
		s.t.Fatalf("%s is not known here", name)
		return nil
	}
}

func (s *stack) ref(name string) any {
	if value, ok := s.values[name]; ok {
		return value
	}
	if section(s.t, s.template, "Resources")[name] == nil {
		s.t.Fatalf("there is nothing called %s, or it has no value", name)
	}
	return "<" + name + ">"
}

var placeholder = regexp.MustCompile(`\$\{([A-Za-z0-9:.]+)\}`)

// substitute evaluates Fn::Sub, of a text or of a text with values of its own.
func (s *stack) substitute(of any) string {
	own := *s
	text, ok := of.(string)
	if !ok {
		list := of.([]any)
		text = list[0].(string)
		own.values = maps.Clone(s.values)
		for name, value := range list[1].(tree) {
			own.values[name] = s.value(value)
		}
	}
	return placeholder.ReplaceAllStringFunc(text, func(found string) string {
		name := found[2 : len(found)-1]
		if strings.Contains(name, ".") {
			return "<" + name + ">"
		}
		return fmt.Sprint(own.ref(name))
	})
}
